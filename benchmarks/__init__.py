"""Benchmarks. Speeds are ratios to plain httpx, and to the `llm` package if it is installed, measured in the same run."""
