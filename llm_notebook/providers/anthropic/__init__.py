"""Anthropic's Messages API: models, options, requests and answers."""
