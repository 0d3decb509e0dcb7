"""What a Python object becomes for a model: a text, a picture, or both, bounded, and with a note of what was left out."""
