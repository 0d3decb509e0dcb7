"""OpenAI's Responses and Chat Completions APIs, and the servers that speak them: models, options, requests and answers."""
