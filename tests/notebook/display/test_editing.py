"""What is edited by keyboard is JSON in which nothing hides."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.notebook.display.editing import edited, json_to_edit
from llm_notebook.transcript.visible import visible

values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))


@given(st.dictionaries(st.text(max_size=10), values, max_size=4), st.sampled_from([None, 2]))
def test_it_reads_back_as_the_same_and_shows_every_character(arguments: dict[str, object], indent: int | None) -> None:
    text = json_to_edit(arguments, indent=indent)
    assert json.loads(text) == arguments
    # A pile of marks on one letter is seen, though it is drawn shorter where text is only read.
    assert all(visible(character) == character for character in text)


def test_hidden_characters_are_escaped_and_letters_are_not() -> None:
    text = json_to_edit({"path\u200b": "/日本é\u202e\U000e0041\ud800\x7f\xa0"})
    assert text == r'{"path\u200b": "/日本é\u202e\udb40\udc41\ud800\u007f\u00a0"}'


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[1]", "are an object"),
        ('{"a": 1}', "as they were"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(typed: str, why: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=why):
        edited({"a": 1}, lambda _question: typed)
    # Where no line can be prefilled, as in a notebook, it is shown above the question.
    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'
