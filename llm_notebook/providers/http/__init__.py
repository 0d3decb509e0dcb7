"""Requests over HTTP, for every provider: what is sent, how the bytes come back, and what goes wrong on the way."""
