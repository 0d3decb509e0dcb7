"""Real servers for tests, each of which runs in its own process and is always stopped."""
