"""What servers say in errors: the number of tokens by which a prompt is too long, and what stands beside the message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.providers.http.errors import error_text, provider_error, tokens_over


@pytest.mark.parametrize(
    ("said", "over"),
    [
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 128100 tokens.",
            100,
        ),
        ("maximum context length is 4096 tokens. However, you requested 5,000 tokens (4900 in the messages)", 904),
        ("Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.", 28000),
        ("This endpoint's maximum context length is 163840 tokens. However, you requested about 200000 tokens", 36160),
        ("the request (6010 tokens) exceeds the available context size (4096 tokens), try increasing it", 1914),
        ("prompt is too long: 208310 tokens > 200000 maximum", 8310),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 151424),
        ("The input token count exceeds the maximum number of tokens allowed 1048576.", None),
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            7232,
        ),
        ("maximum prompt length is 131072 but the request contains 200000 tokens.", 68928),
        ("Request too large (TPM): Limit 6000, Requested 7000, please reduce your message size", 1000),
        ("maximum context length is 5000 tokens. However, you requested 4000 tokens", None),
        ("Rate limit reached for 3 requests", None),
        ("", None),
    ],
)
def test_the_difference_is_read_from_the_message(said: str, over: int | None) -> None:
    assert tokens_over(said) == over


@given(st.text())
def test_any_message_gives_a_positive_number_or_none(said: str) -> None:
    assert tokens_over(said) is None or tokens_over(said) > 0  # type: ignore[operator]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            {"error": {"code": 429, "message": "Provider returned error", "metadata": {"provider_name": "Google", "raw": "limited upstream"}}},
            "Provider returned error (Google: limited upstream)",
        ),
        (
            {"error": {"message": "Provider returned error", "metadata": {"raw": '{"error": {"message": "too long"}}'}}},
            "Provider returned error (too long)",
        ),
        ({"error": {"message": "Failed to call a function", "failed_generation": "<f>{}"}}, "Failed to call a function The model wrote: <f>{}"),
    ],
)  # fmt: skip
def test_what_stands_beside_the_message_is_told_too(body: Any, said: str) -> None:
    assert error_text(body)[0] == said


def test_a_wrong_key_that_is_no_401_is_advised_about() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    body = {"error": {"code": 400, "message": "API key not valid.", "details": details}}
    assert str(provider_error("g", body, status=400)).endswith("API key not valid. Check the key.")
