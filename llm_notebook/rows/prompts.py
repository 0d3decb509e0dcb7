"""Makes the prompt of each row from a text with `{{ column }}`, or any other expression over the row, in it."""

from __future__ import annotations

import builtins
import math
import types
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from llm_notebook.objects.table import describe_known
from llm_notebook.rows.errors import RowsError
from llm_notebook.templates.expressions import Expression, WrongExpression, split_expressions

__all__ = ["ROW", "Clean", "RowPrompt"]

Clean = Callable[[str, str], str]
"""Takes an expression and the text of its value, and returns the text without secrets."""

ROW = "row"
"""The name under which expressions see the whole row, for columns whose names are not Python names."""

_KNOWN = frozenset({ROW, *dir(builtins)})


class RowPrompt:
    """A text from which a prompt is made for every row.

    A column is a variable in its expressions: `{{ text }}`, `{{ text[:500] }}`, `{{ row["unit price"] }}`. A missing value is an empty text.

    Args:
        text: the text.
        clean: takes secrets out of what an expression gives; its arguments are the expression and the text. None leaves them in.

    Raises:
        RowsError: the text has no expression, or one of its expressions is not Python.
    """

    def __init__(self, text: str, clean: Clean | None = None) -> None:
        self._clean = clean
        if not isinstance(text, str):
            raise RowsError(f"The prompt is a text, not {type(text).__name__}. Nothing was sent.")
        try:
            self._pieces = split_expressions(text)
        except WrongExpression as error:
            hint = ' A column whose name is no Python name is written {{ row["unit price"] }}.'
            is_name = "not a Python expression" in str(error)
            raise RowsError(f"{error}, so nothing was sent.{hint if is_name else ''}") from None
        if not any(isinstance(piece, Expression) for piece in self._pieces):
            raise RowsError(
                "The prompt names no column, so every row would be asked the same. Write a column in double braces, such as"
                " {{ text }}. Nothing was sent."
            )
        self.text = text

    @property
    def names(self) -> set[str]:
        """The names in its expressions that only a column can have."""
        return {name for expression in self._expressions() for name in _free_names(expression.code) - _KNOWN}

    @property
    def keys(self) -> list[object]:
        """The keys that its expressions look up in the row, as far as they are written there."""
        return [key for expression in self._expressions() for key in _row_keys(expression.source)]

    def check(self, columns: list[str]) -> None:
        """Refuse names that are not columns.

        Raises:
            RowsError: an expression has a name that is neither a column nor one of Python's own.
        """
        unknown: list[object] = [*sorted(self.names - {_as_in_code(column) for column in columns})]
        if ROW not in columns:
            # Labels of pandas that are no texts are listed as texts.
            unknown += [
                key for key in self.keys if key not in columns and (isinstance(key, str) or str(key) not in columns)
            ]
        if unknown:
            listed = f"the columns are {', '.join(map(str, columns))}" if columns else "the table has no columns"
            raise RowsError(f"There is no column {unknown[0]!r}; {listed}. Nothing was sent.")

    def render(self, row: Mapping[str, Any]) -> str:
        """Return the prompt of a row.

        Raises:
            RowsError: an expression fails for this row.
        """
        names: dict[str, Any] | None = None
        rendered = []
        for piece in self._pieces:
            if isinstance(piece, str):
                rendered.append(piece)
                continue
            is_column = piece.source in row
            if names is None and not is_column:
                names = _variables(row)
            found = _text_in(piece, row if is_column else None, names or {})
            rendered.append(found if self._clean is None else self._clean(piece.source, found))
        return "".join(rendered)

    def _expressions(self) -> Iterator[Expression]:
        return (piece for piece in self._pieces if isinstance(piece, Expression))


def _text_in(expression: Expression, row: Mapping[str, Any] | None, names: dict[str, Any]) -> str:
    """Return the text of what an expression gives.

    Args:
        expression: the expression.
        row: the row, if the expression is the name of a column.
        names: otherwise, the variables.

    Raises:
        RowsError: the expression fails, or its value cannot say what it is.
    """
    try:
        return _text_of(eval(expression.code, names) if row is None else row[expression.source])
    except (Exception, SystemExit) as error:
        # A SystemExit would otherwise end the event loop that all rows share.
        raise RowsError(f"{expression.shown} failed with {type(error).__name__}: {error}") from None


def _variables(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of the expressions: the columns, and the whole row."""
    return {**{_as_in_code(name): value for name, value in row.items()}, **row, ROW: row}


def _as_in_code(name: str) -> str:
    """Return a column's name as Python reads it in code, where a ligature is the letters that it stands for."""
    return name if not isinstance(name, str) or name.isascii() else unicodedata.normalize("NFKC", name)


def _row_keys(source: str) -> Iterator[object]:
    """Yield the constants with which an expression looks something up in the row."""
    if f"{ROW}[" not in source:
        return
    import ast  # only such expressions need it

    nodes = list(ast.walk(ast.parse(f"({source})", mode="eval")))
    # In a comprehension or a lambda, the name may be that of something else.
    bound = [node.arg for node in nodes if isinstance(node, ast.arg)]
    bound += [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    if ROW in bound:
        return
    for node in nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == ROW:
            with suppress(ValueError):
                yield ast.literal_eval(node.slice)


def _free_names(code: types.CodeType) -> set[str]:
    """Return the names that an expression does not define itself, including those used in its comprehensions and functions."""
    # Attributes are among `co_names` too, so the names are taken from the instructions that load globals.
    import dis  # only a run over rows needs it

    loads = {"LOAD_NAME", "LOAD_GLOBAL"}
    names = {str(step.argval) for step in dis.get_instructions(code) if step.opname in loads}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _free_names(constant)
    return names


def _text_of(value: object) -> str:
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    if isinstance(value, bool | int | float):
        return str(value)
    known = describe_known(value)
    return str(value) if known is None else known.text


def is_missing(value: object) -> bool:
    """Return whether a value is one of the many forms of a missing one: None, NaN, `pandas.NA` or `NaT`."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    # The missing values of pandas and numpy are not equal to themselves, or are not comparable at all.
    kind = type(value)
    if kind.__name__ in ("NAType", "NaTType"):
        return True
    return kind.__module__ == "numpy" and getattr(value, "ndim", 1) == 0 and bool(value != value)  # noqa: PLR0124
