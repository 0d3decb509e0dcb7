"""Responses, pauses and chains that were stored, in this process or another, and continue from there."""
