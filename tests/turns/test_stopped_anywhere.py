"""■ between any two instructions of an approved call: it runs once, unless somebody agrees to more, and there is always a way on."""

from __future__ import annotations

import gc
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.approvals.running import inside_tool
from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.turns import chain as chains
from llm_notebook.turns.calls.tool_run import ToolRun
from llm_notebook.turns.prompt import Prompt
from tests.fakes.faces import AsyncFace, Face, asks

_TURNS = str(Path(chains.__file__).parent)
ran: list[str] = []


@llm.require_approval
def erase(path: str) -> str:
    """Erase a file."""
    ran.append(path)
    return "erased"


def look(path: str) -> str:
    ran.append(path)
    return "seen"


def outer() -> str:
    """Ask a model whose tool needs approval."""
    text: str = (
        answering(Face(), asks(llm.ToolCall("erase", {"path": "/0"}, "i0")), "inside").chain("Go", tools=[erase]).text()
    )
    return text


def answering(face: Face, *rounds: Any) -> Any:
    """Return a model that plays the round after as many answers as the history has."""
    model = face.rounds(*rounds)

    def played(prompt: llm.Prompt, _response: Any) -> Iterator[Any]:
        answers = sum(message.role == "assistant" for message in prompt.messages)
        yield from model.rounds[min(answers, len(model.rounds) - 1)]

    model.played = played
    return model


class Stop:
    """Presses ■ at an instruction of the package's turns, counted from the start of the first call to the next round."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_counting = False

    def __call__(self, frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code in (ToolRun._start.__code__, Prompt.next_round.__code__) and event == "call":
            self.is_counting = frame.f_code is ToolRun._start.__code__
        if not frame.f_code.co_filename.startswith(_TURNS):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and self.is_counting:
            self.number -= 1
            if self.number == 0:
                raise KeyboardInterrupt
        return self

    def during(self, act: Callable[[], object]) -> bool:
        """Do something. Returns whether the instruction was reached."""
        before = sys.gettrace()
        # The journal's thread must not be the one that closes generators whose instructions are traced here: Python may crash.
        gc.disable()
        # Python 3.12 reports instructions only if a frame wanted that before tracing begins.
        sys._getframe().f_trace_opcodes = True
        sys.settrace(self)
        try:
            act()
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(before)
            gc.enable()
        return self.number <= 0


class Human:
    """Somebody who wants the calls to run, and agrees to every question until they have."""

    def __init__(self, pause: llm.PauseChain) -> None:
        self.pause = pause
        self.agreed = Counter(self.paths(pause.requests))

    def paths(self, requests: list[llm.ApprovalRequest]) -> list[str]:
        # To enter the tool around a chain again is to run nothing of that chain again.
        return [str(request.arguments.get("path", "")) for request in requests]

    def approve_all(self, face: Face) -> str:
        for request in self.pause.requests[1:]:
            self.pause.approve(request=request)
        return face.text(self.pause.approve())

    def go_on(self, face: Face) -> str:
        """Approve, as somebody does whose cell was stopped, and then whatever is asked."""
        for _ in range(6):
            try:
                try:
                    return self.approve_all(face)
                except ValueError as error:
                    if "resume()" not in str(error):
                        raise
                    return face.text(self.pause.resume())
            except llm.PauseChain as again:
                self.pause = again
                self.agreed.update(self.paths([request for request in again.requests if request.outcome_unknown]))
        raise AssertionError("This has no end.")


def stop_and_go_on(face: Face, tools: list[Any], number: int) -> bool:
    """Stop the approved calls of one answer at an instruction, and go on. Returns whether the instruction was reached."""
    ran.clear()
    calls = [
        llm.ToolCall(tool.__name__, {} if tool is outer else {"path": f"/{at}"}, f"c{at}")
        for at, tool in enumerate(tools)
    ]
    human = Human(face.pause_of(answering(face, asks(*calls), "done").chain("Hi", tools=list(dict.fromkeys(tools)))))
    human.agreed.update(str(call.arguments["path"]) for call in calls if call.name == "look")
    paused = human.pause.paused
    assert paused is not None
    stopped = type(face)()
    is_reached = Stop(number).during(lambda: human.approve_all(stopped))
    stopped.close()
    assert not inside_tool()
    assert not chains._running.get()
    if paused.log.journal is not None:
        paused.log.journal.flush()
    assert "started" not in [call.state for call in paused.log.calls_of(paused.asked_by)]
    assert human.go_on(face) == "done"
    assert not Counter(ran) - human.agreed, "a call ran more often than it was agreed to"
    assert {call.state for call in paused.log.calls_of(paused.asked_by)} == {"finished"}
    return is_reached


@pytest.mark.skipif(
    sys.version_info[:2] == (3, 12),
    reason="Python 3.12 can crash when a thread closes a generator whose instructions another thread has traced",
)
# A coroutine that is stopped before its first instruction was never awaited, and asyncio says so.
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("tools", "is_kept", "stride"),
    [
        ([erase], False, 7),
        ([erase, look, erase], False, 61),
        ([outer], False, 71),
        ([erase], True, 23),
        ([outer], True, 131),
    ],
    ids=["one call", "several", "inside a tool", "in a journal", "inside a tool, in a journal"],
)
def test_wherever_an_approved_call_is_stopped_there_is_a_way_on(
    face: Face, tmp_path: Path, tools: list[Any], is_kept: bool, stride: int
) -> None:
    if isinstance(face, AsyncFace):
        stride *= 5
    if is_kept:
        llm.open_journal(tmp_path / "journal.db")
    number = 1
    while stop_and_go_on(face, tools, number):
        number += stride
        if is_kept:
            assert llm.pending() == []
    assert number > 100
    process.of(CurrentJournal).close()
    assert not list(tmp_path.glob("*-owner-*")), "what is left of the process looks like a call that runs"
