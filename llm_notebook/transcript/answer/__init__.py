"""What an answer shows beside its text: sources, tables and pictures."""
