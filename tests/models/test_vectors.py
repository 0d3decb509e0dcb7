"""Embeddings as bytes, and how alike two of them are."""

from __future__ import annotations

import llm
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook import cosine_similarity, decode, encode

NUMBERS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False))


@given(NUMBERS)
def test_the_bytes_are_those_of_the_llm_command(numbers: list[float]) -> None:
    assert encode(numbers) == llm.encode(numbers)
    assert list(decode(encode(numbers))) == numbers
    assert decode(llm.encode(numbers)) == llm.decode(encode(numbers))


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [([1, 2], [2, 4], 1), ([1, 0], [0, 3], 0), ([1, 2], [-1, -2], -1), ((0.5, 1.5, 2.0), [1, 2, 3], 0.99587)],
)
def test_how_alike_two_embeddings_are(a: list[float], b: list[float], alike: float) -> None:
    assert cosine_similarity(a, b) == pytest.approx(alike, abs=1e-5)
    assert cosine_similarity(a, b) == llm.cosine_similarity(a, b)


def test_what_cannot_be_compared_or_decoded_says_why() -> None:
    with pytest.raises(ValueError, match="3 and 2 numbers cannot be compared: use one model for both"):
        cosine_similarity([1, 2, 3], [1, 2])
    with pytest.raises(ZeroDivisionError):
        cosine_similarity([0, 0], [1, 2])
    with pytest.raises(ValueError, match="four bytes for each number, and these are 5 bytes"):
        decode(b"12345")
