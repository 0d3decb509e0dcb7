"""Deltas lead from any state of a transcript to any later one, and are as large as what is new."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.parts.messages import StreamEvent
from llm_notebook.tools.calls import ToolResult
from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.view import TranscriptView
from tests.transcript.documents import apply, document_of
from tests.transcript.sample_calls import asked, call_entry, request, steps


def _ops(delta: dict[str, Any] | None) -> list[str]:
    return [op["op"] for op in delta["ops"]] if delta else []


@given(steps, st.lists(st.sampled_from(["next", "full", ""]), min_size=25, max_size=25), st.booleans())
def test_all_deltas_together_make_the_document(happens: Any, looks: list[str], hidden: bool) -> None:
    view = TranscriptView("echo", id="t1", hide_reasoning=hidden)
    writer = DeltaWriter(view)
    follower = writer.full()
    seq = follower["seq"]

    def follow() -> bool:
        nonlocal follower
        delta = writer.next()
        if delta is not None and delta["seq"] > seq:
            follower = apply(follower, delta)
        return delta is not None

    for step, look in zip(happens, looks, strict=False):
        step(view)
        if look == "next":
            follow()
        elif look == "full":
            assert writer.full() == document_of(view, writer.full()["seq"])
    while follow():
        pass
    assert follower == writer.full() == document_of(view, follower["seq"])
    json.dumps(follower, ensure_ascii=False).encode()


def test_growing_text_is_sent_once() -> None:
    view = TranscriptView("echo", id="t1")
    writer = DeltaWriter(view)
    sent = 0
    for _ in range(2_000):
        view.feed(StreamEvent("reasoning", "thought ", 0), 1.0)
        view.feed(StreamEvent("text", "token ", 1), 1.0)
        sent += len(json.dumps(writer.next()))
    # Each delta has some overhead, but the text itself is sent only once.
    assert sent < 2_000 * 250
    assert _ops(writer.next()) == []


def test_long_arguments_are_sent_as_far_as_they_are_shown() -> None:
    view = TranscriptView("echo", id="t1")
    writer = DeltaWriter(view)
    view.feed(StreamEvent("tool_call_name", "write", 0, "c1"), 1.0)
    sent = 0
    for _ in range(1_000):
        view.feed(StreamEvent("tool_call_args", "x" * 1_000, 0, "c1"), 1.0)
        delta = writer.next()
        sent += len(json.dumps(delta)) if delta else 0
    assert sent < 25_000
    assert writer.full()["blocks"][0]["arguments"] == "x" * 20_000 + "…"


def test_nothing_new_is_no_delta() -> None:
    writer = DeltaWriter(TranscriptView("echo"))
    assert _ops(writer.next()) == ["set"]
    assert writer.next() is None


def test_a_changed_call_is_sent_whole_and_alone() -> None:
    view = asked(request(), said="I will.")
    writer = DeltaWriter(view)
    writer.next()
    view.update_call(call_entry("approved"))
    delta = writer.next()
    assert delta is not None
    assert [(op["op"], op["block"], op["value"]["status"]) for op in delta["ops"]] == [("block", 1, "approved")]


def test_what_a_whole_document_anticipated_is_told_to_the_others() -> None:
    view = TranscriptView("echo", id="t1")
    writer = DeltaWriter(view)
    first = writer.next()
    view.feed(StreamEvent("text", "Hi", 0), 1.0)
    assert writer.full()["seq"] == 2
    view.feed(StreamEvent("text", " you", 0), 1.0)
    second, third = writer.next(), writer.next()
    assert (first or {})["seq"], (second or {})["seq"] == (1, 2)
    assert third is not None
    assert third["ops"][0] == {"op": "append", "block": 0, "text": " you"}


def test_a_gap_is_refused() -> None:
    view = TranscriptView("echo", id="t1")
    writer = DeltaWriter(view)
    document = writer.full()
    writer.next()
    for chunk in "ab":
        view.feed(StreamEvent("text", chunk, 0), 1.0)
        delta = writer.next()
    assert delta is not None
    with pytest.raises(ValueError, match="does not follow"):
        apply(document, delta)


def test_a_result_comes_with_its_call() -> None:
    view = asked()
    writer = DeltaWriter(view)
    writer.next()
    view.begin(2.0)
    view.update_call(call_entry("started"), 2.0)
    view.update_call(call_entry("finished", result=ToolResult("delete_files", "gone")), 2.5)
    view.feed(StreamEvent("tool_result", "gone", 0, "c1", tool_name="delete_files"), 2.5)
    [block] = writer.full()["blocks"]
    assert (block["status"], block["result"], block["began"], block["seconds"]) == ("finished", "gone", 2.0, 0.5)
