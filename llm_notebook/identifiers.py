"""Sortable ids for what has none of its own."""

from __future__ import annotations

__all__ = ["new_tool_call_id"]


def new_tool_call_id() -> str:
    """An id for a tool call whose provider gave none: `tc_` and a ULID in lower case."""
    from ulid import ULID  # noqa: PLC0415  most answers call no tools

    return f"tc_{str(ULID()).lower()}"
