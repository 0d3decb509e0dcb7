"""The number of tokens by which a prompt is too long, read from the messages of every server that gives it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.providers.http.errors import tokens_over


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
