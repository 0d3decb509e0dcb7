"""What a cell asks: the values, files, tools and templates that go with its prompt, and what it wants of the answer."""
