"""Speed, as ratios to plain httpx (and the `llm` package where it is installed) measured in the same run."""
