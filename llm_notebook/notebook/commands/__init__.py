"""The line commands of `%llm`, such as `%llm models` and `%llm pending`."""
