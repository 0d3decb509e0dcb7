"""An answer of rows as its reader sees it: in the document, in the deltas that lead to it, as Markdown and as text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.answers.rows import RowReader
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.transcript.answer.tables import AnswerShape
from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import TranscriptView
from tests.transcript.documents import apply, document_of

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": ["integer", "null"]}}}


def view_of(*pieces: str) -> TranscriptView:
    view = TranscriptView("echo", id="t1", shape=AnswerShape(lambda: RowReader(SCHEMA)))
    for piece in pieces:
        view.feed(StreamEvent("text", piece, 0), 1.0)
    return view


def people(count: int, **more: Any) -> str:
    return json.dumps({"items": [{"name": f"n{number}", "age": number, **more} for number in range(count)]})


@given(
    count=st.integers(0, 30),
    wrong=st.booleans(),
    before=st.sampled_from(["", "Here:\n", "```json\n"]),
    size=st.integers(1, 60),
    every=st.integers(1, 9),
)
def test_all_deltas_together_make_the_table(count: int, wrong: bool, before: str, size: int, every: int) -> None:
    text = before + people(count, **({"age": "x"} if wrong else {}))
    view = view_of()
    writer = DeltaWriter(view)
    follower = writer.full()
    known = follower["seq"]

    def follow() -> bool:
        nonlocal follower
        delta = writer.next()
        if delta is not None and delta["seq"] > known:
            follower = apply(follower, delta)
        return delta is not None

    for number, at in enumerate(range(0, len(text), size)):
        view.feed(StreamEvent("text", text[at : at + size], 0), 1.0)
        if number % every == 0:
            follow()
    view.end("done", 2.0)
    while follow():
        pass
    assert follower == writer.full() == document_of(view, follower["seq"])


def test_each_row_is_sent_once() -> None:
    view = view_of('{"items": [')
    writer = DeltaWriter(view)
    sent = 0
    for number in range(2000):
        view.feed(StreamEvent("text", json.dumps({"name": "x" * 50, "age": number}) + ", ", 0), 1.0)
        sent += len(json.dumps(writer.next()))
    assert sent < 2000 * 250


def test_of_many_rows_the_first_and_the_latest_are_shown() -> None:
    view = view_of(people(40))
    [table] = document_of(view)["blocks"]
    assert [row[0] for row in table["head"]] == ["n0", "n1", "n2", "n3", "n4"]
    assert [row[0] for row in table["tail"]] == ["n35", "n36", "n37", "n38", "n39"]
    assert table["count"] == 40
    assert "| \u2026 | \u2026 | \u2026 |" in markdown_of(view)
    view.blocks[0].said = "`people` is a DataFrame."
    [table] = document_of(view)["blocks"]
    assert (len(table["head"]), table["tail"]) == (5, [])
    assert "`people` is a DataFrame. The first 5:" in markdown_of(view)


def test_what_a_model_writes_into_cells_stays_text() -> None:
    row = {"name": "a|b\n<script>*x*</script> `c`", "age": None}
    view = view_of(json.dumps({"items": [row]}))
    markdown = markdown_of(view)
    assert "<script>" not in markdown
    assert markdown.splitlines()[-1].count("|") == 4
    assert markdown.endswith(" missing |")
    assert "a|b <script>*x*</script> `c`" in plain_of(view)


def test_the_brackets_before_the_first_row_are_not_shown_but_prose_is() -> None:
    assert document_of(view_of('{"items": '))["blocks"] == [{"kind": "text", "text": ""}]
    assert document_of(view_of("I cannot."))["blocks"] == [{"kind": "text", "text": "I cannot."}]


def test_the_row_that_does_not_fit_is_shown_with_those_before_it() -> None:
    view = view_of(people(9)[:-2] + ', {"name": "p", "age": "about 60"}]}')
    [table] = document_of(view)["blocks"]
    assert [row[0] for row in table["tail"]] == ["n7", "n8"]
    assert table["misfit"] == {"cells": ["p", "about 60"], "column": 1}
    assert "| 9 \u2717 | p | about 60 |" in markdown_of(view)


@pytest.mark.parametrize("text", ["[" * 5000, '[{"a": "' + "\ud83d" * 3])
def test_whatever_a_model_writes_can_be_shown(text: str) -> None:
    view = view_of(text)
    view.end("done", 1.0)
    json.dumps(document_of(view), ensure_ascii=False).encode()
    markdown_of(view), plain_of(view)
