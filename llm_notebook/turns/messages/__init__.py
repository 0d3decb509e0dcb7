"""The messages of a request: what a user gives, what was sent before, and what a model can read."""
