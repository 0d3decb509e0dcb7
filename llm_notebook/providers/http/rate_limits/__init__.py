"""The limits that a server holds a key to: reading them from replies, and waiting so as to keep them."""
