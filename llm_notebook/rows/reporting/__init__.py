"""How far a run over rows has come, and where that is shown."""
