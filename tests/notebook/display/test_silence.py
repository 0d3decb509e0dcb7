"""A stream that is silent says so, and one that waits for a tool does not."""

from __future__ import annotations

import pytest

from llm_notebook.notebook.display.silence import Silence
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.transcript.blocks import CallBlock
from llm_notebook.transcript.rendering import markdown_of
from llm_notebook.transcript.view import TranscriptView

_SAID = "Nothing has arrived for 10 s."


def _streaming() -> TranscriptView:
    view = TranscriptView("echo")
    view.feed(StreamEvent("text", "Half of", 0), 1.0)
    return view


def test_a_stream_that_is_silent_for_ten_seconds_says_so_until_something_arrives() -> None:
    view = _streaming()
    silence = Silence(view, 0.0)
    assert [silence.look(now) for now in (1.0, 5.0, 10.9, 11.0, 12.0)] == [False, False, False, True, False]
    assert _SAID in markdown_of(view)
    view.feed(StreamEvent("text", " it.", 0), 13.0)
    assert _SAID not in markdown_of(view)
    assert [silence.look(now) for now in (13.0, 22.9, 23.0)] == [False, False, True]


def test_what_is_written_all_the_time_is_not_silent() -> None:
    view = _streaming()
    silence = Silence(view, 0.0)
    for now in range(40):
        view.feed(StreamEvent("text", ".", 0), float(now))
        assert not silence.look(float(now))


@pytest.mark.parametrize("status", ["running", "suspended"])
def test_a_model_is_not_silent_while_a_tool_runs(status: str) -> None:
    view = _streaming()
    view.blocks.append(CallBlock("call", name="train", status=status))  # type: ignore[arg-type]
    silence = Silence(view, 0.0)
    assert not any(silence.look(float(now)) for now in range(60))


def test_the_wait_for_the_first_word_is_silence_only_where_nothing_else_shows_it() -> None:
    view = TranscriptView("echo")
    silence = Silence(view, 0.0)
    assert not any(silence.look(float(now)) for now in range(60))
    in_terminal = Silence(view, 0.0, counts_wait=True)
    assert [in_terminal.look(now) for now in (1.0, 9.9, 11.0, 12.0)] == [False, False, True, False]
    assert f"Waiting for echo. {_SAID}" in markdown_of(view)
    view.feed(StreamEvent("text", "Half of", 0), 12.0)
    assert _SAID not in markdown_of(view)


def test_nothing_is_said_after_the_end() -> None:
    view = _streaming()
    view.end("done", 2.0)
    silence = Silence(view, 0.0, counts_wait=True)
    assert not any(silence.look(float(now)) for now in range(60))
