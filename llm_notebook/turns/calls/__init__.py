"""The tool calls of a turn: each one is frozen, approved and run, and its outcome is recorded."""
