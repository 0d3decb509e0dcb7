"""Replaces each `{{ expression }}` in a prompt with the value of the Python expression. Single braces are ordinary text."""

from __future__ import annotations

import types
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.prompts.known_secrets import LazyScrubber, scrubbed_value
from llm_notebook.objects.described import MOST_BYTES, Described
from llm_notebook.objects.table import describe_known
from llm_notebook.templates.expressions import OPENING, Expression, WrongExpression, split_expressions

if TYPE_CHECKING:
    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.notebook.prompts.given import Given

__all__ = ["interpolate", "read_prompt", "read_system"]

# A method as a value is a mistake: its parentheses are missing.
_NOT_VALUES = (
    types.MethodType,
    types.BuiltinFunctionType,
    types.GeneratorType,
    types.CoroutineType,
)


def read_prompt(
    text: str,
    arguments: Arguments,
    names: dict[str, Any],
    given: Given,
    *,
    is_cell: bool = False,
    brings_prompt: bool = False,
) -> str:
    """Return the prompt of a line and its cell, with the values of its expressions.

    Args:
        text: the prompt as it was typed.
        arguments: the line.
        names: the variables that expressions see.
        given: collects the objects that the expressions became and that are not text.
        is_cell: whether it was typed with `%%llm`.
        brings_prompt: whether a template is a prompt by itself, so that none need be typed.

    Raises:
        CellError: there is no prompt, or an expression has no value.
    """
    if not text.strip() and not brings_prompt:
        where = "in the cell, below %%llm" if is_cell else "after %llm"
        raise CellError(f"There is no prompt: write one {where}. `%llm help` shows how.")
    return (
        text
        if arguments.raw
        else interpolate(text, names, given.inside, max_size=arguments.max_size, secrets=given.secrets)
    )


def read_system(arguments: Arguments, names: dict[str, Any], secrets: LazyScrubber | None = None) -> str | None:
    """Return the system prompt of a line, with the values of its expressions; None if there is none."""
    if arguments.system is None or arguments.raw:
        return arguments.system
    return interpolate(arguments.system, names, max_size=arguments.max_size, secrets=secrets)


def interpolate(
    text: str,
    names: dict[str, Any],
    found: list[Described] | None = None,
    *,
    max_size: int | None = None,
    secrets: LazyScrubber | None = None,
) -> str:
    """Evaluate every `{{ expression }}` in a text and return the text with their values.

    Args:
        text: the prompt as it was typed.
        names: the variables that expressions see. This must be a single dict, because functions and comprehensions within an
            expression look names up in its globals only.
        found: collects the values that a model does not get as text, or not in full. None where only text is possible.
        max_size: how many bytes each object may have; None for the usual size.
        secrets: takes secrets out of the values; None to leave them in.

    Raises:
        CellError: an expression is not Python, raises an exception, or is stopped; the message names it.
    """
    if OPENING not in text:
        return text
    try:
        pieces = split_expressions(text)
    except WrongExpression as error:
        raise CellError(f"{error}, so nothing was sent. Use --raw to send double braces as they are.") from None
    values = _Values(found, max_size or MOST_BYTES, secrets)
    return "".join(piece if isinstance(piece, str) else _evaluate(piece, names, values) for piece in pieces)


def _evaluate(expression: Expression, names: dict[str, Any], values: _Values) -> str:
    """Evaluate an expression and return its value as text."""
    shown = expression.shown
    try:
        value = eval(expression.code, names)
        if isinstance(value, _NOT_VALUES):
            raise CellError(f"{shown} is a {_kind(value)}, not a value that a model can read. Nothing was sent.")
        return values.text_of(value, expression.source)
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
    # The error's class may be the user's own, and its __str__ may fail too.
    try:
        return str(error)
    except Exception:
        return ""


@dataclass(slots=True)
class _Values:
    """Turns the values of expressions into text.

    Attributes:
        found: collects the values that a model does not get as text, or not in full. None where only text is possible.
        max_size: how many bytes each object may have.
        secrets: takes secrets out of them; None to leave them in.
    """

    found: list[Described] | None
    max_size: int
    secrets: LazyScrubber | None

    def text_of(self, value: object, source: str) -> str:
        """Return a Python value as a model reads it best: text unchanged, other objects as the table of objects describes them.

        Objects for which the table has only the `repr()` are written with `str()`, as in an f-string.
        """
        scrubber = None if self.secrets is None else self.secrets(source)
        known = None if isinstance(value, str) else describe_known(value, max_size=self.max_size, scrubber=scrubber)
        if known is None:
            return str(value) if self.secrets is None else scrubbed_value(str(value), source, self.secrets)
        known = replace(known, name=source)
        if known.attachments and self.found is None:
            raise CellError(
                f"{{{{ {source} }}}} is a picture or another file, and only text can go here. Nothing was sent."
            )
        if self.found is not None and (known.attachments or known.left_out):
            self.found.append(known)
        return known.text or f"({source}: {known.kind}, attached)"
