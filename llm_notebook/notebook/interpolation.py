"""Replaces `{{ expression }}` in a prompt by the value of the Python expression. Single braces are ordinary text."""

from __future__ import annotations

import types
import warnings
from typing import Any

from llm_notebook.notebook.errors import CellError
from llm_notebook.tools.tables import table_text

__all__ = ["interpolate", "prompt_text"]

_NOT_VALUES = (
    types.FunctionType,
    types.MethodType,
    types.BuiltinFunctionType,
    types.GeneratorType,
    types.CoroutineType,
)


def interpolate(text: str, names: dict[str, Any]) -> str:
    """Evaluate every `{{ expression }}` in a text and return the text with their values.

    Args:
        text: the prompt as it was typed.
        names: the variables that expressions see. This must be one dict, because functions and comprehensions within an
            expression look names up in its globals only.

    Raises:
        CellError: an expression is not Python, raises, or is stopped; the message names it.
    """
    pieces: list[str] = []
    position = 0
    while (start := text.find("{{", position)) >= 0:
        found = _expression(text, start + 2)
        if found is None:
            break
        source, code, end = found
        pieces += [text[position:start], _evaluate(source, code, names)]
        position = end
    return "".join([*pieces, text[position:]])


def _expression(text: str, start: int) -> tuple[str, types.CodeType, int] | None:
    """Read the expression at `start`. Return (source, its code, position after the closing braces), or None if none close it.

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
            return source, code, end + 2
        end = text.find("}}", end + 1)
    source = text[start:first_end].strip()
    problem = "is not a Python expression" if source else "is empty"
    raise CellError(f"{{{{ {source} }}}} {problem}, so nothing was sent. Use --raw to send double braces as they are.")


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


def _evaluate(source: str, code: types.CodeType, names: dict[str, Any]) -> str:
    """Evaluate an expression and return its value as text."""
    shown = f"{{{{ {source} }}}}"
    try:
        value = eval(code, names)  # noqa: S307  the user's own expression
        if isinstance(value, _NOT_VALUES):
            raise CellError(f"{shown} is a {_kind(value)}, not a value that a model can read. Nothing was sent.")
        return prompt_text(value)
    except CellError:
        raise
    except KeyboardInterrupt:
        raise CellError(f"Stopped by you while {shown} was computed. Nothing was sent.") from None
    except Exception as error:
        message = f": {error}" if _message(error) else ""
        raw = " Use --raw to send double braces as they are." if isinstance(error, NameError) else ""
        raise CellError(f"{shown} failed with {type(error).__name__}{message}. Nothing was sent.{raw}") from None


def _kind(value: object) -> str:
    return type(value).__name__.replace("_", " ")


def _message(error: Exception) -> str:
    # The error may be of a class of the user's, whose __str__ fails too.
    try:
        return str(error)
    except Exception:
        return ""


def prompt_text(value: object) -> str:
    """Return a Python value as a model reads it best: text as it is, a table as Markdown.

    Large tables and arrays are cut, and a last line says what was left out.
    """
    return str(value) if isinstance(value, str) else table_text(value) or str(value)
