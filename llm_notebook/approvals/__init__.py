"""Approvals: what a human is asked before a tool runs, what the human decides, and what a decision is bound to."""
