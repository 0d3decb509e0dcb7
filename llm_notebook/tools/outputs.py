"""The conversion of what a tool returned to the text that a model reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.given import as_attachments
from llm_notebook.parts.json_values import safe_repr
from llm_notebook.tools.tables import table_text

if TYPE_CHECKING:
    from llm_notebook.tools.calls import ToolResult

__all__ = ["ToolOutput", "output_text", "settled_result", "to_json_value"]


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
    """Return the text and the attachments, as values, for a tool's return value. Never raises, whatever the value is.

    Text stays as it is, and None becomes `null`. Values that are a string in JSON, such as paths and dates, become that string without
    quotes. Tables of pandas and arrays of numpy are written as `{{ … }}` writes them in a prompt. The bytes of a picture or
    another file become an attachment. Other values with a JSON form, pydantic models, dataclasses and sets among them, become JSON; everything
    else becomes its `repr()`. Characters that UTF-8 cannot encode, which occur in some file names, are written as escapes.
    """
    given: list[object] = []
    if isinstance(value, ToolOutput):
        given = list(value.attachments) if isinstance(value.attachments, list | tuple) else [value.attachments]
        value = value.output
    if isinstance(value, Attachment) or _is_file(value):
        given, value = [value, *given], ""
    attachments, problems = _settled(given)
    try:
        # A subclass of str may have a `__str__()` of its own; the model gets the text itself.
        text = str.__str__(value) if isinstance(value, str) else table_text(value) or _json_text(value)
    except Exception:
        text = safe_repr(value)
    text = "\n".join([*([text] if text or not problems else []), *problems])
    return text.encode("utf-8", "backslashreplace").decode("utf-8"), attachments


def settled_result(result: ToolResult) -> ToolResult:
    """Return a result whose attachments are values, and whose text says which could not be read; the result itself if it is that already."""
    attachments, problems = _settled(list(result.attachments))
    if not problems and all(new is old for new, old in zip(attachments, result.attachments, strict=True)):
        return result
    return replace(result, output="\n".join([result.output, *problems]), attachments=attachments)


def _settled(given: list[object]) -> tuple[list[Attachment], list[str]]:
    """Return attachments with the content that their files have at this moment, and what is to be told about those that cannot be read."""
    attachments: list[Attachment] = []
    problems: list[str] = []
    for item in given:
        try:
            attachments += as_attachments([item])
        except (OSError, TypeError, ValueError) as error:
            problems.append(f"(An attachment of this result is missing: {error})")
    return attachments, problems


def _is_file(value: object) -> bool:
    """Return whether a value is the content of a file of a known type, such as a picture."""
    return isinstance(value, bytes | bytearray | memoryview) and Attachment(content=value).known_type() is not None


def to_json_value(value: object) -> object:
    """Return a JSON value for a value that the `json` module does not know; meant for its `default=`.

    The `repr()` stands for a value without a JSON form.
    """
    try:
        return _converted(value)
    except Exception:
        return safe_repr(value)


def _json_text(value: object) -> str:
    if value is None or isinstance(value, bool | int | float | list | tuple | dict):
        try:
            return json.dumps(value, ensure_ascii=False, default=to_json_value)
        except TypeError:  # a dict with keys that are not strings
            pass
    converted = _converted(value)
    return converted if isinstance(converted, str) else json.dumps(converted, ensure_ascii=False)


def _converted(value: object) -> object:
    """Return the value as pydantic writes it in JSON.

    Raises:
        TypeError: the value as a whole has no JSON form. Parts of it without one become their `repr()`.
    """
    from pydantic_core import to_jsonable_python  # most tools return text

    def fallback(part: object) -> object:
        item = getattr(part, "item", None)
        if getattr(part, "ndim", None) == 0 and callable(item):
            return item()  # a single number of NumPy or a library like it
        if part is value:
            raise TypeError(f"{type(value).__name__} has no JSON form")
        return table_text(part) or safe_repr(part)

    if isinstance(value, Iterator):
        raise TypeError("reading an iterator would use it up, or never end")
    return to_jsonable_python(value, fallback=fallback)
