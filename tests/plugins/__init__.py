"""The example of a plugin, and its use."""
