"""Threads and event loops: where async tools run, how waits are woken, and where an interrupt may strike."""
