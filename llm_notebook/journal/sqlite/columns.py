"""Values as SQLite columns and back: text that UTF-8 cannot hold, times, JSON, and messages whose attachments lie apart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from llm_notebook.journal.sqlite.failures import UnreadableValue
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, Message, Part, ToolResultPart, Usage
from llm_notebook.tools.calls import ToolResult

__all__ = [
    "Contents",
    "RecordedException",
    "integer_column",
    "json_column",
    "json_of",
    "messages_column",
    "messages_of",
    "result_column",
    "result_of",
    "text_column",
    "text_of",
    "time_column",
    "time_of",
    "usage_column",
    "value_of",
]

# Stands for an attachment's bytes in the JSON of a message.
_CONTENT = "sha256"
_LARGEST_INTEGER = 2**63 - 1

T = TypeVar("T")


class RecordedException(Exception):
    """What a tool raised in another process: of it only the kind and the message are known. Its class has the name of the kind."""


@dataclass(slots=True)
class Contents:
    """The bytes of attachments, by their SHA-256 in hexadecimal digits."""

    by_hash: dict[str, bytes] = field(default_factory=dict)

    def keep(self, attachment: Attachment) -> dict[str, Any]:
        """The attachment's dict with the hash of its bytes in the place of these, which are kept here."""
        data = cast("dict[str, Any]", replace(attachment, content=None).to_dict())
        if attachment.content is not None:
            data[_CONTENT] = hashlib.sha256(attachment.content).hexdigest()
            self.by_hash[data[_CONTENT]] = bytes(attachment.content)
        return data


def text_column(text: str | None) -> str | bytes | None:
    """Text as it is; with lone surrogates, which UTF-8 has no bytes for, as a blob."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def text_of(column: str | bytes | None) -> str | None:
    """The text that `text_column()` wrote."""
    return column.decode("utf-8", "surrogatepass") if isinstance(column, bytes) else column


def integer_column(number: int | None) -> int | str | None:
    """A number; as its digits where it is beyond 64 bits. The column must have no type of its own."""
    return str(number) if number is not None and abs(number) > _LARGEST_INTEGER else number


def time_column(at: datetime | None) -> str | None:
    """ISO 8601 with microseconds: in UTC, or as it is where no time zone is known."""
    if at is None:
        return None
    return (at if at.tzinfo is None else at.astimezone(UTC)).isoformat(timespec="microseconds")


def time_of(column: str | None) -> datetime | None:
    """The time that `time_column()` wrote."""
    with _readable():
        return None if column is None else datetime.fromisoformat(column)


def json_column(value: Any) -> str:
    """Compact JSON, readable where UTF-8 can hold it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if isinstance(text_column(text), str) else json.dumps(value, separators=(",", ":"))


def usage_column(usage: Usage | None) -> str | None:
    """Token counts as JSON."""
    if usage is None:
        return None
    return json_column({"input": usage.input, "output": usage.output, "details": usage.details})


def messages_column(messages: Sequence[Message], contents: Contents) -> str:
    """Messages as JSON. The bytes of their attachments go to `contents`."""

    def dict_of(part: Part) -> dict[str, Any]:
        if isinstance(part, AttachmentPart) and part.attachment is not None:
            data = cast("dict[str, Any]", replace(part, attachment=None).to_dict())
            data["attachment"] = contents.keep(part.attachment)
        elif isinstance(part, ToolResultPart) and part.attachments:
            data = cast("dict[str, Any]", replace(part, attachments=[]).to_dict())
            data["attachments"] = [contents.keep(attachment) for attachment in part.attachments]
        else:
            data = cast("dict[str, Any]", part.to_dict())
        return data

    return json_column(
        [
            {**replace(message, parts=[]).to_dict(), "parts": [dict_of(part) for part in message.parts]}
            for message in messages
        ]
    )


def messages_of(column: str, content: Callable[[str], bytes]) -> list[Message]:
    """The messages that `messages_column()` wrote.

    Args:
        content: called with a hash, returns the bytes.
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
    """A tool's result as JSON, without the Toolbox that it came from. The bytes of attachments go to `contents`."""
    if result is None:
        return None
    error = result.exception
    return json_column(
        {
            "name": result.name,
            "output": result.output,
            "attachments": [contents.keep(attachment) for attachment in result.attachments],
            "tool_call_id": result.tool_call_id,
            "exception": None if error is None else [type(error).__name__, str(error)],
        }
    )


def result_of(column: str | None, content: Callable[[str], bytes]) -> ToolResult | None:
    """The result that `result_column()` wrote. What was raised is now a RecordedException."""
    if column is None:
        return None
    with _readable():
        data = json.loads(column)
        attachments = []
        for attachment_data in data["attachments"]:
            attachments.append(Attachment.from_dict(attachment_data))
            _fill(attachments[-1], attachment_data, content)
        raised = data["exception"] and type(data["exception"][0], (RecordedException,), {})(data["exception"][1])
        return ToolResult(data["name"], data["output"], attachments, data["tool_call_id"], exception=raised)


def value_of(cls: type[T], column: str | None) -> T | None:
    """The plain dataclass whose fields `json_column()` wrote. Fields that it has not, as those of a newer version, are left out."""
    if column is None:
        return None
    with _readable():
        data = json.loads(column)
        return cls(**{known.name: data[known.name] for known in fields(cls) if known.name in data})  # type: ignore[arg-type]


def json_of(column: str) -> Any:
    """The value that `json_column()` wrote."""
    with _readable():
        return json.loads(column)


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableValue(str(error)) from error


def _attachments(part: Part, data: dict[str, Any]) -> Iterator[tuple[Attachment, dict[str, Any]]]:
    if isinstance(part, AttachmentPart) and part.attachment is not None:
        yield part.attachment, data["attachment"]
    elif isinstance(part, ToolResultPart):
        yield from zip(part.attachments, data.get("attachments", []), strict=True)


def _fill(attachment: Attachment, data: dict[str, Any], content: Callable[[str], bytes]) -> None:
    if _CONTENT in data:
        attachment.content = content(data[_CONTENT])
