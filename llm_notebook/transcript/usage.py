"""The tokens of several rounds together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from llm_notebook.parts.messages import Usage

if TYPE_CHECKING:
    from llm_notebook.serialization import JSON

__all__ = ["add_usage"]


def add_usage(one: Usage | None, other: Usage | None) -> Usage | None:
    """Return the tokens of two rounds together. A count that neither round knows stays None."""
    if one is None or other is None:
        return one or other
    return Usage(
        cast("int | None", _sum(one.input, other.input)),
        cast("int | None", _sum(one.output, other.output)),
        cast("dict[str, Any] | None", _sum(one.details, other.details)),
    )


def _sum(one: JSON, other: JSON) -> JSON:
    """Add numbers, and the values of dicts key by key."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {key: _sum(one.get(key), other.get(key)) for key in one | other}
    if isinstance(one, int | float) and isinstance(other, int | float):
        return one + other
    return other if one is None else one
