"""Safe Markdown: what a model wrote is parsed, and written anew without anything that runs, loads or hides."""
