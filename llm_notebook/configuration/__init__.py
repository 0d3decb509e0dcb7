"""The user's configuration: folders, files, keys and stored choices; and the objects that one process shares."""
