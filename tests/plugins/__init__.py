"""Plugins: those of this package with an example, the bridge to the `llm` package, and MCP servers."""
