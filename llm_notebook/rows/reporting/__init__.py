"""The progress of a run over rows, and where it is shown."""
