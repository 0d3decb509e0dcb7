"""Puts the fields of a streamed answer's chunks together, as an answer that is not streamed has them. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["merge_delta", "merge_fields", "merge_usage"]

# Fields of deltas that name something. All other text in deltas comes in pieces.
_NAMES = frozenset({"role", "type", "id", "index", "name", "format", "tool_call_id"})


def merge_usage(known: dict[str, Any], said: Mapping[str, Any]) -> None:
    """Take the counts that a later chunk says. Zeros and missing counts do not replace a number: some servers end with them."""
    for name, value in said.items():
        before = known.get(name)
        if isinstance(before, dict) and isinstance(value, Mapping):
            known[name] = dict(before)
            merge_usage(known[name], value)
        elif value or not before:
            known[name] = value


def merge_fields(known: dict[str, Any], said: Mapping[str, Any], *, left_out: Iterable[str] = ()) -> None:
    """Take the fields of a later chunk that stand beside the answer, such as the sources of all of it: the newest value counts.

    Args:
        known: the fields so far.
        said: the chunk.
        left_out: the names of fields that mean something else.
    """
    for name, value in said.items():
        if name in left_out or value is None:
            continue
        before = known.get(name)
        if isinstance(before, dict) and isinstance(value, dict):
            known[name] = before | value
        elif value or not before:
            known[name] = value


def merge_delta(known: dict[str, Any], delta: Mapping[str, Any], *, left_out: Iterable[str] = ()) -> None:
    """Add a delta to what came before, which is changed: text goes on, lists grow, and an item with an `index` is added to the one that has it."""
    for name, value in delta.items():
        if name in left_out or value is None:
            continue
        before = known.get(name)
        if isinstance(before, str) and isinstance(value, str) and name not in _NAMES:
            known[name] = before + value
        elif isinstance(before, list) and isinstance(value, list):
            for item in value:
                _merge_item(before, item)
        elif isinstance(before, dict) and isinstance(value, dict):
            merge_delta(before, value)
        else:
            known[name] = value


def _merge_item(items: list[Any], item: object) -> None:
    if isinstance(item, dict) and item.get("index") is not None:
        for other in items:
            if isinstance(other, dict) and (other.get("index"), other.get("type")) == (item["index"], item.get("type")):
                merge_delta(other, item)
                return
    items.append(item)
