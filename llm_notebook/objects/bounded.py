"""Shortens texts and JSON to a number of bytes, with a note of what was left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

__all__ = ["bounded_json", "cut_text", "left_out_note", "size_of"]

# For each attempt to shorten JSON: the most items of a list or an object, and the most characters of a text.
_ATTEMPTS = ((2_000, 10_000), (500, 2_000), (200, 1_000), (100, 500), (50, 200), (20, 200), (10, 100), (5, 50), (3, 20))
_DEEPEST = 60


def size_of(text: str) -> int:
    """Return how many bytes a text has in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "backslashreplace"))


def cut_text(text: str, most_bytes: int, *, end_share: float = 0.0) -> tuple[str, tuple[str, ...]]:
    """Return (the text, what was left out): the whole text if it has at most that many bytes.

    Args:
        text: any text.
        most_bytes: the most bytes of UTF-8 that the result has.
        end_share: the share of the room, from 0 to 1, that is kept for the end of the text, for texts whose end says most.
    """
    if size_of(text) <= most_bytes:
        return text, ()
    room = max(0, most_bytes - 80)
    head = _beginning(text, int(room * (1 - end_share)))
    tail = _beginning(text[::-1], int(room * end_share))[::-1]
    said = f"{len(text) - len(head) - len(tail):,} of {len(text):,} characters"
    note = f"({said} left out)"
    kept = f"{head}\n… {note}\n{tail}" if tail else f"{head}\n… {note}"
    # If there is no room for any text, only the note is left.
    return (kept if size_of(kept) <= most_bytes else note), (said,)


def _beginning(text: str, most_bytes: int) -> str:
    if most_bytes <= 0:
        return ""
    return text[:most_bytes].encode("utf-8", "backslashreplace")[:most_bytes].decode("utf-8", "ignore")


def left_out_note(left_out: tuple[str, ...]) -> str:
    """Return the line that tells a model what was left out; empty if nothing was."""
    if not left_out:
        return ""
    *first, last = left_out
    return f"({', '.join(first)} and {last} left out)" if first else f"({last} left out)"


def bounded_json(
    value: object, most_bytes: int, default: Callable[[object], object] | None = None
) -> tuple[str, tuple[str, ...]]:
    """Return (JSON of at most that many bytes, what was left out). Its lists, objects and texts are shortened until it fits.

    Each omission is noted where it was made: a shortened list ends in `"… 950 more"`.

    Args:
        value: a JSON value.
        most_bytes: the most bytes of UTF-8 that the text has.
        default: as for `json.dumps()`.
    """
    text = json.dumps(value, ensure_ascii=False, default=default)
    if size_of(text) <= most_bytes:
        return text, ()
    for items, characters in _ATTEMPTS:
        shortener = _Shortener(items, characters)
        shorter = json.dumps(shortener.shortened(value), ensure_ascii=False, default=default)
        if size_of(shorter) <= most_bytes:
            return shorter, shortener.left_out()
    return cut_text(text, most_bytes)


class _Shortener:
    """Shortens a JSON value, and counts what it leaves out.

    Args:
        most_items: the most items that a list or an object keeps.
        most_characters: the most characters that a text keeps.
    """

    def __init__(self, most_items: int, most_characters: int) -> None:
        self._most_items = most_items
        self._most_characters = most_characters
        self._items = 0
        self._characters = 0

    def shortened(self, value: object, depth: int = 0) -> object:
        """Return the value with every part of it cut to at most that many items and characters."""
        if isinstance(value, str) and len(value) > self._most_characters:
            left = len(value) - self._most_characters
            self._characters += left
            return f"{value[: self._most_characters]}… {left:,} more characters"
        if depth > _DEEPEST:
            return value
        if isinstance(value, dict):
            kept = {key: self.shortened(item, depth + 1) for key, item in list(value.items())[: self._most_items]}
            return kept | ({"…": f"{self._left(value)} more"} if len(value) > self._most_items else {})
        if isinstance(value, list | tuple):
            items = [self.shortened(item, depth + 1) for item in value[: self._most_items]]
            return [*items, f"… {self._left(value)} more"] if len(value) > self._most_items else items
        return value

    def _left(self, value: Any) -> str:
        left = len(value) - self._most_items
        self._items += left
        return f"{left:,}"

    def left_out(self) -> tuple[str, ...]:
        """Return what was left out so far."""
        counted = ((self._items, "items"), (self._characters, "characters"))
        return tuple(f"{count:,} {what}" for count, what in counted if count)
