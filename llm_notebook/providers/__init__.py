"""Where answers come from: one pure module per wire format, one transport that does the I/O, and the local model."""
