"""Tool calls as their reader sees them: the card that asks about one, what it printed, and how it failed."""
