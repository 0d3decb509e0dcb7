"""What a cell asks: its prompt, the values, files, tools and templates that are sent with it, and the kind of answer that it wants."""
