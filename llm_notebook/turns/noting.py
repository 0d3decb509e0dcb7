"""The step that keeps an operation, and how a call inside a tool is told to those outside."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llm_notebook.journal.operations import CallEntry, Operation

if TYPE_CHECKING:
    from llm_notebook.journal.memory import MemoryJournal
    from llm_notebook.journal.protocol import Journal
    from llm_notebook.journal.runs import RowAsked

__all__ = ["Note", "Noting", "seen_from_outside"]


@dataclass(slots=True)
class Note:
    """The step "keep this operation". The answer is sent back once it is durable; a JournalError is thrown."""

    journal: Journal | MemoryJournal
    operation: Operation | RowAsked


Noting = Generator[Note, Any, Any]


def seen_from_outside(entry: CallEntry) -> CallEntry:
    """Return a call inside a tool for those who show the outer turn, where the provider's id may be that of another call."""
    return replace(entry, tool_call_id=entry.call_id)
