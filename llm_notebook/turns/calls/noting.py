"""The step that records an operation, the operation that moves a call to another state, and the outside view of a call inside a tool."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llm_notebook.journal.operations import CallEntry, CallMoved, Operation

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import CallState, Decision
    from llm_notebook.journal.memory import MemoryJournal
    from llm_notebook.journal.protocol import Journal
    from llm_notebook.journal.runs import RowAsked

__all__ = ["Note", "Noting", "moved_call", "seen_from_outside"]


@dataclass(slots=True)
class Note:
    """The step "record this operation". The driver sends the answer back once it is durable, or throws a JournalError."""

    journal: Journal | MemoryJournal
    operation: Operation | RowAsked


Noting = Generator[Note, Any, Any]


def seen_from_outside(entry: CallEntry) -> CallEntry:
    """Return a call inside a tool as code that shows the outer turn sees it, where another call may have the same id of the provider."""
    return replace(entry, tool_call_id=entry.call_id)


def moved_call(
    home: Journal | MemoryJournal,
    entry: CallEntry,
    to: CallState,
    expected: Sequence[CallState],
    *,
    decision: Decision | None = None,
    **details: Any,
) -> CallMoved:
    """Return the operation that moves a call to another state. If a human was asked, starting the call carries out the decision.

    Raises:
        JournalError: the call is to start, and this process cannot take the lock that says so.
    """
    owner = home.owner if to == "started" else None
    digest = None if decision is None else decision.digest
    now = datetime.now(UTC)
    return CallMoved(entry.call_id, expected, to, now, owner=owner, digest=digest, decision=decision, **details)
