"""The check of a tool call's arguments before the tool runs, with errors that tell the model what to write instead.

There are two checkers. The arguments of a function are checked by its annotations: `signatures.py` makes a pydantic class of them, and values
that pass reach the function as the types that the annotations name (dataclasses, enums, dates). The arguments of a tool that comes with its
own JSON Schema, such as one of an MCP server, are checked by jsonschema. If a Tool has both a function and a schema that was not made from
it, the schema is checked first and the function's annotations second.

Models often write "5" for 5, so values are coerced where nothing is lost by it. pydantic does that itself, except for two cases that are handled
here: null for a parameter that is None by default means that default, and JSON text is parsed where a list or an object, but no text, is wanted.

The reader of an error message is a model that will try again. So both checkers complain about everything at once, and in the same words:
`path: expected an integer, got 'many'`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from llm_notebook.parts.messages import RAW_ARGUMENTS
from llm_notebook.tools.checking.complaints import alternatives, argument_error, path_text, short, unknown
from llm_notebook.tools.checking.foreign_schemas import check_by_schema, read_json_text
from llm_notebook.tools.checking.freezing import written_back
from llm_notebook.tools.checking.written import require_parsed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails, ValidationError

    from llm_notebook.tools.signatures import ToolSignature

__all__ = ["json_arguments", "validate_arguments"]

# A value that was parsed from JSON text may contain such text again. This many rounds are enough for any sane value.
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
_CONTAINERS: tuple[type[list[Any] | dict[str, Any]], ...] = (list, dict)
# pydantic's names for "this is not a list" and "this is not an object".
_KINDS_OF_JSON_TEXT: Mapping[str, type[list[Any] | dict[str, Any]]] = MappingProxyType(
    {
        **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type", "sequence_str"), list),
        **dict.fromkeys(
            (
                "dict_type",
                "mapping_type",
                "model_type",
                "model_attributes_type",
                "dataclass_type",
                "dataclass_exact_type",
            ),
            dict,
        ),
    }
)
# If a value of one of these types would do as well, the text was still not meant as text.
_NO_TEXT = ("int_", "float_", "bool_", "decimal_", "none_")


def validate_arguments(
    tool_name: str, signature: ToolSignature | None, schema: dict[str, Any], arguments: object
) -> dict[str, Any]:
    """Check the arguments of a tool call and convert them to the types that the tool asks for.

    Text becomes the number, boolean, list or object that it spells, and a number becomes text, where nothing is lost by it. Null for a
    parameter that is None by default means the default. Any other value of the wrong type is an error. Arguments without an annotation are not
    checked.

    Args:
        tool_name: the tool's name, for error messages.
        signature: the signature of the function that will be called; None for a tool that is only described.
        schema: the tool's JSON Schema. It is checked as well if it is not the one that was made from the function.
        arguments: what the model wrote, parsed from JSON. It is not changed.

    Returns:
        Keyword arguments for the function. Arguments that the model did not give are left out.

    Raises:
        ToolArgumentError: an argument is missing, unknown or of the wrong type, and the message names every such argument; or the
            schema is not a valid JSON Schema.
    """
    given = _require_object(tool_name, arguments)
    if signature is None or signature.schema != schema:
        given = check_by_schema(tool_name, schema, given)
    return given if signature is None else _check_by_signature(tool_name, signature, given)


def json_arguments(
    tool_name: str, signature: ToolSignature | None, schema: dict[str, Any], arguments: object
) -> dict[str, Any]:
    """Do what `validate_arguments()` does, and return the arguments as JSON values instead.

    Checked again, they give the function the same arguments.
    """
    given = _require_object(tool_name, arguments)
    if signature is None or signature.schema != schema:
        given = check_by_schema(tool_name, schema, given)
    if signature is None:
        return given
    validated, read = _validated(tool_name, signature, given)
    written = written_back(signature, read, validated)
    return dict.fromkeys(given) | written


def _check_by_signature(tool_name: str, signature: ToolSignature, arguments: dict[str, Any]) -> dict[str, Any]:
    validated, read = _validated(tool_name, signature, arguments)
    ignored = {name: None for name in arguments if name not in read}
    return signature.arguments_of(validated) | ignored


def _validated(tool_name: str, signature: ToolSignature, arguments: dict[str, Any]) -> tuple[BaseModel, dict[str, Any]]:
    """Return (the checked arguments, the arguments that were checked). In the latter, null for a default is left out and JSON text is parsed."""
    from pydantic import ValidationError  # pydantic is slow to import

    surplus = [key for key in arguments if key not in signature.parameters]
    refused = [key for key in surplus if not signature.takes_extra or key in signature.hidden]
    complaints = unknown(refused, signature.parameters, tool_name) if refused else []
    optional = signature.null_by_default
    read = {name: value for name, value in arguments.items() if value is not None or name not in optional}
    for left in reversed(range(_MOST_ROUNDS)):
        try:
            validated = signature.model.model_validate(read)
        except ValidationError as error:
            more = _with_json_read(error, read) if left else None
            if more is not None:
                read = more
                continue
            complaints = _pydantic_complaints(error, read) + complaints
        break
    if complaints:
        raise argument_error(tool_name, complaints, arguments)
    return validated, read


def _with_json_read(error: ValidationError, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Return the arguments with JSON text replaced by the lists and objects that it spells; None if there is no such text.

    Text is kept wherever it may have been meant as text.
    """
    wanted: dict[tuple[str | int, ...], tuple[str, set[str]]] = {}
    for detail in error.errors(include_url=False, include_context=False):
        if isinstance(detail["input"], str):
            steps = tuple(_steps_in(detail["loc"], arguments))
            wanted.setdefault(steps, (detail["input"], set()))[1].add(detail["type"])
    read: dict[str, Any] = arguments
    for steps, (text, kinds) in wanted.items():
        if steps and all(kind in _KINDS_OF_JSON_TEXT or kind.startswith(_NO_TEXT) for kind in kinds):
            for kind in _CONTAINERS:
                is_wanted = any(_KINDS_OF_JSON_TEXT.get(one) is kind for one in kinds)
                value = read_json_text(text, kind) if is_wanted else None
                if value is not None:
                    read = _replaced(read, steps, value)
                    break
    return None if read is arguments else read


def _replaced(holder: Any, steps: tuple[str | int, ...], value: object) -> Any:
    """Return a copy of nested dicts and lists with one value replaced. Only the path to that value is copied; the rest is shared."""
    if not steps:
        return value
    copied: Any = dict(holder) if isinstance(holder, dict) else list(holder)
    copied[steps[0]] = _replaced(copied[steps[0]], steps[1:], value)
    return copied


def _require_object(tool_name: str, arguments: object) -> dict[str, Any]:
    """Return the arguments unchanged, known to be a JSON object, or raise."""
    if isinstance(arguments, dict) and RAW_ARGUMENTS in arguments:
        require_parsed(tool_name, arguments)
    if not isinstance(arguments, dict) or not all(isinstance(key, str) for key in arguments):
        raise argument_error(
            tool_name, [f"expected a JSON object of named arguments, got {short(arguments)}"], arguments
        )
    return arguments


def _pydantic_complaints(error: ValidationError, arguments: dict[str, Any]) -> list[str]:
    # pydantic reports every member of a union separately. The reports are gathered by place and value into one "expected … or …".
    wanted: dict[tuple[str, str], list[str]] = {}
    others: list[str] = []
    for detail in error.errors(include_url=False):
        steps = _steps_in(detail["loc"], arguments)
        if detail["type"] == "missing":
            steps = [*_steps_in(detail["loc"][:-1], arguments), detail["loc"][-1]]
            others.append(f"{path_text(steps)}: required, but missing")
        elif expected := _expected(detail):
            wanted.setdefault((path_text(steps), short(detail["input"])), []).append(expected)
        else:
            message = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            others.append(f"{path_text(steps)}: {message}, got {short(detail['input'])}")
    wrong = [f"{path}: expected {alternatives(kinds)}, got {value}" for (path, value), kinds in wanted.items()]
    return [*wrong, *dict.fromkeys(others)]


def _steps_in(location: Iterable[str | int], value: object) -> list[str | int]:
    """Return a pydantic location without the steps that name members of a union, since the model did not write these."""
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
    """Return what pydantic expected instead of what it found, or None if the error is not about the type."""
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
