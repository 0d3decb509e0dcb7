"""Runs plugins of the `llm` package through the bridge, against scripted servers, and prints the results as a table."""
