"""Python values as SQLite columns, and back: text, numbers, times, JSON, messages and tool results.

A few values need more than a conversion. Text with lone surrogates, which models do produce, cannot be stored as UTF-8 and becomes a
blob. The bytes of attachments are stored once each, in a table of their own: the JSON of a message has their SHA-256 instead.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast, overload

from llm_notebook.approvals.running import said_by
from llm_notebook.journal.operations import Run
from llm_notebook.journal.sqlite.failures import UnreadableValue
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.json_values import as_json
from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart, ToolResultPart, Usage
from llm_notebook.tools.calls import ToolResult, recorded_exception

__all__ = [
    "UNREADABLE",
    "Column",
    "Contents",
    "Row",
    "integer_column",
    "json_column",
    "json_of",
    "messages_column",
    "messages_of",
    "result_column",
    "result_of",
    "runs_of",
    "text_column",
    "text_of",
    "time_column",
    "time_of",
    "usage_column",
    "value_of",
]

Column = str | bytes | int | float | None
"""A value of a column as it is written."""
Row = tuple[Any, ...]
"""The values of a row as SQLite returns them. Their types are those of the tables in `schema`, which Python cannot know."""

UNREADABLE = (AttributeError, LookupError, OverflowError, RecursionError, TypeError, ValueError)
"""The errors that are raised by values in the file that this package has not written."""
# The key for an attachment's hash, in place of its bytes, in the JSON of a message.
_CONTENT = "sha256"
_LARGEST_INTEGER = 2**63 - 1
# `json.dumps()` creates a new encoder for each call with other than its default settings.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

T = TypeVar("T")


@dataclass(slots=True)
class Contents:
    """The bytes of attachments, by their SHA-256 in hexadecimal digits."""

    by_hash: dict[str, bytes] = field(default_factory=dict)

    def keep(self, attachment: Attachment) -> dict[str, Any]:
        """Keep the attachment's bytes, and return its dict with the hash of the bytes in their place."""
        data = cast("dict[str, Any]", replace(attachment, content=None).to_dict())
        if attachment.content is not None:
            data[_CONTENT] = hashlib.sha256(attachment.content).hexdigest()
            self.by_hash[data[_CONTENT]] = bytes(attachment.content)
        return data


def text_column(text: str | None) -> str | bytes | None:
    """Return text unchanged, or as a blob if it has lone surrogates, which cannot be encoded in UTF-8."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


@overload
def text_of(column: str | bytes) -> str: ...


@overload
def text_of(column: None) -> None: ...


def text_of(column: str | bytes | None) -> str | None:
    """Return the text that `text_column()` wrote."""
    return column.decode("utf-8", "surrogatepass") if isinstance(column, bytes) else column


def integer_column(number: int | None) -> int | str | None:
    """Return a number unchanged, or as its digits if it does not fit into 64 bits. The column must be declared without a type."""
    return str(number) if number is not None and abs(number) > _LARGEST_INTEGER else number


def time_column(at: datetime | None) -> str | None:
    """Return a time in ISO 8601 with microseconds. It is converted to UTC, unless it has no time zone."""
    if at is None:
        return None
    return (at if at.tzinfo is None else at.astimezone(UTC)).isoformat(timespec="microseconds")


@overload
def time_of(column: str) -> datetime: ...


@overload
def time_of(column: None) -> None: ...


def time_of(column: str | None) -> datetime | None:
    """Return the time that `time_column()` wrote."""
    if column is None:
        return None
    with _readable():
        return datetime.fromisoformat(column)


def json_column(value: object) -> str:
    """Return compact JSON. Non-ASCII characters are escaped only if the text has some that cannot be encoded in UTF-8."""
    text = _ENCODER.encode(value)
    return text if isinstance(text_column(text), str) else json.dumps(value, separators=(",", ":"))


def _kept_column(value: object) -> str:
    """Return a value from a model or a tool as JSON. It may contain anything, and one odd detail must not lose the rest."""
    try:
        return json_column(value)
    except (TypeError, ValueError, RecursionError):
        return json_column(as_json(value))


def usage_column(usage: Usage | None) -> str | None:
    """Return token counts as JSON."""
    if usage is None:
        return None
    details = None if usage.details is None else as_json(usage.details)
    return _kept_column({"input": usage.input, "output": usage.output, "details": details})


def messages_column(messages: Sequence[Message], contents: Contents) -> str:
    """Return messages as JSON, and add the bytes of their attachments to `contents`."""
    if len(messages) == 1 and (text := _only_text(messages[0])) is not None:
        role = json_column(messages[0].role)
        return f'[{{"role":{role},"parts":[{{"type":"text","text":{_ENCODER.encode(text)}}}]}}]'
    return _kept_column([_message_data(message, contents) for message in messages])


def _only_text(message: Message) -> str | None:
    """Return the text of a message that is nothing else, and can be encoded in UTF-8; None for others. Most are mere text."""
    if len(message.parts) != 1 or message.provider_metadata:
        return None
    part = message.parts[0]
    if not isinstance(part, TextPart) or part.provider_metadata or part.citations:
        return None
    return part.text if isinstance(text_column(part.text), str) else None


def _message_data(message: Message, contents: Contents) -> dict[str, Any]:
    if not any(isinstance(part, AttachmentPart | ToolResultPart) for part in message.parts):
        # Most messages are mere text.
        return cast("dict[str, Any]", message.to_dict())
    light = replace(message, parts=[_without_bytes(part) for part in message.parts])
    data = cast("dict[str, Any]", light.to_dict())
    for part, part_data in zip(message.parts, data["parts"], strict=True):
        for attachment, attachment_data in _attachments(part, part_data):
            attachment_data.update(contents.keep(attachment))
    return data


def _without_bytes(part: Part) -> Part:
    """Return a part with its attachments' content removed; a part without attachments is returned unchanged."""
    if isinstance(part, AttachmentPart) and part.attachment is not None:
        return replace(part, attachment=replace(part.attachment, content=None))
    if isinstance(part, ToolResultPart) and part.attachments:
        return replace(part, attachments=[replace(attachment, content=None) for attachment in part.attachments])
    return part


def messages_of(column: str, content: Callable[[str], bytes]) -> list[Message]:
    """Return the messages that `messages_column()` wrote.

    Args:
        column: the JSON.
        content: a function that returns the bytes of an attachment, given their hash.
    """
    with _readable():
        stored = json.loads(column)
        messages = [Message.from_dict(data) for data in stored]
        for message, data in zip(messages, stored, strict=True):
            for part, part_data in zip(message.parts, data["parts"], strict=True):
                for attachment, attachment_data in _attachments(part, part_data):
                    _fill(attachment, attachment_data, content)
        return messages


def result_column(result: ToolResult | None, contents: Contents) -> str | None:
    """Return a tool's result as JSON, and add the bytes of its attachments to `contents`. The Toolbox is not recorded."""
    if result is None:
        return None
    error = result.exception
    return _kept_column(
        {
            "name": result.name,
            "output": result.output,
            "attachments": [contents.keep(attachment) for attachment in result.attachments],
            "tool_call_id": result.tool_call_id,
            "exception": None if error is None else list(said_by(error)),
        }
    )


def result_of(column: str | None, content: Callable[[str], bytes]) -> ToolResult | None:
    """Return the result that `result_column()` wrote. An exception becomes a RecordedException."""
    if column is None:
        return None
    with _readable():
        data = json.loads(column)
        attachments = []
        for attachment_data in data["attachments"]:
            attachments.append(Attachment.from_dict(attachment_data))
            _fill(attachments[-1], attachment_data, content)
        raised = data["exception"] and recorded_exception(*data["exception"])
        return ToolResult(data["name"], data["output"], attachments, data["tool_call_id"], exception=raised)


def runs_of(steps: str) -> tuple[Run, ...]:
    """Return when a tool ran, from the steps to and from `started`. If its process died, only the time when this was noticed is known."""
    runs: list[Run] = []
    for step in steps.split():
        state, at, is_by_itself = step.split("=")
        if state == "started":
            runs.append((time_of(at), None))
        elif runs:
            runs[-1] = (runs[-1][0], time_of(at) if is_by_itself == "1" else None)
    return tuple(runs)


def value_of(cls: type[T], column: str | None) -> T | None:
    """Return the plain dataclass whose fields `json_column()` wrote.

    Fields that the class does not have, such as those of a newer version, are ignored.
    """
    if column is None:
        return None
    with _readable():
        data = json.loads(column)
        return cls(**{known.name: data[known.name] for known in fields(cls) if known.name in data})  # type: ignore[arg-type]


def json_of(column: str) -> dict[str, Any]:
    """Return the object that `json_column()` wrote."""
    with _readable():
        return cast("dict[str, Any]", json.loads(column))


@contextmanager
def _readable() -> Iterator[None]:
    """Turn errors in the `with` block, where columns are read, into an UnreadableValue."""
    try:
        yield
    except UNREADABLE as error:
        raise UnreadableValue(str(error)) from error


def _attachments(part: Part, data: dict[str, Any]) -> Iterator[tuple[Attachment, dict[str, Any]]]:
    if isinstance(part, AttachmentPart) and part.attachment is not None:
        yield part.attachment, data["attachment"]
    elif isinstance(part, ToolResultPart):
        yield from zip(part.attachments, data.get("attachments", []), strict=True)


def _fill(attachment: Attachment, data: dict[str, Any], content: Callable[[str], bytes]) -> None:
    if _CONTENT in data:
        attachment.content = content(data[_CONTENT])
