"""Which of several questions a call is, and what is said of the calls beside it."""

from __future__ import annotations

from llm_notebook.approvals.requests import Decision
from llm_notebook.tools.calls import ToolResult
from llm_notebook.transcript.calls.series import place_in_series, series_of
from llm_notebook.transcript.rendering import plain_of
from llm_notebook.transcript.view import TranscriptView
from tests.transcript.sample_calls import call_entry, request


def view_of(*states: str) -> TranscriptView:
    """Return a view of calls in these states. `finished` ones were approved, and `told` is a denial that was carried out."""
    view = TranscriptView("echo")
    for at, state in enumerate(states):
        verdicts = {"finished": "approved", "told": "denied", "approved": "approved", "denied": "denied"}
        verdict = verdicts.get(state)
        decision = Decision(verdict, "d" * 64) if verdict is not None else None  # type: ignore[arg-type]
        result = ToolResult("delete_files", "gone") if state in ("finished", "told") else None
        kept = {"told": "denied"}.get(state, state)
        asked = None if state == "proposed" else request()
        view.update_call(call_entry(kept, asked, decision, result, call_id=f"0{at}", tool_call_id=f"c{at}"))
    view.end("paused", 1.0)
    return view


def places(view: TranscriptView) -> list[str]:
    return [place_in_series(block, view) for block in view.calls]


def test_open_questions_are_counted_with_those_that_wait_for_them() -> None:
    assert places(view_of("waiting", "proposed", "unknown", "approved", "denied")) == [
        "1 of 4",
        "",
        "2 of 4",
        "3 of 4",
        "4 of 4",
    ]


def test_what_was_carried_out_is_not_counted() -> None:
    assert places(view_of("finished", "told", "waiting", "waiting")) == ["", "", "1 of 2", "2 of 2"]


def test_one_question_is_no_series() -> None:
    assert places(view_of("finished", "waiting")) == ["", ""]
    assert series_of(view_of("approved", "denied")) == []


def test_the_text_says_which_question_it_is_and_what_decided_calls_wait_for() -> None:
    text = plain_of(view_of("approved", "waiting", "waiting"))
    assert "approved, runs when all 3 are decided" in text
    assert "waiting for your approval, nothing has run, 2 of 3" in text
    assert "3 of 3" in text
