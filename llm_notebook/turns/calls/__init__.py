"""The tool calls of a turn: each is frozen, asked about and run, and what becomes of it is noted."""
