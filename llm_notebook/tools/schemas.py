"""JSON Schemas made from Python's types, from JSON text, or from the concise syntax `name, age int: in years`; and answers that fit them."""

from __future__ import annotations

import json
import typing
from typing import Any

from llm_notebook.tools.annotations import as_pydantic_reads, describe_fields

__all__ = ["VALUE", "multi_schema", "schema_dsl", "schema_of", "without_secret_defaults", "without_titles"]

VALUE = "value"
"""The only property of the schema for a type that is not an object, such as an Enum or a list: providers accept only objects."""

# The keywords whose value is a map from names to schemas, and those whose value may only look like a schema.
_SCHEMA_MAPS = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_PLAIN_VALUES = ("const", "enum", "examples")


def schema_dsl(schema_dsl: str, multi: bool = False) -> dict[str, Any]:
    """Return the JSON Schema for the concise syntax of the `llm` command.

    `name, age int: in years, bio: one sentence` gives an object with three required properties. A field is a name, then optionally a type
    (`str`, `int`, `float`, `bool`, `date` or `datetime`; `str` is the default), then optionally a colon and a description. Fields are separated by commas, or
    each has a line of its own, in which case descriptions may contain commas.

    Args:
        schema_dsl: the fields.
        multi: whether to describe a list of such objects, under the key `items`.

    Raises:
        ValueError: a field has no name or an unknown type, a name occurs twice, or there are no fields.
    """
    properties: dict[str, dict[str, str]] = {}
    for field in _fields(schema_dsl):
        definition, _, description = (part.strip() for part in field.partition(":"))
        name, kind = _name_and_type(field, definition)
        if name in properties:
            raise ValueError(f"The schema names the field {name!r} twice.")
        properties[name] = {**kind} | ({"description": description} if description else {})
    if not properties:
        raise ValueError("The schema has no fields; write them as in 'name, age int: in years'.")
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return multi_schema(schema) if multi else schema


def multi_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of an object whose `items` are a list of what `schema` describes."""
    item = dict(schema)
    # References start at the root of the document, so the definitions that they refer to have to move there.
    shared: dict[str, Any] = {key: item.pop(key) for key in ("$schema", "$defs", "definitions") if key in item}
    properties = {"items": {"type": "array", "items": item}}
    return {**shared, "type": "object", "properties": properties, "required": ["items"]}


def schema_of(source: dict[str, Any] | str | type | object) -> dict[str, Any]:
    """Return the JSON Schema for any of the forms in which a schema may be given.

    Args:
        source: a schema; a pydantic class, dataclass, TypedDict, Enum or another annotation, such as `list[Dog]`; a schema as JSON text; or
            fields in the syntax of `schema_dsl()`.

    Returns:
        The schema of an object, unless `source` is itself a schema of something else. A type that is not an object becomes the property
        `value` of one.

    Raises:
        ValueError: the text is neither a JSON object nor a list of fields.
        TypeError: `source` is none of these.
    """
    if isinstance(source, dict):
        return source
    if isinstance(source, str):
        return _json_object(source) if source.lstrip().startswith("{") else schema_dsl(source)
    if isinstance(source, type) or typing.get_origin(source) is not None or hasattr(source, "__value__"):
        return _schema_of_type(source)
    raise TypeError(f"A schema is a dict, a pydantic class or text such as 'name, age int', not {source!r}.")


def _schema_of_type(source: object) -> dict[str, Any]:
    from pydantic import TypeAdapter  # pydantic is slow to import

    schema = without_secret_defaults(TypeAdapter(as_pydantic_reads(source)).json_schema())
    reference = schema.get("$ref", "").removeprefix("#/$defs/")
    if reference in schema.get("$defs", {}):
        # The schema of a recursive class is just a reference to its definition.
        schema = {**schema["$defs"][reference], **{key: value for key, value in schema.items() if key != "$ref"}}
    describe_fields(schema, [source])
    if schema.get("type") == "object":
        return schema
    shared: dict[str, Any] = {key: schema.pop(key) for key in ("$defs", "title") if key in schema}
    return {"type": "object", "properties": {VALUE: schema}, "required": [VALUE], **shared}


def without_secret_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of the JSON Schema of somebody's code without the defaults that are secrets: code needs them, and a model does not."""
    return {
        key: {name: _without_secret_default(item, name) for name, item in value.items()}
        if key in ("properties", "$defs") and isinstance(value, dict)
        else _without_secret_default(value, "")
        for key, value in schema.items()
    }


def _without_secret_default(value: Any, name: str) -> Any:
    if isinstance(value, list):
        return [_without_secret_default(item, name) for item in value]
    if not isinstance(value, dict):
        return value
    default = value.get("default")
    if isinstance(default, str | int | list | dict) and not isinstance(default, bool):
        from llm_notebook.objects.secrets import Scrubber  # only needed where there are defaults

        if Scrubber().scrub_json(default, name or None) != default:
            value = {key: item for key, item in value.items() if key != "default"}
    return without_secret_defaults(value)


def without_titles(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a JSON Schema without its titles. A property that is called "title" stays."""
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _SCHEMA_MAPS and isinstance(value, dict):
            kept[key] = {name: _untitled(item) for name, item in value.items()}
        elif key in _PLAIN_VALUES or (key == "default" and _is_json(value)):
            kept[key] = value
        elif key not in ("title", "default"):
            kept[key] = _untitled(value)
    return kept


def _untitled(value: object) -> object:
    if isinstance(value, list):
        return [_untitled(item) for item in value]
    return without_titles(value) if isinstance(value, dict) else value


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def _json_object(text: str) -> dict[str, Any]:
    try:
        schema = json.loads(text)
    except ValueError as error:
        raise ValueError(f"The schema is not valid JSON: {error}.") from None
    assert isinstance(schema, dict)
    return schema


def _fields(text: str) -> list[str]:
    """Split the concise syntax into its fields, as they are written. Empty ones are left out."""
    if "\n" not in text:
        fields = text.split(",")
    else:
        fields = []
        # `str.splitlines()` also breaks at characters such as U+2028, which may well occur in a description.
        for line in text.splitlines() if "\r" in text else text.split("\n"):
            definitions, colon, description = line.partition(":")
            *before, last = definitions.split(",")
            fields += [*before, last + colon + description]
    return [field.strip() for field in fields if field.strip()]


def _name_and_type(field: str, definition: str) -> tuple[str, dict[str, str]]:
    names = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
    types = {name: {"type": kind} for name, kind in names.items()}
    types |= {"date": {"type": "string", "format": "date"}, "datetime": {"type": "string", "format": "date-time"}}
    words = definition.split()
    if not words:
        raise ValueError(f"The schema field {field!r} has no name before its colon.")
    name, kind = words[0], words[1] if len(words) > 1 else "str"
    if kind not in types:
        raise ValueError(
            f"The schema field {name!r} has the unknown type {kind!r}; use str, int, float, bool, date or datetime."
        )
    return name, types[kind]
