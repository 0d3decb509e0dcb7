"""Runs over rows in a notebook: `%%llm --each`, the bar that is drawn of each, and what a cell shows of the table."""
