"""Real servers for tests to talk to, each started as a process of its own and always ended."""
