"""Rows are found while an answer arrives, wherever it is cut, and they are those that parsing the whole gives."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llm_notebook.answers.row_scanner import NoRows, RowScanner

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
SPACES = st.sampled_from([None, 0, 2, "\t"])


def pieces_of(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts} | {0, len(text)})
    return [text[start:end] for start, end in itertools.pairwise(places)]


def scanned(text: str, cuts: list[int]) -> tuple[RowScanner, Any]:
    """What a scanner makes of a text that arrives in pieces: its rows, or None if it finds that there are none."""
    scanner = RowScanner()
    for piece in pieces_of(text, cuts):
        scanner.feed(piece)
    try:
        return scanner, scanner.close(text)
    except NoRows:
        return scanner, None


def rows_of_whole(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    rows = value.get("items") if isinstance(value, dict) else value
    return rows if isinstance(rows, list) else None


CUTS = st.lists(st.integers(0, 300), max_size=12)


@given(rows=st.lists(VALUES, max_size=5), wraps=st.booleans(), indent=SPACES, escapes=st.booleans(), cuts=CUTS)
@example(rows=["\ud83d"], wraps=True, indent=None, escapes=True, cuts=[12])
@example(rows=[{"a": '\\"}'}], wraps=False, indent=None, escapes=True, cuts=[7, 8, 9, 10])
def test_rows_are_found_without_a_second_look_at_the_text(
    rows: list[Any], wraps: bool, indent: Any, escapes: bool, cuts: list[int]
) -> None:
    text = json.dumps({"items": rows} if wraps else rows, indent=indent, ensure_ascii=escapes)
    scanner, found = scanned(text, cuts)
    assert found == rows
    assert found is scanner.rows


@given(
    text=st.text(alphabet=' \n{}[],:"\\ab1-.e/items', max_size=60)
    | st.lists(
        st.sampled_from(['{"items": [', "[", "]", "}", "{", '"a"', ":", ",", "1", '"\\', "NaN", " ", "\n", "```", "x"]),
        max_size=12,
    ).map("".join),
    cuts=CUTS,
)
@example(text="[1, 2, ]", cuts=[])
@example(text='{"items": [1], "items": [2]}', cuts=[14])
@example(text='{"items": [1]} x', cuts=[])
@example(text="[1", cuts=[])
def test_any_text_gives_the_rows_of_the_whole_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    _, once = scanned(text, [])
    _, found = scanned(text, cuts)
    assert repr(found) == repr(once)
    whole = rows_of_whole(text)
    assert whole is None or repr(found) == repr(whole)


@pytest.mark.parametrize(
    "text",
    [
        'Here you are:\n```json\n{"items": [{"a": 1}, {"a": 2}]}\n```\nAnything else?',
        'As in [1]:\n[{"a": 1}, {"a": 2}]',
        '{"note": "two", "items": [{"a": 1}, {"a": 2}]}',
        '\ufeff{"items": [{"a": 1}, {"a": 2}]}',
    ],
)
def test_rows_are_found_in_prose_and_in_fences(text: str) -> None:
    scanner, found = scanned(text, list(range(0, len(text), 3)))
    assert found == [{"a": 1}, {"a": 2}]
    assert scanner.rows == found


def test_a_row_is_there_with_its_last_character() -> None:
    scanner = RowScanner()
    assert scanner.feed('{"items": [{"a": "}]"') == 0
    assert scanner.feed("}") == 1
    assert scanner.rows == [{"a": "}]"}]


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "9" * 400])
def test_numbers_are_what_python_reads(value: str) -> None:
    _, found = scanned(f"[{value}]", [2])
    expected = json.loads(value)
    assert found == [expected] or math.isnan(found[0])


@pytest.mark.parametrize("text", ["", "No.", '{"a": 1}', '[{"a": 1}, {"a": ', '{"items": {"a": 1}}', '"text"'])
def test_what_has_no_list_of_rows_says_so(text: str) -> None:
    assert scanned(text, [3])[1] is None
