"""One turn and its chain, without I/O: the prompt, the answer as it arrives, the tool calls, and the pauses between them."""
