"""Requests over HTTP for every provider: how they are sent, how answers are decoded, and how failures are handled."""
