"""Checks whether a value is what a schema asked for, and if not, says where and why in a sentence for people and models.

Classes are checked by pydantic, and JSON Schemas by jsonschema. If a schema has nothing but named fields of simple types, as the concise
syntax produces, a row is first checked by the types of its values, which takes a microsecond. Only rows that fail this check go to
jsonschema, which takes a hundred times as long.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm_notebook.answers.columns import columns_of, resolve, row_values
from llm_notebook.tools.annotations import as_pydantic_reads
from llm_notebook.tools.schemas import VALUE

__all__ = ["Fitting", "Misfit"]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_WORDS = {
    "integer": "an integer",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
# How pydantic's names for type errors begin.
_PYDANTIC_WORDS = {
    "int": "an integer",
    "float": "a number",
    "decimal": "a number",
    "bool": "true or false",
    "string": "text",
    "date": "a date such as 2026-01-31",
    "datetime": "a date and time such as 2026-01-31T12:00",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
    "dataclass": "an object",
}
_KNOWN_KEYS = {"type", "enum", "title", "description", "format", "default", "examples"}
_FLAT_KEYS = {"type", "properties", "required", "title", "description", "additionalProperties", "$schema", "$defs"}
_LONGEST_QUOTE = 80
_MOST_LISTED = 8


@dataclass(slots=True)
class Misfit:
    """Where a value differs from what was asked for.

    Attributes:
        path: the keys and indices that lead to the place; empty for the value itself.
        must: what is required there, with the place in backticks, such as "`age` must be an integer".
        wrote: what was found there, in quotes; empty if nothing was.
    """

    path: tuple[str | int, ...]
    must: str
    wrote: str = ""

    @property
    def sentence(self) -> str:
        """All of it as one sentence, without a full stop."""
        return f"{self.must}, and the model wrote {self.wrote}" if self.wrote else self.must


class Fitting:
    """Checks values against one schema.

    Args:
        schema: the JSON Schema of a value.
        source: the class or annotation that the schema was made from; None if there was none.

    Raises:
        ValueError: the schema is not a valid one.
    """

    def __init__(self, schema: dict[str, Any], source: object = None) -> None:
        self._schema = schema
        self._columns = [column for column in columns_of(schema) if column.kind in ("date", "datetime")]
        self._simple = None if source is not None else _simple_fields(schema)
        self._adapter: Any = None
        self._find_faults: Callable[[object], list[Any]] | None = None
        if source is None and self._simple is None:
            self._find_faults = _fault_finder(schema)
        if source is not None:
            from pydantic import TypeAdapter  # pydantic is slow to import

            self._adapter = TypeAdapter(as_pydantic_reads(source))

    def check(self, value: object) -> tuple[object, Misfit | None]:
        """Return (the value, or an object of the class if one was asked for; how it misfits, or None if it fits)."""
        if self._adapter is not None:
            return self._check_by_class(value)
        if self._simple is None or not _passes(value, *self._simple):
            faults = self._faults(value)
            if faults:
                return value, _misfit_of_fault(faults[0])
        for column in self._columns:
            given = row_values(value).get(column.name)
            if not column.is_readable(given):
                kind = _PYDANTIC_WORDS[column.kind]
                return value, _misfit((column.name,), f"must be {kind}", given)
        return value, None

    def json_of(self, value: object) -> object:
        """Return a value that fits as JSON values, including the changes that its class makes to them."""
        return value if self._adapter is None else self._adapter.dump_python(value, mode="json", by_alias=True)

    def _check_by_class(self, value: object) -> tuple[object, Misfit | None]:
        from pydantic import ValidationError  # pydantic is slow to import

        candidates = [value, value[VALUE]] if isinstance(value, dict) and list(value) == [VALUE] else [value]
        first: Any = None
        for candidate in candidates:
            try:
                return self._adapter.validate_python(candidate), None
            except ValidationError as error:
                first = first or error
            try:
                # A strict class accepts a date as text only in JSON.
                return self._adapter.validate_json(json.dumps(candidate)), None
            except ValidationError:
                continue
        detail = first.errors(include_url=False)[-1 if len(candidates) > 1 else 0]
        return value, _misfit_of_pydantic(detail)

    def _faults(self, value: object) -> list[Any]:
        if self._find_faults is None:
            self._find_faults = _fault_finder(self._schema)
        return self._find_faults(value)


def _fault_finder(schema: dict[str, Any]) -> Callable[[object], list[Any]]:
    from jsonschema import SchemaError  # only schemas that are not simple need it
    from jsonschema.exceptions import relevance  # the same
    from jsonschema.validators import Draft202012Validator, validator_for  # the same
    from referencing import Registry  # the same
    from referencing.exceptions import Unresolvable  # the same

    checker = validator_for(schema, default=Draft202012Validator)
    try:
        checker.check_schema(schema, format_checker=None)
    except SchemaError as error:
        raise ValueError(f"The schema is not a valid JSON Schema: {error.message}.") from None
    # The registry is empty, so that a reference to another document is an error and is not fetched.
    validator = checker(schema, registry=Registry())

    def find(value: object) -> list[Any]:
        try:
            return sorted(validator.iter_errors(value), key=relevance, reverse=True)
        except Unresolvable as error:
            raise ValueError(f"The schema refers to something that is not in it: {error}.") from None

    return find


@dataclass(slots=True)
class _Field:
    """One field of a simple row: its name, its possible types, its possible values if they are limited, and whether it is required."""

    name: str
    types: tuple[type, ...]
    values: frozenset[object] | None
    is_required: bool


def _simple_fields(schema: Mapping[str, Any]) -> tuple[list[_Field], bool] | None:
    """Return the fields of a simple row, and whether there may be others; None if the schema is not that simple."""
    row = resolve(schema, schema)
    properties = row.get("properties")
    if row.get("type") != "object" or not isinstance(properties, Mapping) or set(row) - _FLAT_KEYS:
        return None
    required = row.get("required", [])
    fields = [_simple_field(name, described, name in required) for name, described in properties.items()]
    known = [field for field in fields if field is not None]
    return (known, row.get("additionalProperties", True) is not False) if len(known) == len(fields) else None


def _simple_field(name: str, described: object, is_required: bool) -> _Field | None:
    if not isinstance(described, Mapping) or set(described) - _KNOWN_KEYS:
        return None
    kinds, values = described.get("type"), described.get("enum")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not isinstance(kinds, list) or not all(isinstance(kind, str) and kind in _TYPES for kind in kinds):
        return None
    if values is not None and not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
        return None
    types = tuple(one for kind in kinds for one in _TYPES[kind])
    return _Field(name, types, None if values is None else frozenset(values), is_required)


def _passes(value: object, fields: Sequence[_Field], takes_more: bool) -> bool:
    if type(value) is not dict:
        return False
    count = 0
    for field in fields:
        if field.name in value:
            count += 1
            given = value[field.name]
            if type(given) not in field.types or (field.values is not None and given not in field.values):
                return False
        elif field.is_required:
            return False
    return takes_more or count == len(value)


def _misfit(path: Sequence[str | int], must: str, wrote: object) -> Misfit:
    return Misfit(tuple(path), f"{_place(path)} {must}", _quoted(wrote))


def _place(path: Sequence[str | int]) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")
    return f"`{text.replace('`', '?')}`" if text else "it"


def _quoted(value: object) -> str:
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    text = " ".join(text.split())
    return f"“{text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + '…'}”"


def _one_of(values: Iterable[object]) -> str:
    listed = [value if isinstance(value, str) else json.dumps(value, default=repr) for value in values]
    more = f" or {len(listed) - _MOST_LISTED} others" if len(listed) > _MOST_LISTED else ""
    return f"must be one of {', '.join(listed[:_MOST_LISTED])}{more}"


def _misfit_of_fault(fault: Any) -> Misfit:
    path, value = list(fault.absolute_path), fault.instance
    if fault.validator == "required":
        missing = next(name for name in fault.validator_value if name not in value)
        return Misfit((*path, missing), f"{_place([*path, missing])} is missing")
    if fault.validator == "additionalProperties" and fault.validator_value is False:
        known = fault.schema.get("properties", {})
        surplus = next((name for name in value if name not in known), "")
        return Misfit((*path, surplus), f"{_place([*path, surplus])} is not in the schema")
    if fault.validator == "type":
        kinds = [fault.validator_value] if isinstance(fault.validator_value, str) else fault.validator_value
        return _misfit(path, f"must be {' or '.join(_WORDS.get(kind, kind) for kind in kinds)}", value)
    if fault.validator == "enum":
        return _misfit(path, _one_of(fault.validator_value), value)
    inner = [one for one in fault.context or () if one.validator == "type" and not one.relative_path]
    if fault.validator in ("anyOf", "oneOf") and inner and len(inner) == len(fault.context):
        words = dict.fromkeys(_WORDS.get(str(one.validator_value), str(one.validator_value)) for one in inner)
        return _misfit(path, f"must be {' or '.join(words)}", value)
    # Some of jsonschema's messages quote the whole schema.
    rule = f"{fault.validator} {fault.validator_value}" if isinstance(fault.validator_value, int | float | str) else ""
    return _misfit(path, f"must keep to {rule or fault.validator}", value)


def _misfit_of_pydantic(detail: Mapping[str, Any]) -> Misfit:
    path, kind = detail["loc"], detail["type"]
    if kind == "missing":
        return Misfit(tuple(path), f"{_place(path)} is missing")
    if kind == "extra_forbidden":
        return Misfit(tuple(path), f"{_place(path)} is not in the schema")
    prefix = kind.partition("_")[0]
    if kind.endswith(("_type", "_parsing", "_from_date_parsing", "_from_float")) and prefix in _PYDANTIC_WORDS:
        return _misfit(path, f"must be {_PYDANTIC_WORDS[prefix]}", detail["input"])
    message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if message.startswith("Input should be "):
        return _misfit(path, f"must be {message.removeprefix('Input should be ')}", detail["input"])
    return Misfit(tuple(path), f"{_place(path)}: {message}", _quoted(detail["input"]))
