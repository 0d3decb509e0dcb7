"""Where answers come from: wire formats without I/O, one transport that does the I/O, local models, and the registry of names."""
