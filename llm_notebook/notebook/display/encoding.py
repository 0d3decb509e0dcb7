"""Writing to a terminal or a pipe whose encoding lacks letters: they are spelled out like `\\u03c0`, and nothing is lost or cut."""

from __future__ import annotations

import io
import sys

__all__ = ["spell_out_on_stdout", "spelled", "write"]

_SPELLED = "backslashreplace"


def spelled(text: str) -> str:
    """Return a text in which every letter that stdout cannot encode is spelled out."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, _SPELLED).decode(encoding)


def write(text: str) -> None:
    """Write a text to stdout at once, with every letter that it cannot encode spelled out."""
    sys.stdout.write(spelled(text))
    sys.stdout.flush()


def spell_out_on_stdout(errors: str = _SPELLED) -> str:
    """Let stdout spell out what it cannot encode, or do with it what `errors` names. Returns what it did before."""
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper):
        return errors
    before = stdout.errors or "strict"
    stdout.reconfigure(errors=errors)
    return before
