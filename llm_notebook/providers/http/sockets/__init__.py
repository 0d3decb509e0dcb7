"""Connections to servers, and the sockets below them, for sync and async code."""
