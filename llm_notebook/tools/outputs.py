"""Converts what a tool returned to the text that a model reads."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llm_notebook.objects.json_forms import json_form
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.given import as_attachment

if TYPE_CHECKING:
    from llm_notebook.tools.calls import ToolResult

__all__ = ["ToolOutput", "output_text", "settled_result"]


@dataclass(slots=True)
class ToolOutput:
    """A return value for tools that send attachments with their output.

    Attributes:
        output: text, or any other value that a tool may return.
        attachments: images and other files, for models that read them.
    """

    output: object = None
    attachments: list[Attachment] = field(default_factory=list)


def output_text(value: object) -> tuple[str, list[Attachment]]:
    """Return (the text, the attachments as values) for a tool's return value. Never raises, whatever the value is.

    Text stays as it is, and None becomes `null`. Values that are a string in JSON, such as paths and dates, become that string without
    quotes. Other values with a JSON form, including pydantic models, dataclasses and sets, become JSON. Everything else is described as
    `-f` describes it: frames as tables, figures and the bytes of pictures as attachments, and unknown objects by their `repr()`.
    Characters that UTF-8 cannot encode, which occur in some file names, are written as escapes.
    """
    given: list[object] = []
    if isinstance(value, ToolOutput):
        given = list(value.attachments) if isinstance(value.attachments, list | tuple) else [value.attachments]
        value = value.output
    text, found = _text_and_files(value)
    attachments, problems = _settled([*found, *given])
    text = "\n".join([*([text] if text or not problems else []), *problems])
    return text.encode("utf-8", "backslashreplace").decode("utf-8"), attachments


def _text_and_files(value: object) -> tuple[str, tuple[Attachment, ...]]:
    # A subclass of str may have a `__str__()` of its own; the model gets the text itself.
    if isinstance(value, str):
        return str.__str__(value), ()
    from llm_notebook.objects.table import describe, library_kind, pictures_apart  # for texts alone, too much to load

    if not isinstance(value, bytes | bytearray | memoryview) and not library_kind(value):
        try:
            rest, pictures = pictures_apart(value)
            return _json_text(rest), pictures
        except Exception:  # noqa: S110  a value without a JSON form is described
            pass
    described = describe(value)
    return described.text, described.attachments


def settled_result(result: ToolResult) -> ToolResult:
    """Return the result with its attachments as values, and with a note in its text of those that cannot be read.

    A result that needs no change is returned itself.
    """
    attachments, problems = _settled(list(result.attachments))
    if not problems and all(new is old for new, old in zip(attachments, result.attachments, strict=True)):
        return result
    return replace(result, output="\n".join([result.output, *problems]), attachments=attachments)


def _settled(given: list[object]) -> tuple[list[Attachment], list[str]]:
    """Return (attachments with the current content of their files, a note about each that cannot be read)."""
    attachments: list[Attachment] = []
    problems: list[str] = []
    for item in given:
        try:
            attachments.append(as_attachment(item))
        except (OSError, TypeError, ValueError) as error:
            problems.append(f"(An attachment of this result is missing: {error})")
    return attachments, problems


def _part_of_json(part: object) -> object:
    """Return a JSON value for a part of a list or a dict that has no JSON form itself."""
    from llm_notebook.objects.table import brief  # as above

    try:
        return json_form(part, brief)
    except Exception:
        return brief(part)


def _json_text(value: object) -> str:
    if value is None or isinstance(value, bool | int | float | list | tuple | dict):
        try:
            return json.dumps(value, ensure_ascii=False, default=_part_of_json)
        except TypeError:  # a dict with keys that are not strings
            pass
    from llm_notebook.objects.table import brief  # as above

    converted = json_form(value, brief)
    return converted if isinstance(converted, str) else json.dumps(converted, ensure_ascii=False)
