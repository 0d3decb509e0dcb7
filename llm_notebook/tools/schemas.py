"""JSON Schemas: of a function's arguments, of a pydantic class, and of the concise syntax `name, age int: in years`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from llm_notebook.tools.arguments import validated_arguments
from llm_notebook.tools.signatures import read_signature

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["function_schema", "multi_schema", "schema_dsl", "schema_of", "validated_arguments"]


def function_schema(function: Callable[..., Any], name: str | None = None) -> dict[str, Any]:
    """JSON Schema of the arguments that a model may give a function.

    Type hints become types, an argument without one is a string, defaults make arguments optional. `Annotated[int,
    Field(description="…")]` describes an argument. `llm_tool_call`, `*args` and what a `functools.partial` has bound are left out;
    `**kwargs` allows further properties.

    Args:
        function: a function, coroutine function, bound method, `functools.partial` or object with `__call__`.
        name: what error messages call it, its own name unless given.

    Raises:
        ValueError: the signature cannot be read, or an argument without a default has a type that JSON cannot hold.
    """
    return read_signature(function, name or str(getattr(function, "__name__", type(function).__name__))).schema


def schema_dsl(text: str, multi: bool = False) -> dict[str, Any]:
    """JSON Schema from the concise syntax of the `llm` command.

    `name, age int: in years, bio: one sentence` gives an object of three required properties. A field is a name, then `str`
    (unless given), `int`, `float` or `bool`, then a colon and a description. Fields are separated by commas, or stand on lines of
    their own; there a description may contain commas.

    Args:
        text: the fields.
        multi: describe a list of such objects, under the key `items`.

    Raises:
        ValueError: a field has no name or an unknown type, a name stands twice, or there are no fields.
    """
    properties: dict[str, dict[str, str]] = {}
    for field in _fields(text):
        definition, _, description = (part.strip() for part in field.partition(":"))
        name, kind = _name_and_type(field, definition)
        if name in properties:
            raise ValueError(f"The schema names the field {name!r} twice.")
        properties[name] = {"type": kind} | ({"description": description} if description else {})
    if not properties:
        raise ValueError("The schema has no fields; write them as in 'name, age int: in years'.")
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return multi_schema(schema) if multi else schema


def multi_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of an object whose `items` are a list of what `schema` describes."""
    item = dict(schema)
    # References inside start at the root of the document, so that what they refer to has to be there.
    shared: dict[str, Any] = {key: item.pop(key) for key in ("$schema", "$defs", "definitions") if key in item}
    properties = {"items": {"type": "array", "items": item}}
    return {**shared, "type": "object", "properties": properties, "required": ["items"]}


def schema_of(source: dict[str, Any] | str | type[Any]) -> dict[str, Any]:
    """The JSON Schema that something stands for.

    Args:
        source: a schema; a pydantic class, dataclass or TypedDict; JSON text; or fields in the syntax of `schema_dsl()`.

    Raises:
        ValueError: the text is neither JSON of an object nor a list of fields.
        TypeError: it is none of these.
    """
    if isinstance(source, dict):
        return source
    if isinstance(source, str):
        return _json_object(source) if source.lstrip().startswith("{") else schema_dsl(source)
    if isinstance(source, type):
        from pydantic import TypeAdapter  # pydantic is slow to import

        schema: dict[str, Any] = TypeAdapter(source).json_schema()
        return schema
    raise TypeError(f"A schema is a dict, a pydantic class or text such as 'name, age int', not {source!r}.")


def _json_object(text: str) -> dict[str, Any]:
    import json  # only for schemas given as JSON text

    try:
        schema = json.loads(text)
    except ValueError as error:
        raise ValueError(f"The schema is not valid JSON: {error}.") from None
    assert isinstance(schema, dict)
    return schema


def _fields(text: str) -> list[str]:
    """The fields of the concise syntax, each as written; empty ones are left out."""
    if "\n" not in text:
        fields = text.split(",")
    else:
        fields = []
        for line in text.splitlines() if "\r" in text else text.split("\n"):
            definitions, colon, description = line.partition(":")
            *before, last = definitions.split(",")
            fields += [*before, last + colon + description]
    return [field.strip() for field in fields if field.strip()]


def _name_and_type(field: str, definition: str) -> tuple[str, str]:
    types = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}
    words = definition.split()
    if not words:
        raise ValueError(f"The schema field {field!r} has no name before its colon.")
    name, kind = words[0], words[1] if len(words) > 1 else "str"
    if kind not in types:
        raise ValueError(f"The schema field {name!r} has the unknown type {kind!r}; use str, int, float or bool.")
    return name, types[kind]
