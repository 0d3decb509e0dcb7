"""What a tool returned, as the text that a model reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llm_notebook.parts.attachments import Attachment

__all__ = ["ToolOutput", "output_text", "to_json_value"]


@dataclass(slots=True)
class ToolOutput:
    """What a tool returns to send attachments along with its output.

    Attributes:
        output: text, or anything else that a tool may return.
        attachments: images and the like, for models that take them.
    """

    output: Any = None
    attachments: list[Attachment] = field(default_factory=list)


def output_text(value: Any) -> tuple[str, list[Attachment]]:
    """The text and the attachments that stand for a tool's return value. Never raises, whatever the value.

    Text stays as it is, None is `null`, paths, dates and the like are plain text, what else has a JSON form (pydantic models, dataclasses and sets among them) becomes JSON, and
    everything else what `repr` makes of it. Characters that UTF-8 cannot hold, as in some file names, are written as escapes.
    """
    attachments: list[Attachment] = []
    if isinstance(value, ToolOutput):
        value, attachments = value.output, list(value.attachments)
    try:
        text = str.__str__(value) if isinstance(value, str) else _json_text(value)
    except Exception:
        text = _safe_repr(value)
    return text.encode("utf-8", "backslashreplace").decode("utf-8"), attachments


def to_json_value(value: Any) -> Any:
    """A JSON value for one that the `json` module does not know, to be given to it as `default=`.

    What has no JSON form of its own is told by its repr.
    """
    try:
        return _converted(value)
    except Exception:
        return _safe_repr(value)


def _json_text(value: Any) -> str:
    if value is None or isinstance(value, bool | int | float | list | tuple | dict):
        try:
            return json.dumps(value, ensure_ascii=False, default=to_json_value)
        except TypeError:  # a dict whose keys are no text
            pass
    converted = _converted(value)
    return converted if isinstance(converted, str) else json.dumps(converted, ensure_ascii=False)


def _converted(value: Any) -> Any:
    from pydantic_core import to_jsonable_python  # most tools return text

    def fallback(part: Any) -> Any:
        if getattr(part, "ndim", None) == 0 and callable(getattr(part, "item", None)):
            return part.item()  # one number of a numerical library
        if part is value:
            raise TypeError(f"{type(value).__name__} has no JSON form")
        return _safe_repr(part)

    if isinstance(value, Iterator):
        raise TypeError("reading an iterator would use it up, or never end")
    return to_jsonable_python(value, fallback=fallback)


def _safe_repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} object; its repr raised {type(error).__name__}>"
