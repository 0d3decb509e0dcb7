"""Finds every `{{ expression }}` in a text and compiles it. Single braces are ordinary text."""

from __future__ import annotations

import types
import warnings
from dataclasses import dataclass

__all__ = ["OPENING", "Expression", "WrongExpression", "split_expressions"]

OPENING = "{{"
"""What an expression begins with. A text without it is sent as it is."""


class WrongExpression(ValueError):
    """The text in double braces is not a Python expression."""


@dataclass(slots=True, frozen=True)
class Expression:
    """A Python expression in double braces.

    Attributes:
        source: the expression as it was typed, without the braces and the space around it.
        code: the same, compiled for `eval()`.
    """

    source: str
    code: types.CodeType

    @property
    def shown(self) -> str:
        """The expression in its braces, for messages."""
        return f"{{{{ {self.source} }}}}"


def split_expressions(text: str) -> list[str | Expression]:
    """Split a text into plain pieces and the expressions between them, in order.

    Raises:
        WrongExpression: a text in double braces is not an expression; the message quotes it.
    """
    pieces: list[str | Expression] = []
    position = 0
    while (start := text.find(OPENING, position)) >= 0:
        found = _expression(text, start + 2)
        if found is None:
            break
        expression, end = found
        pieces += [text[position:start], expression]
        position = end
    pieces.append(text[position:])
    return [piece for piece in pieces if piece != ""]


def _expression(text: str, start: int) -> tuple[Expression, int] | None:
    """Read the expression at `start`. Return (the expression, the position after its closing braces), or None if nothing closes it.

    An expression may contain braces itself, so the first `}}` that leaves valid Python before it closes the expression:
    `{"a": {{x}}}` is JSON around `x`, and in `{{ {1: 2}}}` the first of three braces belongs to the dict.
    """
    first_end = end = text.find("}}", start)
    if end < 0:
        return None
    while end >= 0:
        source = text[start:end].strip()
        code = _compile(source) if source else None
        if code is not None:
            return Expression(source, code), end + 2
        end = text.find("}}", end + 1)
    source = text[start:first_end].strip()
    raise WrongExpression(f"{{{{ {source} }}}} {'is not a Python expression' if source else 'is empty'}")


def _compile(source: str) -> types.CodeType | None:
    # An expression may span lines in double braces, as it may in parentheses.
    candidates = [source, f"({source}\n)"] if "\n" in source else [source]
    for candidate in candidates:
        try:
            with warnings.catch_warnings(action="ignore", category=SyntaxWarning):
                return compile(candidate, "<prompt>", "eval")
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            continue
    return None
