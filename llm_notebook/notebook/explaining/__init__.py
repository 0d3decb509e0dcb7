"""`%llm error`: what is known of an exception, and what of that a model is told."""
