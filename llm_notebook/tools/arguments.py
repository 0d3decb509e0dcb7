"""The check of a tool call's arguments before the tool runs, with errors that tell the model what to write instead.

There are two checkers. The arguments of a function are checked by its annotations: `signatures.py` makes a pydantic class of them, and the
values that pass arrive as what the annotations name (dataclasses, enums, dates). A tool that comes with a JSON Schema of its own, such
as one of an MCP server, is checked by jsonschema. A Tool may have both, a function and another schema than the function's; then the schema is
checked first, and the function's annotations after it.

Models often write "5" for 5, so values are coerced where nothing is lost by it. pydantic does that itself. jsonschema only reports
errors, so its errors serve as the list of what to convert: each value of a wrong type that spells a value of the right type is replaced, and
the check is repeated until nothing more changes. What is left is a real error.

The reader of an error message is a model that will try again. So both checkers complain about everything at once, and in the same words:
`path: expected an integer, got 'many'`.
"""

from __future__ import annotations

import json
import reprlib
from typing import TYPE_CHECKING, Any, Protocol

from llm_notebook.errors import ToolArgumentError
from llm_notebook.tools.freezing import written_back

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails, ValidationError

    from llm_notebook.tools.signatures import ToolSignature

__all__ = ["json_arguments", "validate_arguments"]

_MOST_ERRORS = 10
# A coercion can bring up errors that were not reported before, inside an anyOf for one. So many rounds are enough for any sane schema.
_MOST_ROUNDS = 10

_KINDS_OF_PYDANTIC = {
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
_KINDS_OF_JSON_SCHEMA = {
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}


class _SchemaFault(Protocol):
    """The parts of a `jsonschema.ValidationError` that are used here. That package has no types of its own."""

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


def validate_arguments(
    tool_name: str, signature: ToolSignature | None, schema: dict[str, Any], arguments: object
) -> dict[str, Any]:
    """Check the arguments of a tool call and convert them to the types that are asked for.

    Text becomes the number or boolean that it spells, and a number becomes text, where nothing is lost by it. Every other value of a wrong
    type is an error. Arguments without an annotation are not checked.

    Args:
        tool_name: the tool's name, for error messages.
        signature: the signature of the function that will be called; None for a tool that is only described.
        schema: the tool's JSON Schema. It is checked as well if it is not the one that was made from the function.
        arguments: what the model wrote, parsed from JSON. It is not changed.

    Returns:
        Keyword arguments for the function. Arguments that the model did not give are left out.

    Raises:
        ToolArgumentError: an argument is missing, unknown or of a wrong type, and the message names every such argument; or the
            schema is not a valid JSON Schema.
    """
    given = _require_object(tool_name, arguments)
    if signature is None or signature.schema != schema:
        given = _check_by_schema(tool_name, schema, given)
    return given if signature is None else _check_by_signature(tool_name, signature, given)


def json_arguments(
    tool_name: str, signature: ToolSignature | None, schema: dict[str, Any], arguments: object
) -> dict[str, Any]:
    """Do what `validate_arguments()` does, and return the arguments as JSON values instead.

    Checked again, they give the function the same arguments.
    """
    given = _require_object(tool_name, arguments)
    if signature is None or signature.schema != schema:
        given = _check_by_schema(tool_name, schema, given)
    if signature is None:
        return given
    return written_back(signature, given, _validated(tool_name, signature, given))


def _check_by_signature(tool_name: str, signature: ToolSignature, arguments: dict[str, Any]) -> dict[str, Any]:
    return signature.arguments_of(_validated(tool_name, signature, arguments))


def _validated(tool_name: str, signature: ToolSignature, arguments: dict[str, Any]) -> BaseModel:
    from pydantic import ValidationError  # pydantic is slow to import

    surplus = [key for key in arguments if key not in signature.parameters]
    refused = [key for key in surplus if not signature.takes_extra or key in signature.hidden]
    complaints = _unknown(refused, signature.parameters, tool_name)
    try:
        validated = signature.model.model_validate(arguments)
    except ValidationError as error:
        complaints = _pydantic_complaints(error, arguments) + complaints
    if complaints:
        raise _error(tool_name, complaints, arguments)
    return validated


def _check_by_schema(tool_name: str, schema: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    from jsonschema import SchemaError  # only tools that come with a schema of their own need it
    from jsonschema.validators import Draft202012Validator, validator_for  # the same
    from referencing import Registry  # the same
    from referencing.exceptions import Unresolvable  # the same

    checker = validator_for(schema, default=Draft202012Validator)
    try:
        checker.check_schema(schema)
        # An empty registry, so that a reference that leads out of the schema is an error and is not fetched.
        validator = checker(schema, registry=Registry())
        coerced: dict[str, Any] = json.loads(json.dumps(arguments))
        faults: list[_SchemaFault] = list(validator.iter_errors(coerced))
        for _ in range(_MOST_ROUNDS):
            # Every fault has its turn, so that one round coerces as much as it can.
            if sum(_coerce(coerced, fault) for fault in faults) == 0:
                break
            faults = list(validator.iter_errors(coerced))
    except (SchemaError, Unresolvable) as error:
        reason = getattr(error, "message", None) or str(error)
        complaint = f"the input schema of {tool_name} is not usable, so it cannot be called: {reason}"
        raise _error(tool_name, [complaint], arguments) from None
    if faults:
        complaints = [complaint for fault in faults for complaint in _schema_complaints(fault, tool_name)]
        raise _error(tool_name, list(dict.fromkeys(complaints)), arguments)
    return coerced


def _require_object(tool_name: str, arguments: object) -> dict[str, Any]:
    """Return the arguments unchanged, known to be a JSON object, or raise."""
    if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
        raise _error(tool_name, [f"expected a JSON object of named arguments, got {_short(arguments)}"], arguments)
    return arguments


def _error(tool_name: str, complaints: list[str], arguments: object) -> ToolArgumentError:
    more = len(complaints) - _MOST_ERRORS
    text = "; ".join(complaints[:_MOST_ERRORS]) + (f"; and {more} more" if more > 0 else "")
    return ToolArgumentError(text, tool_name=tool_name, raw=json.dumps(arguments, ensure_ascii=False, default=repr))


def _unknown(names: Sequence[str], known: Iterable[str], tool_name: str) -> list[str]:
    takes = ", ".join(known) or "no arguments"
    return [f"{_short(name).strip(chr(39))}: unknown argument, {tool_name} takes {takes}" for name in names]


def _short(value: object) -> str:
    """Return the value as Python writes it, cut to a length that fits in a sentence."""
    writer = reprlib.Repr()
    writer.maxstring = writer.maxother = 80
    return writer.repr(value)


def _path(steps: Iterable[str | int]) -> str:
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "arguments"


def _alternatives(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(words))


def _pydantic_complaints(error: ValidationError, arguments: dict[str, Any]) -> list[str]:
    # pydantic reports every member of a union by itself. They are gathered by place and value into one "expected … or …".
    wanted: dict[tuple[str, str], list[str]] = {}
    others: list[str] = []
    for detail in error.errors(include_url=False):
        steps = _steps_in(detail["loc"], arguments)
        if detail["type"] == "missing":
            steps = [*_steps_in(detail["loc"][:-1], arguments), detail["loc"][-1]]
            others.append(f"{_path(steps)}: required, but missing")
        elif expected := _expected(detail):
            wanted.setdefault((_path(steps), _short(detail["input"])), []).append(expected)
        else:
            message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            others.append(f"{_path(steps)}: {message}, got {_short(detail['input'])}")
    wrong = [f"{path}: expected {_alternatives(kinds)}, got {value}" for (path, value), kinds in wanted.items()]
    return [*wrong, *dict.fromkeys(others)]


def _steps_in(location: Iterable[str | int], value: object) -> list[str | int]:
    """Return a pydantic location without the steps that name a member of a union, which the model did not write."""
    steps: list[str | int] = []
    for step in location:
        children: dict[object, object] = (
            value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
        )
        if step in children:
            steps.append(step)
            value = children[step]
    return steps


def _expected(detail: ErrorDetails) -> str | None:
    """Return what pydantic expected instead of what it found, or None if the error is not one of type."""
    kind, message = detail["type"], detail["msg"]
    if kind == "finite_number":
        return "a finite number"
    if kind in ("string_type", "string_sub_type"):
        return "a string"
    if kind == "none_required":
        return "null"
    prefix = kind.partition("_")[0]
    if kind.endswith(("_type", "_parsing", "_parsing_size", "_from_float")) and prefix in _KINDS_OF_PYDANTIC:
        return _KINDS_OF_PYDANTIC[prefix]
    if message.startswith("Input should be "):
        return message.removeprefix("Input should be ").replace("'", '"')
    return None


def _schema_complaints(fault: _SchemaFault, tool_name: str) -> list[str]:
    """Return one of jsonschema's errors in the words that are used for functions."""
    path, value = list(fault.absolute_path), fault.instance
    if fault.validator == "required":
        return [f"{_path([*path, name])}: required, but missing" for name in fault.validator_value if name not in value]
    if fault.validator == "additionalProperties" and fault.validator_value is False and not path:
        known = fault.schema.get("properties", {})
        return _unknown([name for name in value if name not in known], known, tool_name)
    if types := _types_wanted(fault):
        kinds = _alternatives(_KINDS_OF_JSON_SCHEMA.get(kind, kind) for kind in types)
        return [f"{_path(path)}: expected {kinds}, got {_short(value)}"]
    if fault.validator == "enum":
        return [f"{_path(path)}: expected {_alternatives(map(_short, fault.validator_value))}, got {_short(value)}"]
    # Some of jsonschema's messages quote the whole schema.
    message = fault.message if len(fault.message) < 200 else f"does not fit {fault.validator}"
    return [f"{_path(path)}: {message}"]


def _types_wanted(fault: _SchemaFault) -> list[str]:
    """Return the JSON types that the schema allows and the value has none of; empty if the error is not one of type."""
    if fault.validator == "type":
        return [fault.validator_value] if isinstance(fault.validator_value, str) else list(fault.validator_value)
    if fault.validator in ("anyOf", "oneOf") and fault.context:
        at_value = [inner for inner in fault.context if not inner.relative_path]
        if len(at_value) == len(fault.context) and all(inner.validator == "type" for inner in at_value):
            return [kind for inner in at_value for kind in _types_wanted(inner)]
    return []


def _coerce(arguments: dict[str, Any], fault: _SchemaFault) -> bool:
    """Convert the value at fault in place if nothing is lost by it. Return whether that was possible."""
    path = list(fault.absolute_path)
    if not path:
        return False
    for kind in _types_wanted(fault):
        value = _as_type(kind, fault.instance)
        if value is not None:
            holder: Any = arguments
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = value
            return True
    return False


def _as_type(kind: str, value: object) -> int | float | bool | str | None:
    """Return the value as the JSON type `kind`, or None if it does not spell one."""
    if kind == "string" and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        return None
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
