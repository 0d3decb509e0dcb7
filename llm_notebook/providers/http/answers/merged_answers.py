"""Merges the fields of a streamed answer's chunks into the form of an answer that is not streamed. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["merge_delta", "merge_fields", "merge_usage"]

# Fields of deltas that contain a name. All other text in deltas arrives in pieces.
_NAMES = frozenset({"role", "type", "id", "index", "name", "format", "tool_call_id"})


def merge_usage(known: dict[str, Any], said: Mapping[str, Any]) -> None:
    """Adopt the counts of a later chunk. Zeros and missing counts do not replace a number, because some servers end with them."""
    for name, value in said.items():
        before = known.get(name)
        if isinstance(before, dict) and isinstance(value, Mapping):
            known[name] = dict(before)
            merge_usage(known[name], value)
        elif value or not before:
            known[name] = value


def merge_fields(known: dict[str, Any], said: Mapping[str, Any], *, left_out: Iterable[str] = ()) -> None:
    """Adopt the fields of a later chunk that belong to the whole answer, such as its sources. The newest value counts.

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
    """Add a delta to the known value, in place: text is appended, lists grow, and an item with an `index` is merged with the item that has it."""
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
