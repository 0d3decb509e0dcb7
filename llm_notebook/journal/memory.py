"""What is kept of calls where no journal is open: the same operations, in this process's memory, as long as the chain lives."""

from __future__ import annotations

import copy
import threading
from dataclasses import dataclass
from typing import Any

from llm_notebook.approvals.requests import TRANSITIONS, CallState
from llm_notebook.journal.operations import CallEntry, CallMoved, CallProposed, Decided, Operation

__all__ = ["Done", "MemoryJournal"]


@dataclass(slots=True)
class Done:
    """The answer to an operation, as far as a Future is asked for it. A tool loop makes three for each call."""

    answer: Any

    def done(self) -> bool:
        """It always is."""
        return True

    def result(self) -> Any:
        """The answer."""
        return self.answer


class MemoryJournal:
    """Calls and what was decided about them. Turns and grants are not kept. Safe to use from several threads."""

    owner = ""

    def __init__(self) -> None:
        self._calls: dict[str, CallEntry] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def submit(self, operation: Operation) -> Done:
        """The operation is done when this returns."""
        with self._lock:
            if isinstance(operation, CallMoved):
                return Done(self._move(operation))
            if isinstance(operation, CallProposed):
                return Done(self._propose(operation))
            return Done(self._decide(operation) if isinstance(operation, Decided) else None)

    def call(self, call_id: str) -> CallEntry | None:
        """One call as it stands, None if it is not kept here."""
        with self._lock:
            entry = self._calls.get(call_id)
            return None if entry is None else copy.copy(entry)

    def keeps(self, call_id: str) -> bool:
        """A call is kept here."""
        return call_id in self._calls

    def calls(self) -> list[CallEntry]:
        """All calls as they stand."""
        with self._lock:
            return [copy.copy(entry) for entry in self._calls.values()]

    def adopt(self, entry: CallEntry) -> None:
        """Keep a call that was kept elsewhere until now."""
        with self._lock:
            self._calls[entry.call_id] = copy.copy(entry)
            self._ids[entry.turn_id, entry.tool_call_id] = entry.call_id

    def _propose(self, operation: CallProposed) -> CallEntry:
        place = (operation.turn_id, operation.tool_call_id)
        known = self._ids.get(place)
        if known is not None:
            return copy.copy(self._calls[known])
        self._ids[place] = operation.call_id
        self._calls[operation.call_id] = _proposed(operation)
        return _proposed(operation)

    def _move(self, operation: CallMoved) -> bool:
        entry = self._calls[operation.call_id]
        if entry.state not in operation.expected:
            return False
        _check(entry.state, operation.to)
        entry.state, entry.changed_at = operation.to, operation.at
        if operation.to == "waiting":
            entry.decision, entry.decided_by, entry.decided_at = None, "", None
        entry.request = operation.request or entry.request
        entry.result = operation.result or entry.result
        entry.note = operation.note or entry.note
        return True

    def _decide(self, operation: Decided) -> bool:
        entry, decision = self._calls[operation.call_id], operation.decision
        open_states = ("waiting", "unknown")
        may_replace = operation.replaces and entry.decision is not None and entry.state == entry.decision.verdict
        if entry.state not in open_states and not (may_replace and entry.result is None):
            return False
        if entry.request is not None and entry.request.digest != decision.digest:
            return False
        entry.state = decision.verdict
        entry.decision, entry.decided_by, entry.decided_at = decision, operation.who, operation.at
        entry.changed_at = operation.at
        return True


def _proposed(operation: CallProposed) -> CallEntry:
    return CallEntry(
        operation.call_id,
        operation.turn_id,
        operation.tool_call_id,
        operation.tool_name,
        "proposed",
        operation.arguments,
        changed_at=operation.at,
    )


def _check(before: CallState, after: CallState) -> None:
    if after not in TRANSITIONS[before]:
        raise ValueError(f"A call does not go from {before} to {after}.")
