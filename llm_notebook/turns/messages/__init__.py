"""What the messages of a request are made of: what a user gives, what was sent before, and what a model can read."""
