"""The first rows of a table that a run has brought, as a cell shows them, and one sentence about all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

from llm_notebook.answers.columns import Column
from llm_notebook.answers.known_rows import KnownColumn, KnownRows
from llm_notebook.rows.outcomes import NOTES
from llm_notebook.rows.prompts import is_missing
from llm_notebook.rows.tables import open_table
from llm_notebook.transcript.blocks import Block
from llm_notebook.transcript.words import short_id

__all__ = ["head_block", "labels_of"]

_SHOWN = 5
_LONGEST_LABEL = 40
_KINDS = {"pandas": "a DataFrame", "polars": "a polars DataFrame", "pyarrow": "a pyarrow Table"}


def head_block(found: object, name: str = "", source: str = "") -> Block:
    """Return the first rows of a table.

    Args:
        found: the table.
        name: the variable that holds it; empty if none is known.
        source: what the user calls the rows that it was made from; empty if that is not known.
    """
    table = open_table(found)
    rows = list(islice(table.rows(), _SHOWN))
    names = table.names()
    types = _types_of(found)
    columns: list[Column] = [
        KnownColumn(str(one), "number" if _is_number(rows, one) else "any", type_name=types.get(one, ""))
        for one in names
    ]
    shown = [{str(one): _shown(one, row.get(one)) for one in names} for row in rows]
    label = labels_of(found)
    block = Block("text", table=KnownRows(columns, shown, [label(number) for number in range(len(rows))]))
    block.said = _sentence(found, table.count or 0, len(names), name, source)
    return block


def labels_of(found: object) -> Callable[[int], str]:
    """Return what names each row of a table by its number: its label in the index of a frame that has one, or else the number."""
    index = getattr(found, "index", None) if hasattr(found, "iloc") else None

    def label(number: int) -> str:
        text = str(number if index is None else index[number])
        return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"

    return label


def _sentence(found: object, count: int, columns: int, name: str, source: str) -> str:
    rows = f"{count:,} {'row' if count == 1 else 'rows'}"
    library = type(found).__module__.partition(".")[0]
    kind = f"{_KINDS[library]} of {rows} \u00d7 {columns} columns" if library in _KINDS else f"a list of {rows}"
    said = f"`{name}` is {kind}" if name else kind[:1].upper() + kind[1:]
    like = f", in the order{' and with the index' if hasattr(found, 'iloc') else ''} of `{source}`" if source else ""
    first = f" The first {_SHOWN}:" if count > _SHOWN else ""
    # Rows have a name where a cell asks them, and there the result needs one too.
    unnamed = " `--out NAME` keeps it; no row is asked again." if source and not name else ""
    return f"{said}{like}.{unnamed}{first}"


def _types_of(found: object) -> Mapping[str, str]:
    """Return what the library calls the types of the columns; empty where there are none."""
    types: object = getattr(found, "dtypes", None)
    if types is not None and hasattr(types, "items"):
        return {str(name): str(kind) for name, kind in types.items()}
    names: Any = getattr(found, "column_names", None) or getattr(found, "columns", ())
    listed: Any = types if types is not None else getattr(getattr(found, "schema", None), "types", ())
    return {str(name): str(kind) for name, kind in zip(names, listed, strict=False)}


def _is_number(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    values = [value for row in rows if not is_missing(value := row.get(name))]
    return bool(values) and all(hasattr(value, "__float__") and not isinstance(value, str | bool) for value in values)


def _shown(name: str, value: object) -> object:
    """Return what a cell shows of a value; None where it is missing."""
    if is_missing(value):
        # A row without an error lacks nothing.
        return "" if name == NOTES[0] else None
    if isinstance(value, str):
        return short_id(value).lower() if name == NOTES[2] else value
    if isinstance(value, bytes | bytearray):
        return f"{len(value):,} bytes"
    if isinstance(value, float) and name == NOTES[1]:
        return f"{value:.6f}" if value < 0.01 else f"{value:.4f}"
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".") if 0 < abs(value) < 0.01 else f"{value:g}"
    return str(value)[:400]
