"""Cuts one JSON list, which arrives in pieces of any size, into frames: one for each element. No I/O.

Gemini streams in this form unless it is asked for server-sent events, and proxies pass that on.
"""

from __future__ import annotations

import re

__all__ = ["JSONListElements"]

# Everything that can change where an element ends; and in a string, everything that can end it.
_MARKS = re.compile(rb'[\[\]{},"]')
_IN_STRING = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)


class JSONListElements:
    """A framing for the elements of one JSON list.

    Attributes:
        is_over: the list has ended.
    """

    __slots__ = ("_depth", "_in_string", "_position", "_rest", "_start", "is_over")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._depth = 0
        self._start = 0
        self._position = 0
        self._in_string = False
        self.is_over = False

    @property
    def pending(self) -> bytes:
        """Nothing: an element that has begun can be completed only by the rest of the list."""
        return b""

    @property
    def waiting(self) -> int:
        """The number of bytes kept for an element that has not ended, and 1 for the end of the list."""
        return 0 if self.is_over else len(self._rest) + 1

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        """Return the elements that `piece` completes."""
        self._rest += piece
        found: list[tuple[str, bytes]] = []
        while not self.is_over and self._is_outside_strings():
            mark = _MARKS.search(self._rest, self._position)
            if mark is None:
                self._position = len(self._rest)
                break
            self._position = mark.end()
            self._in_string = mark.group() == b'"'
            found += [] if self._in_string else self._take(mark.group(), mark.start())
        del self._rest[: self._start]
        self._position -= self._start
        self._start = 0
        return found

    def _is_outside_strings(self) -> bool:
        """Move on to the end of a string, or as far as it has arrived. Return False if its end has not."""
        if not self._in_string:
            return True
        skipped = _IN_STRING.match(self._rest, self._position)
        assert skipped is not None  # it matches nothing too
        self._position = skipped.end()
        self._in_string = not skipped.group(1)
        return not self._in_string

    def _take(self, mark: bytes, at: int) -> list[tuple[str, bytes]]:
        """Move on over one mark, and return the element that it ends."""
        if mark in (b"[", b"{"):
            self._depth += 1
            if self._depth == 1:
                self._start = at + 1
        elif mark in (b"]", b"}"):
            self._depth -= 1
        ends_list = self._depth == 0
        if not ends_list and not (mark == b"," and self._depth == 1):
            return []
        element = bytes(self._rest[self._start : at]).strip()
        self._start = at + 1
        self.is_over = ends_list
        return [("", element)] if element else []
