"""Our own sentences about calls say what is so."""

from __future__ import annotations

import pytest

from llm_notebook.approvals.requests import Decision
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.tools.calls import ToolResult
from llm_notebook.transcript.blocks import CallBlock
from llm_notebook.transcript.endings import Limit
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import State, TranscriptView
from llm_notebook.transcript.words import call_sentence, decision_sentence
from tests.transcript.documents import document_of
from tests.transcript.sample_calls import call_entry, request


def _view(*states: str, state: State = "paused") -> TranscriptView:
    """Return a turn with a call in each of these states."""
    view = TranscriptView("echo", id="t1")
    for number, one in enumerate(states):
        asked = request() if one in ("waiting", "unknown") else None
        view.update_call(call_entry(one, asked, call_id=f"call {number}", tool_call_id=f"c{number}"))
    view.end(state, 2.0)
    return view


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (["proposed", "waiting"], "queued"),
        (["waiting", "proposed"], "queued behind the question"),
        (["waiting", "waiting", "proposed", "waiting"], "queued behind 2 of 3"),
        (["unknown", "proposed", "waiting"], "queued behind 1 of 2"),
    ],
)
def test_a_queued_call_says_what_it_waits_for(states: list[str], said: str) -> None:
    view = _view(*states)
    assert call_sentence(view.calls[states.index("proposed")], view) == said


def test_a_queued_call_of_a_turn_that_is_over_did_not_run() -> None:
    view = _view("proposed", state="interrupted")
    assert call_sentence(view.calls[0], view) == "did not run"


def _given_up(*, was_unknown: bool) -> tuple[TranscriptView, CallBlock]:
    asked = request(outcome_unknown=was_unknown)
    view = TranscriptView("echo")
    result = ToolResult("delete_files", "Not run: the user dropped the question", [], "c1")
    view.update_call(call_entry("abandoned", asked, Decision("abandoned", "d"), result))
    view.end("interrupted", 1.0)
    return view, view.calls[0]


def test_a_dropped_question_is_said_to_be_dropped_and_nobody_was_told() -> None:
    view, block = _given_up(was_unknown=False)
    assert call_sentence(block, view) == "dropped, did not run"
    assert decision_sentence(block) == "Dropped by you. It did not run."
    assert document_of(view)["blocks"][0]["decision"]["dropped"] is True
    for text in (markdown_of(view), plain_of(view)):
        assert "was told" not in text


def test_of_an_unknown_outcome_it_is_not_said_that_nothing_ran() -> None:
    view, block = _given_up(was_unknown=True)
    assert call_sentence(block, view) == "given up, outcome unknown"
    assert decision_sentence(block) == "Given up by you. The outcome is unknown."
    assert "dropped" not in document_of(view)["blocks"][0]["decision"]


@pytest.mark.parametrize("state", ["denied", "abandoned"])
def test_nobody_stopped_a_turn_that_ended_with_a_refusal(state: str) -> None:
    view = _view("finished", state, state="interrupted")
    for text in (markdown_of(view), plain_of(view)):
        assert "Ended before the model went on." in text
        assert "Stopped by you" not in text
    view.feed(StreamEvent("text", "Well,", 0), 3.0)
    view.end("interrupted", 3.0)
    assert "Stopped by you" in plain_of(view)


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        (0, "The provider was still at work with its own tools."),
        (1, "The model asked for another call, which has not run."),
        (3, "The model asked for 3 more calls, which have not run."),
    ],
)
def test_the_limit_says_what_was_left_to_be_done(calls: int, said: str) -> None:
    view = _view("finished", state="interrupted")
    view.limit = Limit(2, calls, "01JD0000000000000000000009")
    for text in (markdown_of(view), plain_of(view)):
        assert said in text


@pytest.mark.parametrize(
    ("held", "state", "said"),
    [
        (["a", "b"], "paused", "2 cells below did not run, because this one waits for you."),
        (["a"], "paused", "1 cell below did not run, because this one waits for you."),
        (["a", "b"], "done", "2 cells below did not run."),
        ([], "paused", ""),
    ],
)
def test_cells_below_are_mentioned_only_if_they_were_skipped(held: list[str], state: State, said: str) -> None:
    view = _view("waiting" if state == "paused" else "finished", state=state)
    view.held_up = held
    for text in (markdown_of(view), plain_of(view)):
        assert (said in text) if said else ("below" not in text)


def test_a_cell_that_asks_by_keyboard_gives_no_commands() -> None:
    view = _view("waiting")
    assert "%llm approve" in markdown_of(view)
    view.by_keyboard = True
    assert document_of(view)["byKeyboard"] is True
    assert "%llm approve" not in markdown_of(view)
    assert "Answer in the field below: this cell waits for it." in markdown_of(view)
