"""The transcript: a turn as its reader sees it, in forms that are safe to show in a notebook, a file or a terminal."""
