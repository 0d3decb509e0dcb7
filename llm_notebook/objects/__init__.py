"""How a Python object is described to a model: as text, as pictures, or both, within a size limit and with a note of what was left out."""
