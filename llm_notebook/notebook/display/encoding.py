"""Writing to a terminal or a pipe whose encoding lacks some characters: they are spelled out like `\\u03c0`, so nothing is lost."""

from __future__ import annotations

import io
import sys

__all__ = ["spell_out_on_stdout", "spelled", "write"]

_SPELLED = "backslashreplace"


def spelled(text: str) -> str:
    """Return a text in which every character that stdout cannot encode is spelled out."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, _SPELLED).decode(encoding)


def write(text: str) -> None:
    """Write a text to stdout and flush it, with every character that stdout cannot encode spelled out."""
    sys.stdout.write(spelled(text))
    sys.stdout.flush()


def spell_out_on_stdout(errors: str = _SPELLED) -> str:
    """Let stdout spell out what it cannot encode, or handle it as `errors` says. Returns how it was handled before."""
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper):
        return errors
    before = stdout.errors or "strict"
    stdout.reconfigure(errors=errors)
    return before
