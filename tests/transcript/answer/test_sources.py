"""Sources in a transcript: numbered once for a turn, marked in the text where that breaks nothing, and harmless whatever they say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from llm_notebook.parts.citations import Citation
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.transcript.answer.sources import with_numbers
from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import TranscriptView

A, B = "https://a.example/page", "https://b.example/page"


def view_of(text: str, *citations: Citation) -> TranscriptView:
    view = TranscriptView("searcher")
    view.feed(StreamEvent("text", text, part_index=0), 1.0)
    view.feed(StreamEvent("text", "", part_index=0, citations=list(citations)), 1.0)
    view.end("done", 2.0)
    return view


def test_sources_are_numbered_and_marked_in_every_form() -> None:
    text = "The euro rose. Rates held."
    view = view_of(
        text, Citation(A, "First", None, 0, 14), Citation(B, None, None, 15, 26), Citation(A, "First", None, 15, 26)
    )
    document = DeltaWriter(view).full()
    assert document["blocks"][0]["text"] == "The euro rose.¹ Rates held.¹ ²"
    assert document["sources"] == [
        {"title": "First", "url": A, "host": "a.example"},
        {"title": "b.example", "url": B, "host": "b.example"},
    ]
    assert "The euro rose.¹ Rates held.¹ ²" in markdown_of(view)
    assert f"Sources:\n\n1. First <{A}>\n2. b.example <{B}>" in markdown_of(view)
    assert f"Sources:\n  1. First  {A}\n  2. b.example  {B}" in plain_of(view)
    assert view.answer == text


def test_numbers_go_on_from_one_text_of_a_turn_to_the_next() -> None:
    view = view_of("One.", Citation(A, end=4))
    view.feed(StreamEvent("text", "Two.", part_index=3, citations=[Citation(B, end=4), Citation(A, end=4)]), 3.0)
    assert [block["text"] for block in DeltaWriter(view).full()["blocks"]] == ["One.¹", "Two.¹ ²"]


def test_a_source_without_a_place_is_listed_only() -> None:
    view = view_of("So.[1]", Citation(A, "First"))
    assert DeltaWriter(view).full()["blocks"][0]["text"] == "So.[1]"
    assert len(view.sources.listed) == 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("`code here`", 6),
        ("```\nx = 1\n```", 9),
        ("    x = 1", 9),
        ("[a](https://x.example/b c", 24),
        ("https://x.example/page", 22),
        ("$x + 1$", 5),
        ("word", 2),
        ("", 0),
        ("   ", 3),
    ],
)
def test_no_number_breaks_what_it_stands_in(text: str, place: int) -> None:
    assert with_numbers(text, [(place, 1)]) == text


def test_numbers_of_several_digits_and_places_behind_white_space() -> None:
    assert with_numbers("So it is.\n\nNext", [(11, 12), (11, 3), (11, 3)]) == "So it is.³ ¹²\n\nNext"


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.integers(1, 99)), max_size=5))
def test_numbers_only_add_raised_digits(text: str, marks: list[tuple[int, int]]) -> None:
    numbered = with_numbers(text, marks)
    at = 0
    for character in numbered:
        if at < len(text) and character == text[at]:
            at += 1
        else:
            assert character in "⁰¹²³⁴⁵⁶⁷⁸⁹ "
    assert at == len(text)


HOSTILE = [
    Citation("javascript:alert(1)", "click me"),
    Citation("https://user:pw@evil.example/", "bank"),
    Citation("https://evil.example/)](x) <script>alert(1)</script>", "</ol><script>alert(1)</script>"),
    Citation(A, "[bank](https://evil.example) ![x](https://evil.example/x.png)\n\n# heading"),
    Citation(B, "\u202egnp.exe\x1b]52;c;eA==\x07"),
    Citation("data:text/html,<script>alert(1)</script>", "x" * 10_000),
]


def test_hostile_sources_stay_text() -> None:
    view = view_of("ok", *HOSTILE)
    markdown, plain, document = markdown_of(view), plain_of(view), json.dumps(DeltaWriter(view).full())
    for form in (markdown, plain):
        assert "\x1b" not in form
        assert "\u202e" not in form
    for fragment in ("<script", "javascript:", "\n#", "user:pw", "data:text"):
        assert fragment not in markdown
    tokens = [token for block in MarkdownIt("commonmark").parse(markdown) for token in block.children or []]
    assert not [token for token in tokens if token.type in ("image", "html_inline", "heading_open")]
    assert {token.attrs["href"] for token in tokens if token.type == "link_open"} <= {
        A,
        B,
        "https://evil.example/%29%5D%28x%29%20%3Cscript%3Ealert%281%29%3C/script%3E",
    }
    assert "javascript:" not in document
    assert "data:text" not in document
    assert len(document) < 5_000


def test_sources_are_bounded() -> None:
    view = view_of("ok", *[Citation(f"https://a.example/{number}", "t" * 1_000, end=2) for number in range(10_000)])
    assert len(view.sources.listed) == 100
    assert len(json.dumps(DeltaWriter(view).full())) < 100_000
