"""The check of a tool call's arguments before the tool runs, with errors that tell the model what to write instead."""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import ToolArgumentError
from llm_notebook.tools.signatures import read_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llm_notebook.tools.signatures import ToolSignature

__all__ = ["checked_by_schema", "checked_by_signature", "validated_arguments"]

_MOST_ERRORS = 10
_MOST_COERCIONS = 10


def validated_arguments(
    tool_name: str, function: Callable[..., Any] | None, schema: dict[str, Any] | None, arguments: Any
) -> dict[str, Any]:
    """Check a tool call's arguments and give them the types that are asked for.

    A function's arguments are checked by its annotations: pydantic models, dataclasses, enums and dates arrive as such. A schema that says
    something other than the function's own is checked as well, and first. Without loss, text becomes the number or boolean that it
    spells and a number becomes text; everything else of a wrong type is an error. Arguments without an annotation are not checked.

    Args:
        tool_name: the tool, for error messages.
        function: what will be called; None for a tool that is only described.
        schema: JSON Schema of the arguments; None to go by the function alone.
        arguments: what the model wrote, as parsed from JSON. It is not changed.

    Returns:
        Keyword arguments for the function: those that were given.

    Raises:
        ToolArgumentError: an argument is missing, unknown or of a wrong type, and the message names every such argument; or the
            schema is no JSON Schema.
        ValueError: the function's signature cannot be read.
    """
    signature = read_signature(function, tool_name) if function is not None else None
    if schema is not None and (signature is None or signature.schema != schema):
        arguments = checked_by_schema(tool_name, schema, arguments)
    return arguments if signature is None else checked_by_signature(tool_name, signature, arguments)


def checked_by_signature(tool_name: str, signature: ToolSignature, arguments: Any) -> dict[str, Any]:
    """`validated_arguments()` by a function's annotations alone."""
    from pydantic import ValidationError  # pydantic is slow to import

    _must_be_object(tool_name, arguments)
    surplus = [key for key in arguments if key not in signature.parameters]
    refused = [key for key in surplus if not signature.takes_extra or key in signature.hidden]
    complaints = _unknown(refused, signature.parameters, tool_name)
    try:
        validated = signature.model.model_validate(arguments)
    except ValidationError as error:
        complaints = _pydantic_complaints(error, arguments) + complaints
    if complaints:
        raise _error(tool_name, complaints, arguments)
    return signature.arguments_of(validated)


def checked_by_schema(tool_name: str, schema: dict[str, Any], arguments: Any) -> dict[str, Any]:
    """`validated_arguments()` by a JSON Schema alone. References that lead out of the schema are not followed."""
    from jsonschema import SchemaError  # only tools that come with a schema of their own need it
    from jsonschema.validators import Draft202012Validator, validator_for  # the same
    from referencing import Registry  # the same
    from referencing.exceptions import Unresolvable  # the same

    _must_be_object(tool_name, arguments)
    checker = validator_for(schema, default=Draft202012Validator)
    try:
        checker.check_schema(schema)
        validator = checker(schema, registry=Registry())
        coerced = json.loads(json.dumps(arguments))
        errors = list(validator.iter_errors(coerced))
        for _ in range(_MOST_COERCIONS):
            if sum(_coerce(coerced, error) for error in errors) == 0:
                break
            errors = list(validator.iter_errors(coerced))
    except (SchemaError, Unresolvable) as error:
        reason = getattr(error, "message", None) or str(error)
        complaint = f"the input schema of {tool_name} is not usable, so it cannot be called: {reason}"
        raise _error(tool_name, [complaint], arguments) from None
    if errors:
        complaints = [complaint for error in errors for complaint in _schema_complaints(error, tool_name)]
        raise _error(tool_name, list(dict.fromkeys(complaints)), arguments)
    return dict(coerced)


def _must_be_object(tool_name: str, arguments: Any) -> None:
    if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
        raise _error(tool_name, [f"expected a JSON object of named arguments, got {_short(arguments)}"], arguments)


def _error(tool_name: str, complaints: list[str], arguments: Any) -> ToolArgumentError:
    more = len(complaints) - _MOST_ERRORS
    text = "; ".join(complaints[:_MOST_ERRORS]) + (f"; and {more} more" if more > 0 else "")
    return ToolArgumentError(text, tool_name=tool_name, raw=json.dumps(arguments, ensure_ascii=False, default=repr))


def _unknown(names: Sequence[str], known: Iterable[str], tool_name: str) -> list[str]:
    takes = ", ".join(known) or "no arguments"
    return [f"{_short(name).strip(chr(39))}: unknown argument, {tool_name} takes {takes}" for name in names]


def _short(value: Any) -> str:
    """The value as Python writes it, cut to what fits in a sentence."""
    writer = reprlib.Repr()
    writer.maxstring = writer.maxother = 80
    return writer.repr(value)


def _path(steps: Iterable[str | int]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "arguments"


def _joined(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words))


def _wrong_types(wanted: Mapping[tuple[str, str], list[str]]) -> list[str]:
    return [f"{path}: expected {_joined(kinds)}, got {value}" for (path, value), kinds in wanted.items()]


def _pydantic_complaints(error: Any, arguments: dict[str, Any]) -> list[str]:
    wanted: dict[tuple[str, str], list[str]] = {}
    others: list[str] = []
    for detail in error.errors(include_url=False):
        path = _path(_steps_taken(detail["loc"], arguments))
        if detail["type"] == "missing":
            others.append(
                f"{_path([*_steps_taken(detail['loc'][:-1], arguments), detail['loc'][-1]])}: required, but missing"
            )
        elif expected := _expected(detail):
            wanted.setdefault((path, _short(detail["input"])), []).append(expected)
        else:
            message = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")
            others.append(f"{path}: {message}, got {_short(detail['input'])}")
    return [*_wrong_types(wanted), *dict.fromkeys(others)]


def _steps_taken(location: Iterable[str | int], value: Any) -> list[str | int]:
    """A pydantic location without the steps that name a member of a union and are not in the arguments."""
    steps: list[str | int] = []
    for step in location:
        inside = (isinstance(value, dict) and step in value) or (
            isinstance(value, list) and isinstance(step, int) and step < len(value)
        )
        if inside:
            steps.append(step)
            value = value[step]
    return steps


def _expected(detail: Any) -> str | None:
    """What should have stood where pydantic found something else, or None where it is not a matter of type."""
    kind, message = str(detail["type"]), str(detail["msg"])
    by_prefix = {
        "int": "an integer",
        "float": "a number",
        "decimal": "a number",
        "bool": "true or false",
        "list": "a list",
        "tuple": "a list",
        "set": "a list",
        "dict": "an object",
        "model": "an object",
        "dataclass": "an object",
    }
    if kind == "finite_number":
        return "a finite number"
    if kind in ("string_type", "string_sub_type"):
        return "a string"
    if kind == "none_required":
        return "null"
    if (
        kind.endswith(("_type", "_parsing", "_parsing_size", "_from_float"))
        and (prefix := kind.partition("_")[0]) in by_prefix
    ):
        return by_prefix[prefix]
    if message.startswith("Input should be "):
        return message.removeprefix("Input should be ").replace("'", '"')
    return None


def _schema_complaints(error: Any, tool_name: str) -> list[str]:
    """What one of jsonschema's errors says, in the words that are used for functions."""
    path, value = list(error.absolute_path), error.instance
    if error.validator == "required":
        return [f"{_path([*path, name])}: required, but missing" for name in error.validator_value if name not in value]
    if error.validator == "additionalProperties" and error.validator_value is False and not path:
        known = error.schema.get("properties", {})
        return _unknown([name for name in value if name not in known], known, tool_name)
    if types := _types_asked_for(error):
        kinds = {
            "integer": "an integer",
            "number": "a number",
            "string": "a string",
            "boolean": "true or false",
            "array": "a list",
            "object": "an object",
        }
        return [f"{_path(path)}: expected {_joined(kinds.get(kind, kind) for kind in types)}, got {_short(value)}"]
    if error.validator == "enum":
        return [f"{_path(path)}: expected {_joined(map(_short, error.validator_value))}, got {_short(value)}"]
    message = str(error.message)
    return [f"{_path(path)}: {message if len(message) < 200 else f'does not fit {error.validator}'}"]


def _types_asked_for(error: Any) -> list[str]:
    """JSON types of which the value has none; empty where the error is not one of type."""
    if error.validator == "type":
        return [error.validator_value] if isinstance(error.validator_value, str) else list(error.validator_value)
    if error.validator in ("anyOf", "oneOf") and error.context:
        at_value = [inner for inner in error.context if not inner.relative_path]
        if len(at_value) == len(error.context) and all(inner.validator == "type" for inner in at_value):
            return [kind for inner in at_value for kind in _types_asked_for(inner)]
    return []


def _coerce(arguments: Any, error: Any) -> bool:
    """Give a value the type that was asked for, in place, if nothing is lost by it; tell whether that was done."""
    path = list(error.absolute_path)
    if not path:
        return False
    for kind in _types_asked_for(error):
        value = _as_type(kind, error.instance)
        if value is not None:
            holder = arguments
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
            return True
    return False


def _as_type(kind: str, value: Any) -> int | float | bool | str | None:
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return None
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.strip().lower())
    if kind not in ("integer", "number"):
        return None
    try:
        number = json.loads(value, parse_constant=lambda _: None)
    except ValueError:
        return None
    allowed = int if kind == "integer" else int | float
    return number if isinstance(number, allowed) and not isinstance(number, bool) else None
