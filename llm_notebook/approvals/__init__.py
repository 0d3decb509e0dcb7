"""Approvals: what a human is asked, what was decided, and what a decision is bound to."""
