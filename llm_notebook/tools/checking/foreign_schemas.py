"""The check of arguments by a JSON Schema that comes with a tool, such as one of an MCP server.

jsonschema only reports errors, so its errors serve as the list of what to convert: each value of the wrong type that spells a value of the
right type is replaced, and the check is repeated until nothing changes any more. The errors that are left are real.

The schema is written by the author of the server. Python's regular expressions can take forever on a pattern such as `^(a+)+$`, and no other
thread runs meanwhile. So patterns are matched by pydantic's engine, which takes time linear in the length of the text. A pattern that this
engine does not support, such as a look-ahead, is left to the server, which checks its arguments anyway.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, Protocol

from llm_notebook.tools.checking.complaints import alternatives, argument_error, path_text, short, unknown
from llm_notebook.tools.checking.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["check_by_schema", "read_json_text"]

# A coercion can bring up errors that were not reported before, for instance inside an anyOf. This many rounds are enough for any sane schema.
_MOST_ROUNDS = 10
_KINDS_OF_JSON_SCHEMA = {
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


class _SchemaFault(Protocol):
    """The parts of a `jsonschema.ValidationError` that are used here. The jsonschema package has no type hints."""

    message: str
    validator: str
    validator_value: Any
    instance: Any
    schema: Mapping[str, Any]
    context: Sequence[_SchemaFault]

    @property
    def absolute_path(self) -> Iterable[str | int]: ...

    @property
    def relative_path(self) -> Sequence[str | int]: ...


def check_by_schema(tool_name: str, schema: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Return arguments converted to the types that a JSON Schema asks for.

    Raises:
        ToolArgumentError: they do not fit, or the schema is not a valid one.
    """
    from jsonschema import SchemaError  # only tools that come with a schema of their own need it
    from jsonschema.validators import Draft202012Validator, validator_for  # the same
    from referencing import Registry  # the same
    from referencing.exceptions import Unresolvable  # the same

    checker = validator_for(schema, default=Draft202012Validator)
    try:
        # Formats are not checked, since that would refuse patterns that are valid only in other languages.
        checker.check_schema(schema, format_checker=None)
        # The registry is empty, so that a reference to another document is an error and is not fetched.
        validator = _in_linear_time(checker)(schema, registry=Registry())
        coerced: dict[str, Any] = json.loads(json.dumps(arguments))
        faults: list[_SchemaFault] = list(validator.iter_errors(coerced))
        for _ in range(_MOST_ROUNDS):
            # Every fault is tried, so that one round coerces as much as it can.
            if sum(_coerce(coerced, fault) for fault in faults) == 0:
                break
            faults = list(validator.iter_errors(coerced))
    except (SchemaError, Unresolvable, RecursionError) as error:
        reason = getattr(error, "message", None) or str(error)
        complaint = f"the input schema of {tool_name} is not usable, so it cannot be called: {reason}"
        raise argument_error(tool_name, [complaint], arguments) from None
    if faults:
        complaints = [complaint for fault in faults for complaint in _schema_complaints(fault, tool_name)]
        raise argument_error(tool_name, list(dict.fromkeys(complaints)), arguments)
    return coerced


def _schema_complaints(fault: _SchemaFault, tool_name: str) -> list[str]:
    """Return one of jsonschema's errors in the wording that is used for functions."""
    path, value = list(fault.absolute_path), fault.instance
    if fault.validator == "required":
        return [
            f"{path_text([*path, name])}: required, but missing" for name in fault.validator_value if name not in value
        ]
    if fault.validator == "additionalProperties" and fault.validator_value is False and not path:
        known = fault.schema.get("properties", {})
        return unknown([name for name in value if name not in known], known, tool_name)
    if types := _types_wanted(fault):
        kinds = alternatives(_KINDS_OF_JSON_SCHEMA.get(kind, kind) for kind in types)
        return [f"{path_text(path)}: expected {kinds}, got {short(value)}"]
    if fault.validator == "enum":
        return [f"{path_text(path)}: expected {alternatives(map(short, fault.validator_value))}, got {short(value)}"]
    # Some of jsonschema's messages quote the whole schema.
    message = fault.message if len(fault.message) < 200 else f"does not fit {fault.validator}"
    return [f"{path_text(path)}: {message}"]


def _types_wanted(fault: _SchemaFault) -> list[str]:
    """Return the JSON types that the schema allows instead of the value's own; empty if the error is not about the type."""
    if fault.validator == "type":
        return [fault.validator_value] if isinstance(fault.validator_value, str) else list(fault.validator_value)
    if fault.validator in ("anyOf", "oneOf") and fault.context:
        at_value = [inner for inner in fault.context if not inner.relative_path]
        if len(at_value) == len(fault.context) and all(inner.validator == "type" for inner in at_value):
            return [kind for inner in at_value for kind in _types_wanted(inner)]
    return []


def _coerce(arguments: dict[str, Any], fault: _SchemaFault) -> bool:
    """Convert the faulty value in place if nothing is lost by it. Return whether that was possible."""
    path = list(fault.absolute_path)
    if not path:
        return False
    holder: Any = arguments
    for step in path[:-1]:
        holder = holder[step]
    if fault.instance is None and fault.schema.get("default", ...) is None and isinstance(holder, dict):
        # The default is null, and leaving the value out asks for it.
        return holder.pop(path[-1], ...) is not ...
    for kind in _types_wanted(fault):
        value = _as_type(kind, fault.instance)
        if value is not None:
            holder[path[-1]] = value
            return True
    return False


def _as_type(kind: str, value: object) -> int | float | bool | str | list[Any] | dict[str, Any] | None:
    """Return the value as the JSON type `kind`, or None if it does not spell one."""
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return None
    if kind in ("array", "object"):
        return read_json_text(value, list if kind == "array" else dict)
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.strip().lower())
    if kind not in ("integer", "number"):
        return None
    try:
        # JSON's rules, not Python's: int() would take "1_000" and "٣". NaN and Infinity become None.
        number = json.loads(value, parse_constant=lambda _: None)
    except ValueError:
        return None
    allowed = int if kind == "integer" else int | float
    return number if isinstance(number, allowed) and not isinstance(number, bool) else None


def read_json_text(text: str, kind: type[list[Any] | dict[str, Any]]) -> list[Any] | dict[str, Any] | None:
    """Return the list or object that a text spells as JSON; None if it spells none. Models often write such text instead of the value."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, kind) else None


@functools.lru_cache(maxsize=8)
def _in_linear_time(checker: Any) -> Any:
    """Return a jsonschema validator class that matches patterns in linear time."""
    from jsonschema.validators import extend  # only tools that come with a schema of their own need it

    unevaluated = checker.VALIDATORS.get("unevaluatedProperties")

    def unevaluated_properties(
        validator: Any, keyword: object, instance: object, schema: Mapping[str, Any]
    ) -> Iterator[_SchemaFault]:
        # jsonschema itself matches patterns here to find out which properties are evaluated.
        if unevaluated is not None and '"patternProperties"' not in json.dumps(validator.schema, default=repr):
            yield from unevaluated(validator, keyword, instance, schema)

    keywords = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    if unevaluated is not None:
        keywords["unevaluatedProperties"] = unevaluated_properties
    return extend(checker, keywords)


def _pattern(_validator: object, pattern: object, instance: object, _schema: Mapping[str, Any]) -> Iterator[object]:
    from jsonschema import ValidationError  # only tools that come with a schema of their own need it

    if isinstance(instance, str) and not matches(pattern, instance):
        yield ValidationError(f"{short(instance)} does not match {short(pattern)}")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: object, _schema: Mapping[str, Any]
) -> Iterator[object]:
    if isinstance(instance, dict):
        for pattern, expected in patterns.items():
            for name in [name for name in instance if matches(pattern, name)]:
                yield from validator.descend(instance[name], expected, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, expected: object, instance: object, schema: Mapping[str, Any]
) -> Iterator[object]:
    from jsonschema import ValidationError  # only tools that come with a schema of their own need it

    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    further = [name for name in instance if name not in known and not any(matches(one, name) for one in patterns)]
    if isinstance(expected, dict):
        for name in further:
            yield from validator.descend(instance[name], expected, path=name)
    elif not expected and further:
        yield ValidationError(f"there is no {alternatives(map(short, further))}")
