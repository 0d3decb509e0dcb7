"""Google's Gemini API: models, options, tools, requests and answers."""
