"""The arguments of a tool call: read from what the model wrote, checked, and frozen before the tool runs."""
