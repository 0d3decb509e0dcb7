"""How many columns of a terminal a text takes: East Asian characters take two, and combining marks none."""

from __future__ import annotations

import unicodedata

__all__ = ["columns", "fitted", "padded"]


def columns(text: str) -> int:
    """Return the most columns that a line of text may take: terminals do not agree about all characters."""
    return sum(map(_width, text))


def padded(text: str, width: int) -> str:
    """Return a line of text with spaces added at its end, so that it takes at least `width` columns."""
    return text + " " * (width - columns(text))


def fitted(text: str, width: int) -> str:
    """Return a line of text in at most `width` columns. If it is longer, an ellipsis replaces its middle."""
    if columns(text) <= width:
        return text
    if width < 1:
        return ""
    tail = _end_of(text, (width - 1) // 2)
    return f"{_beginning_of(text, width - 1 - columns(tail))}…{tail}"


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _beginning_of(text: str, width: int) -> str:
    end, taken = 0, 0
    for character in text:
        taken += _width(character)
        if taken > width:
            break
        end += 1
    return text[:end]


def _end_of(text: str, width: int) -> str:
    start, taken = len(text), 0
    for character in reversed(text):
        taken += _width(character)
        if taken > width:
            break
        start -= 1
    # A combining mark whose letter is left out would combine with the ellipsis.
    while start < len(text) and not _width(text[start]):
        start += 1
    return text[start:]
