"""The elements of a JSON list become frames, however its bytes are split."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.providers.http.answers.listed_answers import JSONListElements

elements = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def read(*pieces: bytes) -> tuple[list[Any], JSONListElements]:
    framing = JSONListElements()
    return [json.loads(element) for piece in pieces for _, element in framing.feed(piece)], framing


@given(st.lists(elements, max_size=5), st.booleans(), st.sampled_from([None, 1]), st.lists(st.integers(0, 200)))
def test_the_elements_of_any_list(values: list[Any], ascii_only: bool, indent: int | None, cuts: list[int]) -> None:
    body = json.dumps(values, ensure_ascii=ascii_only, indent=indent).encode(errors="surrogatepass")
    places = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    found, framing = read(*(body[start:end] for start, end in itertools.pairwise(places)))
    assert found == values
    assert framing.is_over
    assert framing.waiting == 0


@pytest.mark.parametrize("body", [b"[", b'[{"a": 1}', b'[{"a": 1},', b'[{"a": "]', b'[{"a": "\\"}]'])
def test_a_list_that_is_cut_is_not_over(body: bytes) -> None:
    _, framing = read(body)
    assert not framing.is_over
    assert framing.waiting
