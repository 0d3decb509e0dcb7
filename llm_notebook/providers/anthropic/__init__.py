"""Anthropic's Messages API: models, options, tools, requests and answers."""
