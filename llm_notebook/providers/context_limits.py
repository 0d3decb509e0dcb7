"""How many tokens over a model's limit a request was, read from what the server said. No I/O."""

from __future__ import annotations

import re

__all__ = ["tokens_over"]

_NUMBER = r"(?P<{0}>\d[\d,_]*)"
_LIMIT, _ASKED = _NUMBER.format("limit"), _NUMBER.format("asked")
# What OpenAI, vLLM, OpenRouter, llama.cpp, Anthropic, Gemini, Mistral, xAI and Groq say.
_SAID = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"maximum (?:context|prompt) length is {_LIMIT}\D{{0,120}}?{_ASKED} (?:input )?tokens",
        rf"limit of {_LIMIT} tokens\D{{0,80}}?{_ASKED} tokens",
        rf"\({_ASKED} tokens\) exceeds the available context size \({_LIMIT} tokens\)",
        rf"{_ASKED} tokens > {_LIMIT}(?: tokens)? maximum",
        rf"token count \(?{_ASKED}\)? exceeds the maximum number of tokens allowed \(?{_LIMIT}\)?",
        rf"contains {_ASKED} tokens.{{0,80}}? {_LIMIT} maximum context length",
        rf"Limit {_LIMIT}, Requested {_ASKED}, please reduce",
    )
)


def tokens_over(said: str) -> int | None:
    """By how many tokens the request was longer than the limit that the server named; None if it named none."""
    for pattern in _SAID:
        found = pattern.search(said)
        if found is not None:
            limit, asked = (int(re.sub(r"\D", "", found[name])) for name in ("limit", "asked"))
            return asked - limit if asked > limit else None
    return None
