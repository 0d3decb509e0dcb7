"""Stream events become blocks that can be shown at any moment."""

from __future__ import annotations

import pytest

from llm_notebook.parts.messages import StreamEvent
from llm_notebook.transcript.view import TranscriptView
from tests.transcript.sample_calls import call_entry


def _fed(*events: StreamEvent, **settings: bool) -> TranscriptView:
    view = TranscriptView("echo", **settings)
    for second, event in enumerate(events, start=1):
        view.feed(event, float(second))
    return view


def test_chunks_of_one_part_are_one_block() -> None:
    view = _fed(StreamEvent("text", "Hel", 0), StreamEvent("text", "lo", 0))
    assert [(block.kind, block.text) for block in view.blocks] == [("text", "Hello")]
    assert (view.answer, view.size, view.state, view.seconds) == ("Hello", 5, "streaming", 2.0)


def test_parts_follow_each_other_with_their_times() -> None:
    view = _fed(StreamEvent("reasoning", "Hm", 0), StreamEvent("text", "Yes", 1), StreamEvent("text", ".", 1))
    view.end("done", 5.0)
    assert [(block.kind, block.began, block.ended) for block in view.blocks] == [
        ("reasoning", 1.0, 2.0),
        ("text", 2.0, 5.0),
    ]
    assert view.answer == "Yes."


def test_the_same_part_index_in_the_next_message_is_another_block() -> None:
    view = _fed(StreamEvent("text", "a", 0), StreamEvent("text", "b", 0, message_index=1))
    assert [block.text for block in view.blocks] == ["a", "b"]


def test_text_goes_on_below_a_call_that_the_model_has_run_itself() -> None:
    view = _fed(StreamEvent("text", "Before", 0))
    view.update_call(call_entry("finished"))
    view.feed(StreamEvent("text", "after", 0), 3.0)
    view.feed(StreamEvent("text", "wards", 0), 3.0)
    assert [(block.kind, block.text) for block in view.blocks if block.kind == "text"] == [
        ("text", "Before"),
        ("text", "afterwards"),
    ]
    assert [block.kind for block in view.blocks] == ["text", "call", "text"]


def test_a_tool_call_has_its_name_and_arguments() -> None:
    view = _fed(
        StreamEvent("tool_call_name", "sear", 0, tool_call_id="1"),
        StreamEvent("tool_call_name", "ch", 0, tool_call_id="1"),
        StreamEvent("tool_call_args", '{"q":', 0, tool_call_id="1"),
        StreamEvent("tool_call_args", "1}", 0, tool_call_id="1"),
    )
    assert [(block.kind, block.name, block.text) for block in view.blocks] == [("call", "search", '{"q":1}')]
    assert view.answer == ""


def test_an_event_without_text_changes_nothing_to_see() -> None:
    view = _fed(StreamEvent("text", "", 0))
    assert (view.state, view.blocks, view.silent) == ("waiting", [], True)


def test_hidden_reasoning_is_kept_and_not_shown() -> None:
    view = _fed(StreamEvent("reasoning", "Hm", 0), hide_reasoning=True)
    assert view.silent
    assert view.shown == []
    assert len(view.blocks) == 1
    view.feed(StreamEvent("text", "Yes", 1), 2.0)
    assert not view.silent
    assert [block.text for block in view.shown] == ["Yes"]


@pytest.mark.parametrize("state", ["done", "interrupted", "failed"])
def test_a_turn_that_is_over_is_not_silent(state: str) -> None:
    view = _fed()
    view.notice = "Trying again."
    view.end(state, 1.5)  # type: ignore[arg-type]
    assert not view.silent
    assert (view.notice, view.seconds) == ("", 1.5)


@pytest.mark.parametrize("state", ["interrupted", "failed"])
def test_what_continues_an_answer_that_broke_off_inside_a_word_joins_it(state: str) -> None:
    view = _fed(StreamEvent("text", "The whole answ", 0))
    view.end(state, 1.0)  # type: ignore[arg-type]
    view.begin(1.0)
    view.feed(StreamEvent("text", "er is", 0), 2.0)
    view.feed(StreamEvent("text", " 42.", 0), 3.0)
    assert [block.text for block in view.blocks] == ["The whole answer is 42."]


def test_what_follows_a_question_is_a_text_of_its_own() -> None:
    view = _fed(StreamEvent("text", "First.", 0))
    view.end("paused", 1.0)
    view.begin(1.0)
    view.feed(StreamEvent("text", "Second.", 0), 2.0)
    assert [block.text for block in view.blocks] == ["First.", "Second."]
