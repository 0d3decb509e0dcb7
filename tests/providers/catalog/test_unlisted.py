"""Models that no list describes: they are asked for nothing that a model of their generation refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llm_notebook as llm


def sent(name: str) -> dict[str, Any]:
    """Return the body of a request to this model."""
    model: Any = llm.get_model(name)
    response = model.prompt("Hi")
    response.prompt.freeze()
    request, _, _ = model._exchange(response.prompt, True, "k")
    body: dict[str, Any] = json.loads(request.body)
    return body


@pytest.mark.parametrize(
    "name",
    [
        "openai/gpt-3.5-turbo-0125",
        "openai/gpt-4-0613",
        "openai/chatgpt-4o-latest",
        "openai/ft:gpt-4o-mini-2024-07-18:team::Ab1",
        "anthropic/claude-2.1",
        "anthropic/claude-instant-1.2",
        "anthropic/claude-3-5-haiku-20241022",
        "anthropic/claude-opus-4-20250514",
        "anthropic/claude-sonnet-4-5-20991231",
        "gemini/gemini-1.5-pro-002",
        "gemini/gemini-2.0-flash",
        "gemini/gemma-3-27b-it",
    ],
)
def test_an_older_model_is_not_asked_to_reason(name: str) -> None:
    body = sent(name)
    assert not {"thinking", "reasoning", "include", "generationConfig"} & body.keys()


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("claude-2.1", 4096),
        ("claude-3-opus-20990101", 4096),
        ("claude-3-5-haiku-20241022", 8192),
        ("claude-opus-4-20250514", 32_000),
        ("claude-sonnet-4-20250514", 64_000),
    ],
)
def test_the_answer_of_an_older_claude_has_the_length_that_it_takes(name: str, most: int) -> None:
    assert sent(f"anthropic/{name}")["max_tokens"] == most


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("openai/gpt-7-new", "reasoning"),
        ("openai/o9", "reasoning"),
        ("anthropic/claude-opus-6", "thinking"),
        ("anthropic/claude-sonnet-4-9-20990101", "thinking"),
        ("gemini/gemini-2.5-new", "generationConfig"),
        ("gemini/gemini-9-flash", "generationConfig"),
        ("gemini/something-new", "generationConfig"),
    ],
)
def test_a_newer_model_is_asked_to_reason_as_the_newest_are(name: str, field: str) -> None:
    assert field in sent(name)
