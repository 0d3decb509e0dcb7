"""Google's Gemini API: models, options, requests and answers."""
