"""What is kept of calls where no journal is open: the same operations, in this process's memory, as long as the chain lives."""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any

from llm_notebook.approvals import TRANSITIONS, CallState
from llm_notebook.journals import CallEntry, CallMoved, CallProposed, Decided, Operation

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["MemoryJournal"]


class MemoryJournal:
    """Calls and what was decided about them. Turns and grants are not kept. Safe to use from several threads."""

    owner = ""

    def __init__(self) -> None:
        self._calls: dict[str, CallEntry] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def submit(self, operation: Operation) -> Future[Any]:
        """The operation is done when this returns."""
        from concurrent.futures import Future  # noqa: PLC0415  loads logging, which a model that calls no tools does not need

        done: Future[Any] = Future()
        with self._lock:
            match operation:
                case CallProposed():
                    done.set_result(self._propose(operation))
                case CallMoved():
                    done.set_result(self._move(operation))
                case Decided():
                    done.set_result(self._decide(operation))
                case _:
                    done.set_result(None)
        return done

    def call(self, call_id: str) -> CallEntry | None:
        """One call as it stands, None if it is not kept here."""
        with self._lock:
            entry = self._calls.get(call_id)
            return None if entry is None else copy.copy(entry)

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
        known = self._ids.setdefault((operation.turn_id, operation.tool_call_id), operation.call_id)
        if known not in self._calls:
            self._calls[known] = CallEntry(
                known,
                operation.turn_id,
                operation.tool_call_id,
                operation.tool_name,
                "proposed",
                operation.arguments,
                changed_at=operation.at,
            )
        return copy.copy(self._calls[known])

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


def _check(before: CallState, after: CallState) -> None:
    if after not in TRANSITIONS[before]:
        raise ValueError(f"A call does not go from {before} to {after}.")
