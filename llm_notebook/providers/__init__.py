"""The room where answers come from: wire formats without I/O, one transport that does it, local models, and the registry of names."""
