"""The user's settings: folders, files, keys and choices, and what the process shares."""
