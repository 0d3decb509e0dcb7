"""A server's limits for a key: read from its replies, and respected by waiting."""
