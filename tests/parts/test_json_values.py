"""Metadata of any kind becomes JSON, with its bytes there and back, and nothing raises."""

from __future__ import annotations

import datetime
import decimal
import json
import pathlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llm_notebook as llm
from llm_notebook.parts.json_values import as_json, from_json

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.decimals() | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
        | st.sets(st.integers())
    ),
    max_leaves=6,
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


class _Odd:
    def __repr__(self) -> str:
        raise ValueError("no")


@given(ANYTHING)
def test_anything_becomes_json(value: Any) -> None:
    json.dumps(as_json(value), allow_nan=False)


@given(JSON)
def test_json_and_bytes_come_back(value: Any) -> None:
    assert from_json(json.loads(json.dumps(as_json(value)))) == value


def test_what_is_json_already_is_not_copied() -> None:
    value = {"a": [1, "x", None, {"b": 1.5}]}
    assert as_json(value) is value
    assert from_json(value) is value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (decimal.Decimal("0.1"), 0.1),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (float("nan"), "nan"),
        (_Odd(), "<_Odd object; its repr raised ValueError>"),
    ],
)
def test_values_become_what_is_closest(value: Any, expected: Any) -> None:
    assert as_json(value) == expected


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert as_json({"a": numpy.float32(0.5), "b": numpy.int64(3), "c": numpy.arange(2), "d": numpy.bool_(True)}) == {
        "a": 0.5,
        "b": 3,
        "c": [0, 1],
        "d": True,
    }


def test_what_refers_to_itself_ends() -> None:
    value: list[Any] = []
    value.append(value)
    json.dumps(as_json(value))


def test_messages_with_any_metadata_come_back_from_json() -> None:
    part = llm.TextPart("x", {"google": {"signature": b"\x01\xff"}})
    message = llm.Message("assistant", [part], {"raw": b"\0"})
    assert llm.Message.from_dict(json.loads(json.dumps(message.to_dict()))) == message
