"""Turns that this kernel runs: what they print and use, what comes of them, and what a reader is told when one fails."""
