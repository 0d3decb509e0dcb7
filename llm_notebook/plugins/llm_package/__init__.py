"""The bridge to the installed `llm` package and its plugins. Each module except `opening` imports that package."""
