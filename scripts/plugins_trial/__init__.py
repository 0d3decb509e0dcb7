"""Runs plugins of the `llm` package through the bridge, against scripted servers, and prints what was seen as a table."""
