"""Stand-ins for servers and models that tests cannot use."""
