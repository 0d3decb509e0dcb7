"""The step that keeps an operation, the operation that moves a call, and how a call inside a tool is told to those outside."""

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
    """The step "keep this operation". The answer is sent back once it is durable; a JournalError is thrown."""

    journal: Journal | MemoryJournal
    operation: Operation | RowAsked


Noting = Generator[Note, Any, Any]


def seen_from_outside(entry: CallEntry) -> CallEntry:
    """Return a call inside a tool for those who show the outer turn, where the provider's id may be that of another call."""
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
    """Return the operation that moves a call. A start carries out a decision, where a human was asked.

    Raises:
        JournalError: the call starts, and this process can hold no lock that says so.
    """
    owner = home.owner if to == "started" else None
    digest = None if decision is None else decision.digest
    now = datetime.now(UTC)
    return CallMoved(entry.call_id, expected, to, now, owner=owner, digest=digest, decision=decision, **details)
