"""Sortable ids, for turns and conversations and for tool calls whose provider gave none."""

from __future__ import annotations

__all__ = ["new_id", "new_tool_call_id"]


def new_id() -> str:
    """Return a new ULID in lower case: 26 letters and digits that sort by the time they were made."""
    from ulid import ULID  # most answers call no tools

    return str(ULID()).lower()


def new_tool_call_id() -> str:
    """Return a new id for a tool call: `tc_` and a ULID in lower case."""
    return f"tc_{new_id()}"
