"""Sortable ids for what has none of its own."""

from __future__ import annotations

__all__ = ["new_id", "new_tool_call_id"]


def new_id() -> str:
    """A ULID in lower case: 26 letters and digits, later ones sort later."""
    from ulid import ULID  # most answers call no tools

    return str(ULID()).lower()


def new_tool_call_id() -> str:
    """An id for a tool call whose provider gave none: `tc_` and a ULID in lower case."""
    return f"tc_{new_id()}"
