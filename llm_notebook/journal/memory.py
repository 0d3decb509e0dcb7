"""Takes the place of a journal when none is open: keeps a chain's calls in memory and accepts the same operations."""

from __future__ import annotations

import copy
import os
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar, cast

from llm_notebook.approvals.requests import ASKED, TRANSITIONS
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.journal.operations import CallEntry, CallMoved, CallProposed, Decided, DecidedTogether

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_notebook.approvals.requests import CallState
    from llm_notebook.journal.operations import AnsweredWith

__all__ = ["AskedInMemory", "Done", "MemoryJournal"]


A = TypeVar("A")


@dataclass(slots=True)
class Done(Generic[A]):
    """The answer to an operation, with the two methods of a Future that callers use.

    A real Future has a lock and a condition, and a tool loop would create three of them for each call.
    """

    answer: A

    def done(self) -> bool:
        """Return True: an operation in memory is done at once."""
        return True

    def result(self) -> A:
        """Return the answer."""
        return self.answer


class AskedInMemory:
    """The in-memory journals of this process, by the calls about which a human was asked.

    A pause may be written and loaded again, more than once. All copies of one question share its journal, so that it is settled once.
    """

    def __init__(self) -> None:
        self.journals: dict[str, MemoryJournal] = {}


@dataclass(slots=True, eq=False)
class MemoryJournal:
    """A record of calls and of the decisions about them. It ignores turns and grants. Safe to use from several threads.

    Attributes:
        entries: the present state of its calls, by their ids. Only `submit()` and `adopt()` change them.
    """

    owner: ClassVar[str] = ""

    entries: dict[str, CallEntry] = field(default_factory=dict)
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)
    # The process in which each decision was made: a forked child has a copy of it, and only one of them may carry it out.
    _decided_in: dict[str, int] = field(default_factory=dict)
    # The lock is reentrant: ■ may strike in the main thread as it leaves the lock, and the thread must be able to enter again.
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def submit(self, operation: AnsweredWith[A]) -> Done[A]:
        """Carry out an operation, which is complete when this returns."""
        with self._lock:
            return Done(cast("A", self._answer(operation)))

    def call(self, call_id: str) -> CallEntry | None:
        """Return the present state of a call, or None if it is not in this journal."""
        with self._lock:
            entry = self.entries.get(call_id)
            return None if entry is None else copy.copy(entry)

    def calls(self) -> list[CallEntry]:
        """Return the present state of all calls."""
        with self._lock:
            return [copy.copy(entry) for entry in self.entries.values()]

    def adopt(self, entry: CallEntry) -> None:
        """Adopt a call that was recorded in another journal."""
        with self._lock:
            self.entries[entry.call_id] = copy.copy(entry)
            self._ids[entry.turn_id, entry.tool_call_id] = entry.call_id
            if entry.request is not None:
                process.of(AskedInMemory).journals[entry.call_id] = self

    def _answer(self, operation: AnsweredWith[object]) -> CallEntry | bool | None:
        if isinstance(operation, CallMoved):
            return self._move(operation)
        if isinstance(operation, CallProposed):
            return self._propose(operation)
        if isinstance(operation, Decided | DecidedTogether):
            return self._decide([operation] if isinstance(operation, Decided) else operation.decisions)
        return None

    def _propose(self, operation: CallProposed) -> CallEntry:
        place = (operation.turn_id, operation.tool_call_id)
        known = self._ids.get(place)
        if known is not None:
            # What a loaded pause says of a call does not change which tool it is a call of.
            return replace(self.entries[known], tool_name=operation.tool_name)
        self.entries[operation.call_id] = _proposed(operation)
        self._ids[place] = operation.call_id
        return _proposed(operation)

    def _move(self, operation: CallMoved) -> bool:
        entry = self.entries[operation.call_id]
        if entry.state not in operation.expected or operation.decision not in (None, entry.decision):
            return False
        _refuse_forbidden(entry.state, operation.to)
        if operation.decision is not None and self._decided_in.get(entry.call_id, os.getpid()) != os.getpid():
            raise JournalError(
                "This call was approved in another process, which may run it: approve it here to run it here."
            )
        if operation.request is not None:
            process.of(AskedInMemory).journals[entry.call_id] = self
        # ■ may strike between any two instructions, so the entry changes in a single one.
        moved = copy.copy(entry)
        moved.move(operation)
        self.entries[entry.call_id] = moved
        return True

    def _decide(self, operations: Sequence[Decided]) -> bool:
        """Record all of the decisions, or none."""
        if not all(map(self._counts, operations)):
            return False
        decided = {operation.call_id: _decided(self.entries[operation.call_id], operation) for operation in operations}
        self._decided_in |= dict.fromkeys(decided, os.getpid())
        self.entries |= decided
        return True

    def _counts(self, operation: Decided) -> bool:
        entry, decision = self.entries[operation.call_id], operation.decision
        may_replace = operation.replaces and entry.decision is not None and entry.state == entry.decision.verdict
        if entry.state not in ASKED and not (may_replace and entry.result is None):
            return False
        if entry.state == "unknown" and (entry.request is None or not entry.request.outcome_unknown):
            return False
        return entry.request is None or entry.request.digest == decision.digest


def _proposed(operation: CallProposed) -> CallEntry:
    return CallEntry(
        operation.call_id,
        operation.turn_id,
        operation.tool_call_id,
        operation.tool_name,
        "proposed",
        operation.arguments,
        changed_at=operation.at,
        policy=operation.policy,
    )


def _decided(entry: CallEntry, operation: Decided) -> CallEntry:
    return replace(
        entry,
        state=operation.decision.verdict,
        decision=operation.decision,
        decided_by=operation.who,
        decided_at=operation.at,
        changed_at=operation.at,
        grant_id=operation.grant_id or "",
        grant_scope="",
    )


def _refuse_forbidden(before: CallState, after: CallState) -> None:
    if after not in TRANSITIONS[before]:
        raise ValueError(f"A call does not go from {before} to {after}.")
