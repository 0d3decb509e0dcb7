"""Finds the rows of a JSON answer while it arrives, and parses each of them once.

How it works. The answer is `{"items": [row, row, …]}`, or just the list. Only the end of a row matters, so the scanner looks for
brackets outside of strings. Two regular expressions skip everything else in one step, and each character is looked at only once, even if a
string arrives in a thousand pieces. A piece without the row's closing bracket cannot end the row, and is set aside unread.

Anything may surround the rows: models like to say something first, and to put JSON into a fence. The scanner finds the list there too, for
the reader who is watching. But its rows are the answer only if the whole text was such JSON and nothing else; otherwise `close()` parses
the whole text again. So a text gives the same rows however it is cut into pieces, and the same as if it were parsed at once.
"""

from __future__ import annotations

import json
import re
from typing import Any

from llm_notebook.tools.answers import json_in

__all__ = ["ITEMS", "NoRows", "RowScanner"]

ITEMS = "items"
"""The property that holds the rows."""

_SPACE = " \t\n\r"
# The length is bounded, so that the part of the text that is kept is enough to find the beginning of the list wherever the text is cut.
_FEW = rf"[{_SPACE}]{{0,40}}+"
_WRAPPED = re.compile(rf'\{{{_FEW}"{ITEMS}"{_FEW}:{_FEW}\[')
# A list within prose that begins a line and has an object in it.
_IN_PROSE = re.compile(rf'[{{,]{_FEW}"{ITEMS}"{_FEW}:{_FEW}\[|\n{_FEW}\[(?={_FEW}\{{)')
_BETWEEN = re.compile(rf"[{_SPACE}]*+")
_OUTSIDE = re.compile(r'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
# A whole row that holds nothing but scalars.
_FLAT = re.compile(r'\{(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+\}', re.DOTALL)
_NEXT_FLAT = re.compile(rf"[{_SPACE}]*+,[{_SPACE}]*+({_FLAT.pattern})", re.DOTALL)
_INSIDE = re.compile(r"(?:[^\"\\]++|\\.)*+", re.DOTALL)
_SCALAR = re.compile(rf"[^,\]}}{_SPACE}]*+")
# How many characters of the text are kept to find the beginning of the list.
_LONGEST_HEAD = 200


class NoRows(ValueError):
    """An answer is not a list of rows."""


class RowScanner:
    """Finds rows in one answer.

    Attributes:
        rows: the rows so far, as JSON values.
        pending: the pieces that have not been scanned yet.
        awaits: the character that a piece must contain to be worth scanning; empty if any piece is.
    """

    def __init__(self) -> None:
        from pydantic_core import from_json  # pydantic is slow to import

        self.rows: list[Any] = []
        self._from_json = from_json
        # One of: start, prose, value, row, scalar, between, foot, over.
        self._state = "start"
        self.pending: list[str] = []
        self.awaits = ""
        # The part of the current row that has been scanned, how many brackets are open in it, whether a string is, and how the row ends.
        self._row: list[str] = []
        self._depth = 0
        self._in_string = False
        self._closer = ""
        self._is_wrapped = False
        self._is_whole = True
        self._is_first = True
        self._is_ended = False

    @property
    def has_begun(self) -> bool:
        """Whether the beginning of the list was found."""
        return self._state not in ("start", "prose")

    @property
    def may_begin(self) -> bool:
        """Whether all that has arrived may be the beginning of the list."""
        return self._state == "start"

    def feed(self, chunk: str) -> int:
        """Take the next piece of the answer. Returns how many rows it completed; they are the last ones of `rows`."""
        self.pending.append(chunk)
        return self.scan() if self.awaits in chunk else 0

    def scan(self) -> int:
        """Scan the pending pieces. Returns how many rows they complete."""
        text = "".join(self.pending)
        self.pending.clear()
        before, at, is_stuck = len(self.rows), 0, False
        while at < len(text) and self._state != "over" and not is_stuck:
            if self._state == "between":
                while found := _NEXT_FLAT.match(text, at):
                    at = found.end()
                    self._add(found[1])
                if self.awaits and text.find(self.awaits, at) < 0:
                    break
            at, is_stuck = self._step(text, at)
        if at < len(text) and self._state != "over":
            self.pending.append(text[at:])
        return len(self.rows) - before

    def close(self, text: str) -> list[Any]:
        """Return the rows of the whole answer.

        Args:
            text: all that was fed.

        Raises:
            NoRows: the text is not JSON, or not a list of rows.
        """
        self.awaits = ""
        self.scan()
        if self._state == "foot" and self._is_whole and not self._is_wrapped:
            return self.rows
        is_json = False
        for piece in json_in(text):
            is_json = True
            value = json.loads(piece)
            rows = value.get(ITEMS) if isinstance(value, dict) else value
            if isinstance(rows, list):
                return rows
        if self._is_ended and not is_json:
            return self.rows
        if self.has_begun and not is_json and not self._is_ended and self._state != "over":
            raise NoRows("it breaks off before the end of its list")
        raise NoRows("it has no list of rows" if is_json else "it is not JSON")

    def _step(self, text: str, at: int) -> tuple[int, bool]:
        """Take one step from the current state. Return (how far the text has been read, whether the next piece is needed)."""
        self.awaits = ""
        if self._state == "start":
            return self._find_start(text, at)
        if self._state == "prose":
            return self._find_in_prose(text, at)
        if self._state == "row":
            return self._scan_row(text, at)
        if self._state == "scalar":
            return self._scan_scalar(text, at)
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text too
        if at == len(text):
            return at, True
        if self._state == "value":
            return self._begin_row(text, at)
        if self._state == "between":
            return self._go_on_behind_row(text, at)
        return self._look_behind_list(text, at)

    def _find_start(self, text: str, at: int) -> tuple[int, bool]:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text too
        if at == len(text):
            return at, True
        if text[at] == "[":
            self._state = "value"
            return at + 1, False
        if found := _WRAPPED.match(text, at):
            self._state, self._is_wrapped = "value", True
            return found.end(), False
        if text[at] == "{" and "[" not in text[at:] and len(text) - at < _LONGEST_HEAD:
            return at, True
        self._state, self._is_whole = "prose", False
        return at, False

    def _find_in_prose(self, text: str, at: int) -> tuple[int, bool]:
        found = _IN_PROSE.search(text, at)
        if found is None:
            return max(at, len(text) - _LONGEST_HEAD), True
        self._state, self._is_wrapped = "value", text[found.start()] != "\n"
        return found.end(), False

    def _begin_row(self, text: str, at: int) -> tuple[int, bool]:
        first = text[at]
        if first == "]":
            # A list cannot end after a comma.
            self._is_whole &= self._is_first
            self._state, self._is_ended = "foot", True
            return at + 1, False
        self._is_first = False
        if first == "{":
            if text.find("}", at) < 0:
                self.awaits = "}"
                return at, True
            if found := _FLAT.match(text, at):
                self._end_row(found.group())
                return found.end(), False
        if first in "{[":
            self._state, self._depth, self._closer = "row", 0, "}" if first == "{" else "]"
        elif first == '"':
            self._state, self._depth, self._in_string, self._closer = "row", 0, True, '"'
            self._row.append(first)
            return at + 1, False
        else:
            self._state = "scalar"
        return at, False

    def _scan_row(self, text: str, start: int) -> tuple[int, bool]:
        at, end = start, len(text)
        while True:
            if self._in_string:
                at = _INSIDE.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text too
                if at == end or text[at] != '"':
                    break
                self._in_string = False
                at += 1
            else:
                at = _OUTSIDE.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text too
                if at == end:
                    break
                bracket = text[at]
                at += 1
                if bracket == '"':
                    self._in_string = True
                    continue
                self._depth += 1 if bracket in "{[" else -1
            if self._depth <= 0:
                self._end_row(text[start:at])
                return at, False
        self.awaits = self._closer
        # At most a backslash is left, whose meaning depends on the next character.
        self._row.append(text[start:at])
        return at, True

    def _scan_scalar(self, text: str, at: int) -> tuple[int, bool]:
        end = _SCALAR.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text too
        if end == len(text):
            self._row.append(text[at:end])
            return end, True
        self._end_row(text[at:end])
        return end, False

    def _end_row(self, rest: str) -> None:
        self._row.append(rest)
        raw = "".join(self._row)
        self._row.clear()
        self._state = "between"
        self._add(raw)
        # In most lists, the next row ends with the same bracket. If it does not, that is noticed a little later.
        self.awaits = "}" if raw[:1] == "{" else ""

    def _add(self, raw: str) -> None:
        try:
            self.rows.append(self._parse(raw))
        except (ValueError, RecursionError):
            self._state, self._is_whole = "over", False

    def _parse(self, raw: str) -> object:
        try:
            return self._from_json(raw)
        except ValueError:
            # It refuses half of a surrogate pair, which Python's own parser accepts.
            return json.loads(raw)

    def _go_on_behind_row(self, text: str, at: int) -> tuple[int, bool]:
        if text[at] == ",":
            self._state = "value"
        elif text[at] == "]":
            self._state, self._is_ended = "foot", True
        else:
            self._state, self._is_whole = "over", False
        return at + 1, False

    def _look_behind_list(self, text: str, at: int) -> tuple[int, bool]:
        if text[at] == "}" and self._is_wrapped:
            self._is_wrapped = False
        else:
            self._state, self._is_whole = "over", False
        return at + 1, False
