"""`visible` hides nothing; `terminal_safe` lets nothing act."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.transcript.visible import encodable_document, terminal_safe, visible

any_text = st.text(alphabet=st.characters())


@pytest.mark.parametrize(
    "character",
    [
        *"\x00\x07\x08\r\x1b\x7f\x85\x9b",
        *"\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u180e\u2000\u200b\u200d\u200e\u2028\u2029\u202e\u202f\u2060",
        *"\u2066\u2800\u3000\u3164\ufe0f\ufeff\uffa0\ue000\ud800\udfff\uffff",
        *"\U0001d159\U0001d173\U000e0001\U000e0041\U000e0100\U000f0000\U0010fffd",
    ],
)
def test_a_hidden_character_is_spelled_out(character: str) -> None:
    assert visible(f"rm{character}x") == f"rm\\u{{{ord(character):x}}}x"


@pytest.mark.parametrize("text", ["", "a\tb\nc", "naïve Ωμέγα 漢字 😀 שלום عربي नमस्ते é", "~!@#$%^&*()_+ €£ → “x”"])
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert visible(text) == text


def test_marks_beyond_the_fourth_on_one_letter_are_spelled_out() -> None:
    assert visible("a" + "\u0301" * 6) == "a" + "\u0301" * 4 + "\\u{301}" * 2


def test_an_emoji_joined_by_hidden_characters_comes_apart() -> None:
    assert visible("👩\u200d💻") == "👩\\u{200d}💻"


@given(any_text)
def test_what_is_left_shows_itself(text: str) -> None:
    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"}

    assert all(unicodedata.category(character) not in hidden or character in " \n\t" for character in visible(text))
    assert visible(visible(text)) == visible(text)


def test_no_escape_sequence_reaches_the_terminal() -> None:
    assert terminal_safe("\x1b]0;title\x07\x1b[31mred\x9b2J\r\n") == (
        "\\u{1b}]0;title\\u{7}\\u{1b}[31mred\\u{9b}2J\\u{d}\n"
    )
    assert terminal_safe("tab\tnewline\n👩\u200d💻 ünï") == "tab\tnewline\n👩\u200d💻 ünï"


@given(any_text, st.integers(0, 50))
def test_terminal_text_may_be_cut_anywhere(text: str, cut: int) -> None:
    assert terminal_safe(text[:cut]) + terminal_safe(text[cut:]) == terminal_safe(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", terminal_safe(text))


def test_a_document_is_encodable_however_deeply_a_tool_s_schema_is_nested() -> None:
    deep: dict[str, object] = {"text": 'a "\ud800" \\ b'}
    for _ in range(330):
        deep = {"a": deep}
    spelled = json.dumps(encodable_document({"schema": deep, "texts": ["\udfff", "plain"]}))
    assert r"""a \"\\u{d800}\" \\ b""" in spelled
    assert r"\\u{dfff}" in spelled
