"""Cells: what happens to a cell before IPython runs it, whether its value is used, and which turn it holds."""
