"""The columns of rows, as a JSON Schema describes them, and the text of their cells."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

__all__ = ["VALUES", "Column", "ColumnKind", "add_unknown", "cell_text", "columns_of", "resolve", "row_values"]

ColumnKind = Literal["text", "integer", "number", "boolean", "date", "datetime", "category", "any"]
VALUES = "value"
"""The column for rows that are not objects."""
_KINDS: dict[str, ColumnKind] = {"string": "text", "integer": "integer", "number": "number", "boolean": "boolean"}
_FORMATS: dict[str, ColumnKind] = {"date": "date", "date-time": "datetime"}
# The names that pandas gives the types, for the head of a table.
_DTYPES: dict[ColumnKind, str] = {
    "text": "string",
    "integer": "Int64",
    "number": "Float64",
    "boolean": "boolean",
    "date": "datetime64",
    "datetime": "datetime64",
    "category": "category",
    "any": "object",
}
_LONGEST_CELL = 200


@dataclass(slots=True)
class Column:
    """One column.

    Attributes:
        name: its name, the key of its values in each row.
        kind: what its values are.
        categories: the possible values, if they are few.
    """

    name: str
    kind: ColumnKind = "any"
    categories: list[Any] = field(default_factory=list)

    @property
    def dtype(self) -> str:
        """The name that pandas gives the type."""
        return _DTYPES[self.kind]

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, which are aligned to the right."""
        return self.kind in ("integer", "number")

    def is_readable(self, value: object) -> bool:
        """Return whether a value that fits the schema is also of the column's kind: to JSON Schema, any text may pass for a date."""
        if self.kind not in ("date", "datetime") or value is None:
            return True
        try:
            self.read_time(value)
        except ValueError:
            return False
        return True

    def read_time(self, value: object) -> date | datetime:
        """Return the date, or the date and time, of a text in ISO 8601 form.

        Raises:
            ValueError: the value is not such a text.
        """
        if not isinstance(value, str):
            raise ValueError(f"{value!r} is no text")
        return date.fromisoformat(value) if self.kind == "date" else datetime.fromisoformat(value)


def columns_of(schema: Mapping[str, Any]) -> list[Column]:
    """Return the columns of rows that fit a schema. Rows that are not objects have the single column `value`.

    Args:
        schema: the JSON Schema of one row, whose references point to its own `$defs`.
    """
    row = resolve(schema, schema)
    properties = row.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return [_column(VALUES, row, schema)] if row.get("type") not in (None, "object") or "enum" in row else []
    return [_column(name, described, schema) for name, described in properties.items()]


def add_unknown(columns: list[Column], row: object) -> bool:
    """Add the columns of a row that are not known yet. Returns whether there were any."""
    known = {column.name for column in columns}
    more = [name for name in row_values(row) if name not in known]
    columns += [Column(name) for name in more]
    return bool(more)


def row_values(row: object) -> Mapping[str, Any]:
    """Return the values of a row by the names of their columns."""
    return row if isinstance(row, dict) else {VALUES: row}


def cell_text(value: object) -> str | None:
    """Return the text of a cell, short enough for a table; None if the value is missing."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value[: _LONGEST_CELL + 1]
    elif isinstance(value, bool | int | float):
        text = str(value)[: _LONGEST_CELL + 1]
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


def resolve(schema: object, root: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema with its reference replaced by what it refers to in the same document; empty if there is no such place."""
    seen = set()
    while isinstance(schema, Mapping) and isinstance(reference := schema.get("$ref"), str):
        if reference in seen:
            return {}
        seen.add(reference)
        target: object = root
        for step in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
            target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**target, **rest} if isinstance(target, Mapping) else {}
    return schema if isinstance(schema, Mapping) else {}


def _column(name: str, described: object, root: Mapping[str, Any]) -> Column:
    schemas = [one for one in _alternatives(described, root) if one.get("type") != "null"]
    values = [value for one in schemas for value in _listed(one) if value is not None]
    if schemas and all(_listed(one) for one in schemas):
        is_plain = all(isinstance(value, str | int | float) for value in values)
        return Column(name, "category", list(dict.fromkeys(values))) if is_plain else Column(name)
    kinds = {_kind(one) for one in schemas}
    if kinds == {"integer", "number"}:
        return Column(name, "number")
    return Column(name, kinds.pop()) if len(kinds) == 1 else Column(name)


def _alternatives(described: object, root: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    schema = resolve(described, root)
    for key in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(key), list):
            return [found for option in options for found in _alternatives(option, root)]
    if isinstance(parts := schema.get("allOf"), list) and len(parts) == 1:
        return _alternatives(parts[0], root)
    kinds = schema.get("type")
    return [{**schema, "type": kind} for kind in kinds] if isinstance(kinds, list) else [schema]


def _listed(schema: Mapping[str, Any]) -> list[Any]:
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    return values if isinstance(values, list) else []


def _kind(schema: Mapping[str, Any]) -> ColumnKind:
    kind = _KINDS.get(str(schema.get("type")), "any")
    return _FORMATS.get(str(schema.get("format")), kind) if kind == "text" else kind
