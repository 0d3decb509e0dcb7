"""`%llm error`: what is known about an exception, and which part of it a model is told."""
