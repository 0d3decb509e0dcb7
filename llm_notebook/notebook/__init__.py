"""The magics and what they show in a cell. The only part that knows IPython; nothing outside imports it."""
