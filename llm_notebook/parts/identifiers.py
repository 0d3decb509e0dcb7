"""Sortable ids, for turns and conversations and for tool calls whose provider gave none."""

from __future__ import annotations

import base64
import os
import time

__all__ = ["CallIds", "new_id", "new_tool_call_id"]

# From the digits of Python's base 32 to those of a ULID, which leave out the letters that look like others.
_DIGITS = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")


def new_id() -> str:
    """Return a new ULID in lower case: 26 letters and digits that sort by the time they were made.

    They are the time in milliseconds, of 48 bits, and 80 random bits; see https://github.com/ulid/spec. Among the last eight is a digit:
    these are what people see of an id, and they must not be mistaken for a word.
    """
    # With four bytes before them, its bytes are a multiple of the five that eight digits stand for.
    time_made = bytes(4) + (time.time_ns() // 1_000_000).to_bytes(6, "big")
    while True:
        made = base64.b32encode(time_made + os.urandom(10))[6:].translate(_DIGITS).decode()
        if not made[-8:].isalpha():
            return made


def new_tool_call_id() -> str:
    """Return a new id for a tool call: `tc_` and a ULID in lower case."""
    return f"tc_{new_id()}"


class CallIds:
    """Gives each tool call of an answer a unique id.

    Results are matched to calls by id, so no two calls of a turn may have the same.
    """

    __slots__ = ("_numbers", "_taken")

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._numbers: dict[str, int] = {}

    def distinct(self, given: str) -> str:
        """Return the id of another call: the provider's, with a number added if it is taken, or a new one if the provider gave none.

        Args:
            given: the provider's id; empty if it gave none.
        """
        call_id = given or new_tool_call_id()
        number = self._numbers.get(given, 1)
        while call_id in self._taken:
            number += 1
            call_id = f"{given}-{number}"
        if number > 1:
            self._numbers[given] = number
        self.reserve(call_id)
        return call_id

    def reserve(self, call_id: str) -> None:
        """Reserve the id of a call that keeps the provider's id, so that no other call gets it."""
        self._taken.add(call_id)
