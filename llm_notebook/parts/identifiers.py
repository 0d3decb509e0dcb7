"""Sortable ids, for turns and conversations and for tool calls whose provider gave none."""

from __future__ import annotations

from collections.abc import Container

__all__ = ["distinct_call_id", "new_id", "new_tool_call_id"]


def new_id() -> str:
    """Return a new ULID in lower case: 26 letters and digits that sort by the time they were made."""
    from ulid import ULID  # most answers call no tools

    return str(ULID()).lower()


def new_tool_call_id() -> str:
    """Return a new id for a tool call: `tc_` and a ULID in lower case."""
    return f"tc_{new_id()}"


def distinct_call_id(given: str, taken: Container[str | None]) -> str:
    """Return an id for a tool call: the provider's, with a number where another call has it, and a new one where it gave none.

    Results are matched to calls by id, so that no two calls of a turn may have the same.

    Args:
        given: the provider's id; empty if it gave none.
        taken: the ids of the other calls.
    """
    if not given:
        return new_tool_call_id()
    call_id, number = given, 1
    while call_id in taken:
        number += 1
        call_id = f"{given}-{number}"
    return call_id
