"""Safe Markdown: the Markdown of a model is parsed and written again without anything that runs, loads or hides."""
