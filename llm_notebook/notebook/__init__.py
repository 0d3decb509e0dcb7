"""The magics and what they show in a cell. Only this room knows IPython, and no other room imports it."""
