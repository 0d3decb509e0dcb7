"""A chain that is read from the journal gives the same view as the live one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.approvals.consent import canonical
from llm_notebook.approvals.requests import Decision
from llm_notebook.journal.operations import CallEntry, TurnBegun, TurnEntry, TurnStatus
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import (
    Message,
    StreamEvent,
    ToolResultPart,
    Usage,
    assistant,
    json_text,
    tool_message,
    user,
)
from llm_notebook.tools.calls import ToolResult
from llm_notebook.transcript.endings import GO_ON, Limit, can_go_on
from llm_notebook.transcript.reloading import view_of_turns
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.turns.assembly import Assembler
from tests.transcript.documents import document_of
from tests.transcript.sample_calls import call_entry, hostile_text, request

_AT = datetime(2026, 11, 24, 12, 3, tzinfo=UTC)
_TIMING = {"seconds", "began", "seq"}


def _untimed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _untimed(item) for key, item in value.items() if key not in _TIMING}
    return [_untimed(item) for item in value] if isinstance(value, list) else value


def _turn(
    number: int,
    sent: list[Message],
    output: list[Message],
    calls: list[CallEntry],
    status: TurnStatus = "complete",
    **more: Any,
) -> TurnEntry:
    begun = TurnBegun(f"turn {number}", "c", "turn 0", None, "echo", sent, {}, "cell", None, _AT)
    return TurnEntry(begun, status, output, Usage(10, 5, {"a": {"b": 1}}), 1_500, calls=calls, **more)


class _Both:
    """One chain as a live view and as entries of a journal."""

    def __init__(self) -> None:
        self.live = TranscriptView("echo", id="turn 0")
        self.turns: list[TurnEntry] = []
        self._part = 0
        self._sent = [user("Tidy up.")]

    def round(self, thought: str, said: str, calls: list[dict[str, str]], outcome: str) -> None:
        assembler = Assembler()
        events = [StreamEvent("reasoning", thought), StreamEvent("text", said)]
        for call in calls:
            events += [StreamEvent("tool_call_name", "delete_files", tool_call_id=call["id"])]
            arguments = f'{{ "path" : {json_text(call["path"])} }}'
            events += [StreamEvent("tool_call_args", arguments[:9], tool_call_id=call["id"])]
            events += [StreamEvent("tool_call_args", arguments[9:], tool_call_id=call["id"])]
        for event in events:
            assembler.feed(event)
            assert event.part_index is not None
            event.part_index += self._part
            self.live.feed(event, 1.0)
        self._part += 10
        entries = [self._become(call, outcome) for call in calls]
        self.turns.append(_turn(len(self.turns), self._sent, assembler.messages(), entries))
        results = [entry.result for entry in entries if entry.result is not None]
        parts = [ToolResultPart(r.name, r.output, r.tool_call_id) for r in results]
        for position, part in enumerate(parts):
            event = StreamEvent("tool_result", part.output, self._part + position, part.tool_call_id)
            self.live.feed(event, 2.0)
        self._part += 10
        self._sent = [tool_message(*parts)]

    def _become(self, call: dict[str, str], outcome: str) -> CallEntry:
        call_id, arguments = f"{len(self.turns)} {call['id']}", {"path": call["path"]}
        entry = CallEntry(call_id, "turn", call["id"], "delete_files", "proposed", canonical(arguments))
        change = call_entry("proposed", call_id=call_id, tool_call_id=call["id"])
        self.live.update_call(change, 1.0)
        entry.request = change.request = request(arguments)
        change.state = entry.state = "waiting"
        self.live.update_call(change, 1.0)
        if outcome == "waiting":
            return entry
        verdict: Any = "denied" if outcome == "denied" else "approved"
        entry.decision = change.decision = Decision(verdict, "0" * 64, None, call["path"])
        entry.decided_by = change.decided_by = "ada"
        entry.decided_at = change.decided_at = _AT
        if outcome == "finished":
            change.state = "started"
            self.live.update_call(change, 1.0)
        entry.result = change.result = ToolResult("delete_files", call["path"], [], call["id"])
        change.state = entry.state = outcome  # type: ignore[assignment]
        self.live.update_call(change, 2.0)
        return entry


_calls = st.lists(
    st.fixed_dictionaries({"id": st.sampled_from(["c1", "c2", "c3"]), "path": hostile_text}),
    max_size=3,
    unique_by=lambda call: call["id"],
)
_rounds = st.lists(st.tuples(hostile_text, hostile_text, _calls, st.sampled_from(["finished", "denied"])), max_size=3)


@given(_rounds, hostile_text, st.booleans())
def test_the_record_reads_as_the_live_turn_did(rounds: Any, said: str, pauses: bool) -> None:
    both = _Both()
    for one in rounds:
        both.round(*one)
    both.round("", said, [{"id": "c9", "path": said}] if pauses else [], "waiting")
    both.live.end("paused" if pauses else "done", 3.0)
    reloaded = view_of_turns(both.turns)
    assert _untimed(document_of(reloaded)) == _untimed(document_of(both.live))
    assert reloaded.usage == Usage(10 * len(both.turns), 5 * len(both.turns), {"a": {"b": len(both.turns)}})
    assert reloaded.seconds == 1.5 * len(both.turns)


@pytest.mark.parametrize(
    ("status", "states", "state"),
    [
        ("complete", [], "done"),
        ("complete", ["waiting", "finished"], "paused"),
        ("complete", ["unknown"], "paused"),
        ("complete", ["approved"], "interrupted"),
        ("complete", ["finished"], "interrupted"),
        ("interrupted", [], "interrupted"),
        ("failed", [], "failed"),
        ("streaming", [], "failed"),
    ],
)
def test_how_a_turn_stands(status: TurnStatus, states: list[Any], state: str) -> None:
    calls = [CallEntry(f"call {n}", "turn 0", f"c{n}", "search", one, b"{}") for n, one in enumerate(states)]
    view = view_of_turns([_turn(0, [user("Hi")], [], calls, status, error="")], "t9")
    assert (view.state, view.id) == (state, "t9")
    assert [block.name for block in view.calls] == ["search"] * len(states)


def test_why_a_turn_failed_is_told() -> None:
    view = view_of_turns([_turn(0, [user("Hi")], [], [], "failed", error="The server answered 500.")])
    assert view.problem is not None
    assert view.problem.text == "The server answered 500."


def test_an_answer_of_which_nothing_came_did_not_break_off() -> None:
    nothing = view_of_turns([_turn(0, [user("Hi")], [], [], "failed", error="No key.")])
    assert nothing.problem is not None
    assert nothing.problem.title == "No answer came."


@pytest.mark.parametrize(
    ("finish", "state", "says"),
    [
        (Finish("length", "max_tokens"), "done", "■ The answer stopped at the token limit."),
        (Finish("content_filter"), "done", "■ The model declined to answer"),
        (Finish("pause", "pause_turn"), "interrupted", "■ Stopped by you"),
        (Finish("stop"), "done", ""),
        (None, "done", ""),
    ],
)
def test_why_an_answer_ended_is_told(finish: Finish | None, state: str, says: str) -> None:
    turn = _turn(0, [user("Hi")], [assistant("Once")], [], finish=finish)
    view = view_of_turns([turn])
    assert view.state == state
    for shown in (plain_of(view), markdown_of(view)):
        assert (says in shown) if says else ("■" not in shown)
    document = document_of(view)
    assert document["cut"] is (finish is not None and finish.reason == "length")
    # The page tells of a cut itself, with buttons.
    assert says == "" or state == "interrupted" or document["cut"] or says in document["remarks"][0]


def test_the_rest_of_an_answer_that_was_cut_joins_it() -> None:
    cut = _turn(0, [user("Hi")], [assistant("Once upon a t")], [], finish=Finish("length"))
    rest = _turn(1, [user(GO_ON)], [assistant("ime.")], [], finish=Finish("stop"))
    view = view_of_turns([cut, rest])
    assert [block.text for block in view.blocks] == ["Once upon a time."]
    assert not can_go_on(view)


def test_a_provider_that_paused_at_the_limit_is_at_the_limit_later_too() -> None:
    turn = _turn(0, [user("Hi")], [assistant("Once")], [], finish=Finish("pause", "pause_turn"))
    turn.begun.settings["chain_limit"] = 1
    assert view_of_turns([turn]).limit == Limit(1, 0, "turn 0")


def test_a_call_that_is_not_in_the_answer_has_its_arguments_from_the_record() -> None:
    call = CallEntry("call 1", "turn 0", "c1", "search", "waiting", b'{"q":1}')
    [block] = view_of_turns([_turn(0, [user("Hi")], [], [call])]).calls
    assert (block.text, block.status) == ('{"q":1}', "waiting")


def _ran(number: int, *seconds: tuple[float, float | None]) -> CallEntry:
    """Return a finished call that ran in these seconds after the turn began."""
    runs = tuple((_AT + timedelta(seconds=a), None if b is None else _AT + timedelta(seconds=b)) for a, b in seconds)
    result = ToolResult("search", "found", [], f"c{number}")
    return CallEntry(
        f"call {number}",
        "turn 0",
        f"c{number}",
        "search",
        "finished",
        b"{}",
        result=result,
        runs=runs,
        printed="seen\n",
    )


def test_the_time_is_that_of_the_model_and_the_tools_and_not_of_the_human() -> None:
    # The first call ran, was asked about for an hour, and ran again, the second time beside another.
    first, beside = _ran(1, (2.0, 3.0), (3_600.0, 3_604.0)), _ran(2, (3_602.0, 3_605.0))
    view = view_of_turns([_turn(0, [user("Hi")], [], [first, beside]), _turn(1, [], [], [_ran(3, (4_000.0, None))])])
    assert view.seconds == 2 * 1.5 + 1.0 + 5.0
    assert [block.seconds for block in view.calls] == [5.0, 3.0, 0.0]


def test_what_a_call_printed_is_read_with_it() -> None:
    [block] = view_of_turns([_turn(0, [user("Hi")], [], [_ran(1, (0.0, 1.0))])]).calls
    assert block.printed.text == "seen\n"
