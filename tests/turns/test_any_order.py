"""Decisions and continuations in any order: every call runs at most once, and with nothing but what was approved for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import llm_notebook as llm
from tests.fakes.faces import Face, asks

ACTS = ["approve", "approve", "edit", "deny", "answer", "drop", "resume", "write", "load", "go on"]


class Human:
    """Somebody who decides, reads on, and loads old pauses, as it happens.

    Args:
        names: the tools that the model calls, in its order.
        is_nested: the calls are those of a chain inside a tool.
    """

    def __init__(self, names: list[str], *, is_nested: bool) -> None:
        self.ran: list[str] = []
        self.approved: set[str] = set()
        self.pauses: list[llm.PauseChain] = []
        self.written: list[dict[str, Any]] = []
        calls = [llm.ToolCall(name, {"path": f"/{at}"}, f"c{at}") for at, name in enumerate(names)]

        @llm.require_approval
        def erase(path: str) -> str:
            self.ran.append(path)
            return "erased"

        def look(path: str) -> str:
            self.ran.append(f"look {path}")
            return "seen"

        def outer() -> str:
            text: str = _answering(asks(*calls), "inside").chain("Go", tools=[erase, look]).text()
            return text

        self.tools = [outer] if is_nested else [erase, look]
        self.model = _answering(asks(*([llm.ToolCall("outer", {}, "o")] if is_nested else calls)), "done")
        self.talk = self.model.conversation(tools=self.tools)
        self.read(self.talk.chain("Hi"))

    def read(self, chain: Any) -> None:
        try:
            if chain is not None:
                chain.text()
        except llm.PauseChain as pause:
            self.pauses.append(pause)

    def act(self, act: str, pause: llm.PauseChain, which: int, *, reads: bool) -> None:
        if act == "write":
            self.written.append(json.loads(json.dumps(pause.to_dict())))
        elif act == "load":
            # Where no other pause is left. What another process makes of it is tried where nested chains are.
            for data in self.written[-1:]:
                self.pauses = [llm.load_pause(data, model=self.model, tools=self.tools)]
        elif act == "go on":
            self.read(self.talk.chain())
        elif act == "resume":
            self.read(pause.resume())
        else:
            chain = self.decide(act, pause, pause.requests[which % len(pause.requests)])
            self.read(chain if reads else None)

    def decide(self, act: str, pause: llm.PauseChain, request: llm.ApprovalRequest) -> Any:
        path = request.arguments["path"]
        if act in ("approve", "edit"):
            path = f"{path} edited" if act == "edit" else path
            chain = pause.approve({"path": path} if act == "edit" else None, request=request)
            self.approved.add(path)
            return chain
        if act == "answer":
            return pause.answer("gone", request=request)
        return pause.deny("no", request=request) if act == "deny" else pause.drop(request=request)


def _answering(*rounds: Any) -> Any:
    """Return a model that plays the round after as many answers as the history has, as a real one does in any process."""
    model = Face().rounds(*rounds)

    def played(prompt: llm.Prompt, response: Any) -> Iterator[Any]:
        answers = sum(message.role == "assistant" for message in prompt.messages)
        yield from model.rounds[min(answers, len(model.rounds) - 1)]

    model.played = played
    return model


@pytest.mark.parametrize("is_nested", [False, True], ids=["flat", "nested"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    names=st.lists(st.sampled_from(["erase", "erase", "look"]), min_size=1, max_size=3),
    acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5), st.integers(0, 2), st.booleans()), max_size=14),
)
def test_a_call_runs_once_and_as_approved(is_nested: bool, names: list[str], acts: list[Any]) -> None:
    human = Human(names, is_nested=is_nested)
    for act, pause, which, reads in acts:
        # What comes too late, or runs already, is refused in a sentence.
        with suppress(ValueError, RuntimeError):
            if human.pauses:
                human.act(act, human.pauses[pause % len(human.pauses)], which, reads=reads)
    erased = [path for path in human.ran if not path.startswith("look")]
    calls = [path.split()[-1] if path.startswith("look") else path.split()[0] for path in human.ran]
    assert len(set(calls)) == len(calls)
    assert set(erased) <= human.approved
