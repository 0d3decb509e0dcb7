"""The bridge to the `llm` package, tested with real plugins of that package."""
