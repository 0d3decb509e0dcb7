"""What Tab offers on `%llm` and `%%llm` lines, wherever the kernel completes."""
