"""What the installed `llm` package and its plugins offer, used from here: each module but `opening` imports that package."""
