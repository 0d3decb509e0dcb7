"""The turns that this kernel runs: what they print, use and result in, and what a reader is told when one fails."""
