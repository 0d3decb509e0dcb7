"""OpenAI's Responses and Chat Completions APIs: models, options, tools, requests and answers."""
