"""What stands on the line of `%llm` and `%%llm`: options, Python expressions, and the prompt as it was typed."""
