"""Chains inside tools: what the body of a tool asks a model, and how the body finds those answers when it runs a second time.

How it works. While a tool's body runs, a `Nest` stands in a context variable, and every chain that begins there is recorded as a chain
inside the tool's call. If such a chain has to ask a human, its pause leaves the body, the call becomes `suspended`, and the human is asked
about the inner call. After the decision the body runs again from its beginning. Its chains make the same requests as before, and each takes up
the first record that matches: the model's answers are reused, calls that have a result are not run again, and the chain continues after them.
So a body that asks the same questions always reaches the same point, and then goes one step further.

The records are in the journal. This process also remembers the chains that it began itself: such a chain continues with its own model, and with
the very tools that the human was asked about. If no chain takes up a record, the body has taken another path; the questions in that record are
withdrawn, so that nobody is asked about a call that can never run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from llm_notebook.approvals.identity import identify
from llm_notebook.approvals.requests import SETTLED
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.journal.operations import CallEntry, TurnEntry
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message, Usage
from llm_notebook.tools.calls import ToolResult
from llm_notebook.tools.tool import Tool
from llm_notebook.turns.calls.noting import Noting
from llm_notebook.turns.calls.told import decided_result
from llm_notebook.turns.log import ChainLog

if TYPE_CHECKING:
    from llm_notebook.turns.plan import ChainConversation, ChainModel, ChainPlan
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.turn import Turn

__all__ = [
    "BegunChain",
    "LeftChain",
    "LeftRound",
    "Nest",
    "calls_inside",
    "current_nest",
    "inside",
    "left_inside",
    "outer_calls",
    "records_inside",
    "withdraw",
]

_nest: ContextVar[Nest | None] = ContextVar("llm_notebook_nest", default=None)
_WITHDRAWN = "Its tool was entered again and did not ask this any more."


@dataclass(slots=True, frozen=True)
class LeftRound:
    """An answer that a chain inside a tool received before the tool's body ran again.

    Attributes:
        turn_id: the turn.
        output: what the model answered.
        usage, began, resolved_model, finish: as in the turn.
        is_kept: the journal has the turn.
    """

    turn_id: str
    output: list[Message]
    usage: Usage | None = None
    began: datetime | None = None
    resolved_model: str | None = None
    finish: Finish | None = None
    is_kept: bool = False


@dataclass(slots=True, frozen=True, eq=False)
class BegunChain:
    """A chain inside a tool that this process began.

    Attributes:
        request: a digest of what it asks.
        plan, prompt, log: those of the chain.
        turns: returns its turns so far.
        taken_up: the record that it continues; None if it began afresh.
    """

    request: str
    plan: ChainPlan
    prompt: Prompt
    log: ChainLog
    turns: Callable[[], list[Turn]]
    taken_up: LeftChain | None = None

    def left(self) -> LeftChain:
        """Return the record of the chain."""
        rounds = []
        for turn in self.turns():
            if not turn.is_complete:
                break
            state = turn.state
            given = (state.messages(), state.usage, state.started_utc, state.resolved_model, state.ending)
            rounds.append(LeftRound(turn.turn_id, *given, turn.is_kept))
        if self.taken_up is not None and len(self.taken_up.rounds) > len(rounds):
            # It was stopped before it reached the point that the previous run had reached.
            rounds = self.taken_up.rounds
        return LeftChain(self.request, self.log.chain_id, self.log.conversation_id, rounds, self)


@dataclass(slots=True, eq=False)
class LeftChain:
    """The record of a chain inside a tool, from an earlier run of the tool's body.

    Attributes:
        request: a digest of what it asked.
        chain_id, conversation_id: its ids in the journal.
        rounds: its complete answers, oldest first.
        begun: the chain itself, if this process began it.
    """

    request: str
    chain_id: str
    conversation_id: str
    rounds: list[LeftRound]
    begun: BegunChain | None = None

    def model(self, model: ChainModel) -> ChainModel:
        """Return the model to continue with: the one that answered, if this process has it."""
        return model if self.begun is None else self.begun.plan.model

    def adopt_tools(self, prompt: Prompt) -> None:
        """Let a settled prompt continue with the very tools that the human was asked about, if nothing else distinguishes them.

        A body creates its functions anew each time it runs. If such a function is the same in every respect that can be examined, the consent
        was to the one created before.
        """
        if self.begun is None:
            return
        before = {tool.name: tool for tool in self.begun.prompt.tools if isinstance(tool, Tool)}
        prompt.replace_tools(
            lambda tool: before[tool.name] if tool.name in before and _is_made_anew(before[tool.name], tool) else tool
        )


class ChainsInTools:
    """The chains inside tools that this process began, by the calls that contain them."""

    def __init__(self) -> None:
        self.begun: dict[str, list[BegunChain]] = {}
        # The records of pauses that were written elsewhere and loaded here.
        self.loaded: dict[str, list[LeftChain]] = {}

    def add(self, call_id: str, chain: BegunChain) -> None:
        """Remember a chain, replacing the one whose record it has taken up."""
        known = {one.log.chain_id: one for one in self.begun.get(call_id, [])}
        # ■ may strike between any two instructions, so a record is replaced by a single one.
        self.begun[call_id] = list((known | {chain.log.chain_id: chain}).values())

    def forget(self, call_id: str, chains: Collection[str] | None = None) -> None:
        """Forget everything inside a call, or only some of its chains."""
        if chains is not None:
            kept = [chain for chain in self.begun.get(call_id, []) if chain.log.chain_id not in chains]
            loaded = [record for record in self.loaded.get(call_id, []) if record.chain_id not in chains]
            self.begun[call_id], self.loaded[call_id] = kept, loaded
            return
        self.begun.pop(call_id, None)
        self.loaded.pop(call_id, None)


@dataclass(slots=True, eq=False)
class Nest:
    """One run of a tool's body, for the chains that begin in it.

    Attributes:
        call_id: the tool's call.
        words: what tells a human who is asked from inside the tool where the question comes from.
        log: keeps the call.
        left: the records of earlier runs that no chain has taken up yet, oldest first.
        goes_another_way: whether a chain has begun that no earlier run began.
        is_used: whether a chain has begun.
        is_over: whether the call has its result.
    """

    call_id: str
    words: str
    log: ChainLog
    left: list[LeftChain] = field(default_factory=list)
    goes_another_way: bool = False
    is_used: bool = False
    is_over: bool = False

    def rewind(self, conversation: ChainConversation | None) -> None:
        """Let a conversation that outlives the body forget what earlier runs of the body said, before its next prompt is settled."""
        if conversation is not None and self.left:
            conversation._forget({one.turn_id for left in self.left for one in left.rounds})

    def enter(
        self, prompt: Prompt, plan: ChainPlan, log: ChainLog, turns: Callable[[], list[Turn]]
    ) -> LeftChain | None:
        """Let a chain begin here. Returns the record that it takes up, if one matches its request.

        Args:
            prompt, plan, log: those of the chain, before its first step.
            turns: returns its turns so far.
        """
        request = _request_digest(prompt, plan.model.model_id)
        log.chain_id = new_id()
        log.nest_in(self.log, self.call_id, request, self.words)
        found = next((left for left in self.left if left.request == request), None)
        if found is not None:
            self.left.remove(found)
            log.chain_id, log.conversation_id = found.chain_id, found.conversation_id
            plan.model = found.model(plan.model)
            found.adopt_tools(prompt)
        self.is_used = True
        self.goes_another_way = self.goes_another_way or found is None
        process.of(ChainsInTools).add(self.call_id, BegunChain(request, plan, prompt, log, turns, found))
        return found

    def suspend(self) -> Noting:
        """Withdraw the questions in records that the body has left behind, if it has taken another path. The body pauses in a chain of its own."""
        # Otherwise, a record that was not taken up may still be taken up when the body runs once more.
        if self.goes_another_way and self.left:
            left_behind = {left.chain_id for left in self.left}
            yield from withdraw(self.log, self.call_id, left_behind)
            process.of(ChainsInTools).forget(self.call_id, left_behind)


def current_nest() -> Nest | None:
    """Return the nest of the tool's body in which the calling code runs, or which started it; None outside of tools."""
    nest = _nest.get()
    # Code that a tool leaves running after its call is over asks on its own account.
    return None if nest is None or nest.is_over else nest


@contextlib.contextmanager
def inside(nest: Nest | None) -> Iterator[None]:
    """Collect the chains that begin in the `with` block in a nest; with None nothing changes."""
    if nest is None:
        yield
        return
    token = _nest.set(nest)
    try:
        yield
    finally:
        _nest.reset(token)


def withdraw(log: ChainLog, call_id: str, chains: Collection[str] | None = None) -> Noting:
    """Withdraw every question that waits inside a call, because no code is left to use the answer.

    Args:
        log: keeps the call.
        call_id: the call.
        chains: only those in these chains; None for all of them. In that case the call is over, and this process forgets what was inside it.
    """
    for call in calls_inside(log, call_id, chains):
        if call.state == "suspended":
            yield from withdraw(log, call.call_id)
        output = "Not run: the tool that asked for it did not wait for the answer."
        if call.state in SETTLED and call.result is None:
            yield from log.move(call, call.state, call.state, result=decided_result(call))
        elif call.state in ("waiting", "approved", "suspended"):
            result = ToolResult(call.tool_name, output, [], call.tool_call_id)
            yield from log.move(call, "cancelled", call.state, result=result, note=_WITHDRAWN)
        elif call.state == "unknown":
            output = "Not known: the call was interrupted while it ran."
            result = ToolResult(call.tool_name, output, [], call.tool_call_id)
            yield from log.move(call, "abandoned", "unknown", result=result, note=_WITHDRAWN)
    if chains is None:
        process.of(ChainsInTools).forget(call_id)


def outer_calls(log: ChainLog, call: CallEntry) -> list[CallEntry]:
    """Return the calls that enclose a call, from the inside out."""
    found: list[CallEntry] = []
    while True:
        outer_id = _outer_id(log, call)
        outer = log.call(outer_id) if outer_id else None
        if outer is None:
            return found
        found.append(outer)
        call = outer


def _outer_id(log: ChainLog, call: CallEntry) -> str:
    known = process.of(ChainsInTools)
    for outer_id, chains in known.begun.items():
        if any(turn.turn_id == call.turn_id for begun in chains for turn in begun.turns()):
            return outer_id
    for outer_id, records in known.loaded.items():
        if any(one.turn_id == call.turn_id for record in records for one in record.rounds):
            return outer_id
    turn = (
        log.journal.turn(call.turn_id) if log.journal is not None and call.call_id not in log.memory.entries else None
    )
    return "" if turn is None else turn.begun.inside or ""


def left_inside(log: ChainLog, call_id: str) -> list[LeftChain]:
    """Return the records of the chains that earlier runs of a tool's body left behind, oldest first."""
    begun = records_inside(call_id)
    if log.journal is None or call_id in log.memory.entries:
        return begun
    known = {left.chain_id: left for left in begun}
    found = []
    for chain_id, turns in _by_chain(log.journal.turns_inside(call_id)).items():
        left = _left_of(turns)
        here = known.pop(chain_id, None)
        # Another process may have continued in the meantime.
        found.append(here if here is not None and left is not None and len(here.rounds) == len(left.rounds) else left)
    return [left for left in [*found, *known.values()] if left is not None]


def records_inside(call_id: str) -> list[LeftChain]:
    """Return the records that this process has of the chains inside a call, without those of a journal."""
    chains = process.of(ChainsInTools)
    loaded = {record.chain_id: record for record in chains.loaded.get(call_id, [])}
    begun = {chain.log.chain_id: chain.left() for chain in chains.begun.get(call_id, [])}
    return list((loaded | begun).values())


def _left_of(turns: Sequence[TurnEntry]) -> LeftChain | None:
    """Return the record of a chain in the journal; None if the body that asked it has since taken another path."""
    if any(call.note == _WITHDRAWN for turn in turns for call in turn.calls):
        return None
    first = turns[0].begun
    # The next run of the body has asked an unfinished turn again, in a turn after it.
    rounds = [
        LeftRound(
            turn.begun.turn_id, turn.output, turn.usage, turn.begun.at, turn.resolved_model, turn.finish, is_kept=True
        )
        for turn in turns
        if turn.status == "complete"
    ]
    return LeftChain(first.request, first.chain_id, first.conversation_id, rounds)


def _by_chain(turns: Sequence[TurnEntry]) -> dict[str, list[TurnEntry]]:
    chains: dict[str, list[TurnEntry]] = {}
    for turn in turns:
        chains.setdefault(turn.begun.chain_id, []).append(turn)
    return chains


def calls_inside(log: ChainLog, call_id: str, chains: Collection[str] | None = None) -> list[CallEntry]:
    """Return the calls that chains inside a call asked for, in their current state; of all chains, or of some."""
    found: dict[str, CallEntry] = {}
    if log.journal is not None and call_id not in log.memory.entries:
        # If the journal cannot be read, a question that nobody needs is left over, which is no reason to lose a result.
        with contextlib.suppress(JournalError):
            for turn in log.journal.turns_inside(call_id):
                if chains is None or turn.begun.chain_id in chains:
                    found |= {call.call_id: call for call in turn.calls}
    begun = process.of(ChainsInTools).begun.get(call_id, [])
    turns = {t.turn_id for chain in begun if chains is None or chain.log.chain_id in chains for t in chain.turns()}
    loaded = process.of(ChainsInTools).loaded.get(call_id, [])
    turns |= {one.turn_id for chain in loaded if chains is None or chain.chain_id in chains for one in chain.rounds}
    found |= {call.call_id: call for call in log.memory.calls() if call.turn_id in turns}
    return list(found.values())


def _request_digest(prompt: Prompt, model_id: str) -> str:
    """Return a digest of what a chain asks. It leaves out what the tools are, because consent to a call is bound to that already."""
    asked = {"model": model_id, "messages": [message.to_dict() for message in prompt.messages], **prompt.settings()}
    return hashlib.sha256(json.dumps(asked, sort_keys=True, default=repr).encode()).hexdigest()


def _is_made_anew(before: Tool, tool: Tool) -> bool:
    """Return whether two tools are the same in all but identity."""
    one, other = identify(before).facts, identify(tool).facts
    return one != other and {**one, "object": ""} == {**other, "object": ""}
