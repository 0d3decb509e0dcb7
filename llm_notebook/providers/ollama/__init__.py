"""Ollama's own API: models, options, requests and answers."""
