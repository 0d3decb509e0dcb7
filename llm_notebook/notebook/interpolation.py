"""Replaces `{{ expression }}` in a prompt by the value of the Python expression. Single braces are ordinary text."""

from __future__ import annotations

import types
import warnings
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.notebook.errors import CellError

if TYPE_CHECKING:
    from numpy import dtype, generic, ndarray
    from pandas import DataFrame, Series

__all__ = ["interpolate", "prompt_text"]

_MOST_ROWS = 50
_MOST_COLUMNS = 20
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
    if isinstance(value, str):
        return str(value)
    # Compared by name, so that pandas and numpy need not be loaded.
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(value).__mro__}
    if "pandas.DataFrame" in kinds:
        return _table(cast("DataFrame", value))
    if "pandas.Series" in kinds:
        return _table(cast("Series[Any]", value).to_frame())
    if "numpy.ndarray" in kinds:
        return _array(cast("ndarray[tuple[int, ...], dtype[generic]]", value))
    return str(value)


def _table(frame: DataFrame) -> str:
    rows, columns = frame.shape
    part = frame.iloc[:_MOST_ROWS, :_MOST_COLUMNS]
    plain_index = type(frame.index).__name__ == "RangeIndex"
    names = [_label(name) for name in part.columns]
    header = names if plain_index else [*("" if name is None else str(name) for name in frame.index.names), *names]
    lines = [_row(header), _row(["---"] * len(header))]
    for label, cells in zip(part.index, part.itertuples(index=False, name=None), strict=True):
        labels = () if plain_index else label if frame.index.nlevels > 1 else (label,)
        lines.append(_row([str(cell) for cell in (*labels, *cells)]))
    left_out = []
    if rows > _MOST_ROWS:
        left_out.append(f"{rows - _MOST_ROWS:,} of {rows:,} rows")
    if columns > _MOST_COLUMNS:
        left_out.append(f"{columns - _MOST_COLUMNS:,} of {columns:,} columns")
    if left_out:
        lines += ["", f"({' and '.join(left_out)} left out)"]
    return "\n".join(lines)


def _label(name: object) -> str:
    return " ".join(map(str, name)) if isinstance(name, tuple) else str(name)


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").splitlines()) for cell in cells) + " |"


def _array(array: ndarray[tuple[int, ...], dtype[generic]]) -> str:
    """Return what numpy prints, and a line that says so where numpy leaves elements out."""
    import numpy  # the user has an array, so it is loaded

    text = str(array)
    if array.size <= numpy.get_printoptions()["threshold"]:
        return text
    shape = " by ".join(f"{length:,}" for length in array.shape)
    return f"{text}\n(an array of {shape} {array.dtype} values; all but the first and last ones are left out)"
