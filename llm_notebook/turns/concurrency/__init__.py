"""Threads and event loops: where async tools run, how waiting code is woken, and where an interrupt may strike."""
