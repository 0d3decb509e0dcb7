"""Cells: what happens to one before IPython runs it, whether its value is used, and which turn it holds."""
