"""Small answers in the shapes that many hosts send, one for each kind of what they do, played through all wires."""
