"""The bridge to the `llm` package, with real plugins of it."""
