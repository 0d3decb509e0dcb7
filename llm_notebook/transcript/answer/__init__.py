"""What an answer shows besides its text: sources, tables and pictures."""
