"""Approval cards: a call's frozen arguments and its tool's schema as a document that is short enough to save.

For a long value the card has the first lines, or the head and the tail if the lines are long; `full_value()` returns the whole text when the
reader asks for it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook.approvals.requests import ApprovalRequest
    from llm_notebook.serialization import JSON
    from llm_notebook.transcript.blocks import CallBlock

__all__ = [
    "edited_arguments",
    "full_value",
    "name_document",
    "request_document",
    "shortened",
    "type_word",
    "value_text",
]

_LONG, _HEAD, _TAIL = 2_000, 1_200, 400
_MOST_LINES = 20
_MOST_PARAMETERS = 50
_LONGEST_NAME = 200
_LONGEST_SENTENCE = 2_000
_LONGEST_DESCRIPTION = 400
_LONGEST_SOURCE = 20_000
_LONGEST_SCHEMA = 2_000
_SURROGATE = re.compile("[\ud800-\udfff]")

Document = dict[str, Any]


def request_document(
    request: ApprovalRequest, block: CallBlock, scopes: Sequence[str], *, grants_end: bool = False
) -> Document:
    """Return the document of a call's approval card. Lone surrogates in its texts are not spelled out yet.

    Args:
        request: the question to the human.
        block: the call.
        scopes: the possible scopes of "Always allow". A destructive tool cannot be always allowed.
        grants_end: whether every "Always allow" ends with the kernel.
    """
    document: Document = {
        "id": block.call_id or request.tool_call_id,
        "digest": request.digest,
        "tool": name_document(request.tool_name),
        "origin": [shortened(fact, _LONGEST_SENTENCE) for fact in request.origin],
        "source": _source(request.source),
        "reason": shortened(request.reason, _LONGEST_SENTENCE),
        "destructive": request.destructive,
        "params": _parameters(request),
        "grants": [] if request.destructive else list(scopes),
    }
    if document["grants"] and grants_end:
        document["grantsEndWithKernel"] = True
    for name, text in (
        ("description", request.description),
        ("changed", request.changed),
        ("blocked", block.blocked),
        ("refused", block.refused),
    ):
        if text:
            document[name] = shortened(text, _LONGEST_SENTENCE)
    return document


def full_value(request: ApprovalRequest, name: str) -> str | None:
    """Return the whole text of a parameter that the card shows shortened; None if there is no such parameter."""
    shown, rest = _shown_and_rest(request)
    for key in shown:
        if key == name:
            return _text(request.arguments[key])[0]
    return (
        value_text({key: request.arguments[key] for key in rest}) if rest and name == _rest_name(shown, rest) else None
    )


def edited_arguments(request: ApprovalRequest, edits: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the arguments with the reader's edits. They are not checked against the tool's schema here.

    Args:
        request: the question to the human, with the frozen arguments.
        edits: the JSON text of each argument that was changed, or None for one that was removed.

    Raises:
        ValueError: a text is not valid JSON.
    """
    arguments = dict(request.arguments)
    shown, rest = _shown_and_rest(request)
    for name, text in edits.items():
        if text is None:
            arguments.pop(name, None)
            continue
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"The value of {name} is not valid JSON: {error}") from None
        if rest and name == _rest_name(shown, rest) and isinstance(value, dict):
            arguments = {key: arguments[key] for key in arguments if key not in rest} | value
        else:
            arguments[name] = value
    return arguments


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no number of JSON")


def shortened(text: str, most: int) -> str:
    """Return at most `most` characters of a text, with an ellipsis if it is longer."""
    return text if len(text) <= most else text[:most] + "…"


def name_document(name: str) -> str:
    """Return a name in the length that documents allow."""
    return shortened(name, _LONGEST_NAME)


def value_text(value: object) -> str:
    """Return the JSON text of a value, on several lines if one would be long. Lone surrogates are escaped."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) > 72 and isinstance(value, dict | list):
        text = json.dumps(value, ensure_ascii=False, indent=2)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def type_word(schema: JSON, value: object = None) -> str:
    """Return a word for a type, such as `string` or `list of integer`: the schema's, or else the value's."""
    word = _schema_word(schema, 0)
    return word or _schema_word({"type": _KINDS.get(type(value), "string")}, 0)


def _schema_word(schema: JSON, depth: int) -> str:
    if not isinstance(schema, dict) or depth > 3:
        return ""
    kind = schema.get("type")
    choices = schema.get("anyOf") or schema.get("oneOf")
    if "enum" in schema or "const" in schema:
        return "choice"
    if isinstance(choices, list):
        return _joined(_schema_word(choice, depth + 1) for choice in choices)
    if isinstance(kind, list):
        return _joined(_schema_word({**schema, "type": one}, depth + 1) for one in kind)
    if kind == "array":
        item = _schema_word(schema.get("items"), depth + 1)
        return f"list of {item}" if item else "list"
    return name_document(kind) if isinstance(kind, str) else ""


def _joined(words: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(word for word in words if word))[:_LONGEST_NAME]


def _parameters(request: ApprovalRequest) -> list[Document]:
    schema = request.input_schema or {}
    shown, rest = _shown_and_rest(request)
    documents = [_parameter(name, request.arguments[name], schema) for name in shown]
    if rest:
        values = {name: request.arguments[name] for name in rest}
        documents.append(
            {"name": _rest_name(shown, rest), "type": "object", **_cut(value_text(values)), "isText": False}
        )
    return documents


def _shown_and_rest(request: ApprovalRequest) -> tuple[list[str], list[str]]:
    """Return the names of the arguments that get a row on the card, in the order of the schema, and those of all others.

    The others are too many, or their names are too long or cannot be encoded. They share one row.
    """
    properties = _properties(request.input_schema)
    names = [name for name in properties if name in request.arguments]
    names += [name for name in request.arguments if name not in properties]
    fitting = [name for name in names if len(name) <= _LONGEST_NAME and not _SURROGATE.search(name)][:_MOST_PARAMETERS]
    return fitting, [name for name in names if name not in set(fitting)]


def _rest_name(shown: list[str], rest: list[str]) -> str:
    name = f"{len(rest):,} more"
    while name in shown:
        name += "…"
    return name


def _properties(schema: JSON) -> dict[str, Any]:
    found = schema.get("properties") if isinstance(schema, dict) else None
    return found if isinstance(found, dict) else {}


def _parameter(name: str, value: object, schema: dict[str, Any]) -> Document:
    own = _resolved(_properties(schema).get(name), schema)
    text, is_text = _text(value)
    document: Document = {"name": name, "type": type_word(own, value), **_cut(text), "isText": is_text}
    required = schema.get("required")
    if isinstance(required, list):
        document["required"] = name in required
    if isinstance(own, dict):
        description = own.get("description")
        if isinstance(description, str) and description:
            document["description"] = shortened(description, _LONGEST_DESCRIPTION)
        if _is_small(own):
            document["schema"] = own
    return document


def _resolved(own: JSON, schema: dict[str, Any]) -> JSON:
    """Return the schema of one parameter, with the definition that it refers to in place of the reference."""
    if not isinstance(own, dict):
        return own
    reference = own.get("$ref")
    if not isinstance(reference, str):
        return own
    kind, _, name = reference.removeprefix("#/").partition("/")
    definitions = schema.get(kind)
    definition = definitions.get(name) if isinstance(definitions, dict) else None
    return {**definition, **{key: own[key] for key in own if key != "$ref"}} if isinstance(definition, dict) else own


def _is_small(schema: dict[str, Any]) -> bool:
    try:
        text = json.dumps(schema, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return len(text) <= _LONGEST_SCHEMA and _SURROGATE.search(text) is None


def _text(value: object) -> tuple[str, bool]:
    """Return the text of a value, and whether it is the string itself rather than JSON.

    A string with lone surrogates is written as JSON, in which they can be escaped.
    """
    if isinstance(value, str) and not _SURROGATE.search(value):
        return value, True
    return value_text(value), False


def _cut(text: str) -> Document:
    """Shorten a text of many lines to the first of them, and one of long lines to its head and tail.

    Positions are counted in UTF-16 units, as JavaScript counts them.
    """
    # A line break at the end of the text begins no line.
    lines = text.count("\n") + (not text.endswith("\n"))
    head, tail = text, ""
    if lines > _MOST_LINES:
        head = text[: _end_of_line(text, _MOST_LINES)]
    is_cut_at_line = len(head) <= _LONG
    if not is_cut_at_line:
        head, tail = text[:_HEAD], text[-_TAIL:]
    if head == text:
        return {"text": text, "cut": None}
    at, total = _units(head), _units(text)
    cut: Document = {"at": at, "hidden": total - at - _units(tail), "total": total}
    if is_cut_at_line:
        cut["lines"] = {"hidden": lines - _MOST_LINES, "total": lines}
    return {"text": head + tail, "cut": cut}


def _end_of_line(text: str, number: int) -> int:
    """Return where a line ends, without its line break. The first line has the number 1."""
    at = -1
    for _ in range(number):
        at = text.index("\n", at + 1)
    return at


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _source(source: Mapping[str, str] | None) -> Document | None:
    if source is None:
        return None
    code = source["code"]
    if (left_out := len(code) - _LONGEST_SOURCE) > 0:
        code = f"{code[:_LONGEST_SOURCE]}\n… {left_out:,} more characters"
    document = {"title": name_document(source["title"]), "code": code}
    return document | ({"note": shortened(source["note"], _LONGEST_SENTENCE)} if "note" in source else {})


_KINDS: Mapping[type, str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}
