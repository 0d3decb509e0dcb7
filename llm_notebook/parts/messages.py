"""The values that make up a conversation: messages, their parts, and the stream events in which parts arrive."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.checked import checked
from llm_notebook.parts.citations import Citation
from llm_notebook.parts.json_values import as_json, from_json
from llm_notebook.serialization import (
    AttachmentPartDict,
    MessageDict,
    PartDict,
    ReasoningPartDict,
    TextPartDict,
    ToolCallPartDict,
    ToolResultPartDict,
)

__all__ = [
    "RAW_ARGUMENTS",
    "AttachmentPart",
    "EventType",
    "Message",
    "Part",
    "ReasoningPart",
    "StreamEvent",
    "TextPart",
    "ToolCallPart",
    "ToolResultPart",
    "Usage",
    "assistant",
    "events_of",
    "system",
    "tool_message",
    "user",
]

RAW_ARGUMENTS = "_raw"
"""The only argument of a call whose arguments are not a JSON object: the text that the model wrote."""

# `json.dumps()` with these arguments would create a new encoder for each call.
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
Metadata = dict[str, Any]
EventType = Literal["text", "reasoning", "tool_call_name", "tool_call_args", "tool_result", "attachment"]
Role = Literal["system", "user", "assistant", "tool"]


def _without_defaults(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON form of a part: its type and every field that is not None, False or an empty list. Empty metadata counts as none."""
    metadata = values["provider_metadata"]
    values["provider_metadata"] = as_json(metadata) if metadata else None
    return {"type": kind} | {name: value for name, value in values.items() if value not in (None, False, [])}


@dataclass(slots=True)
class Part:
    """Base class of all parts. The role belongs to the Message that holds the part."""

    def __post_init__(self) -> None:
        _without_empty_metadata(self)

    def to_dict(self) -> PartDict:
        """Return a JSON-safe dict without the fields that are not set."""
        raise NotImplementedError

    @staticmethod
    def from_dict(d: PartDict) -> Part:
        """Return the part that `to_dict()` wrote.

        Raises:
            ValueError: the dict's type is not one of the five known ones, or a value is of another type than `to_dict()` writes.
        """
        fields = dict(checked(d, "a part", {"type": str}, _FIELDS))
        kind = fields.pop("type", None)
        cls = _PART_TYPES.get(cast("str", kind))
        if cls is None:
            raise ValueError(f"Unknown part type {kind!r}; known are {', '.join(_PART_TYPES)}.")
        if fields.get("attachment") is not None:
            fields["attachment"] = Attachment.from_dict(fields["attachment"])
        if "attachments" in fields:
            fields["attachments"] = [Attachment.from_dict(item) for item in fields["attachments"]]
        if fields.get("provider_metadata") is not None:
            fields["provider_metadata"] = from_json(fields["provider_metadata"])
        if "citations" in fields:
            fields["citations"] = [Citation.from_dict(item) for item in fields["citations"]]
        # A newer version may write fields that this version does not know.
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields}
        return cls(**known)


@dataclass(slots=True)
class TextPart(Part):
    """Plain text, usually Markdown. `citations` are the sources that the provider names for it."""

    text: str = ""
    provider_metadata: Metadata | None = None
    citations: list[Citation] = field(default_factory=list)

    def to_dict(self) -> TextPartDict:
        if not self.provider_metadata and not self.citations:
            # This is what most messages consist of.
            return {"type": "text", "text": self.text}
        values = _fields(self)
        values["citations"] = [citation.to_dict() for citation in self.citations]
        return cast("TextPartDict", _without_defaults("text", values))


@dataclass(slots=True)
class ReasoningPart(Part):
    """The reasoning of a model. `redacted` marks reasoning whose text the provider withholds."""

    text: str = ""
    redacted: bool = False
    provider_metadata: Metadata | None = None

    def to_dict(self) -> ReasoningPartDict:
        return cast("ReasoningPartDict", _without_defaults("reasoning", _fields(self)))


@dataclass(slots=True)
class ToolCallPart(Part):
    """A model's request to run a tool. A `server_executed` call was run by the provider and is never run here."""

    name: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    tool_call_id: str | None = None
    server_executed: bool = False
    provider_metadata: Metadata | None = None

    def to_dict(self) -> ToolCallPartDict:
        return cast("ToolCallPartDict", _without_defaults("tool_call", _fields(self)))


@dataclass(slots=True)
class ToolResultPart(Part):
    """The result of a tool call, as the text that the model reads."""

    name: str = ""
    output: str = ""
    tool_call_id: str | None = None
    server_executed: bool = False
    attachments: list[Attachment] = field(default_factory=list)
    exception: str | None = None
    provider_metadata: Metadata | None = None

    def to_dict(self) -> ToolResultPartDict:
        values = _fields(self)
        values["attachments"] = [attachment.to_dict() for attachment in self.attachments]
        return cast("ToolResultPartDict", _without_defaults("tool_result", values))


@dataclass(slots=True)
class AttachmentPart(Part):
    """An image, a sound or another file, in its place among the other parts."""

    attachment: Attachment | None = None
    provider_metadata: Metadata | None = None

    def to_dict(self) -> AttachmentPartDict:
        values = _fields(self)
        values["attachment"] = self.attachment.to_dict() if self.attachment is not None else None
        return cast("AttachmentPartDict", _without_defaults("attachment", values))


# The types of what `to_dict()` writes, for all kinds of parts together.
_FIELDS: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "name": str,
    "arguments": dict,
    "output": str,
    "exception": str,
    "tool_call_id": str,
    "redacted": bool,
    "server_executed": bool,
    "provider_metadata": dict,
    "attachment": dict,
    "attachments": (list, tuple),
    "citations": (list, tuple),
}
_PART_TYPES: dict[str, type[Part]] = {
    "text": TextPart,
    "reasoning": ReasoningPart,
    "tool_call": ToolCallPart,
    "tool_result": ToolResultPart,
    "attachment": AttachmentPart,
}


def _without_empty_metadata(value: Any) -> None:
    """Treat empty metadata like none."""
    if getattr(value, "provider_metadata", None) == {}:
        value.provider_metadata = None


def _fields(part: Part) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__dataclass_fields__}


@dataclass(slots=True)
class Message:
    """One message of a conversation: a role and its parts. Messages with the same content are equal."""

    role: Role
    parts: list[Part] = field(default_factory=list)
    provider_metadata: Metadata | None = None

    def __post_init__(self) -> None:
        _without_empty_metadata(self)

    def to_dict(self) -> MessageDict:
        """Return a JSON-safe dict without the fields that are not set."""
        data: dict[str, Any] = {"role": self.role, "parts": [part.to_dict() for part in self.parts]}
        if self.provider_metadata:
            data["provider_metadata"] = as_json(self.provider_metadata)
        return cast("MessageDict", data)

    @staticmethod
    def from_dict(d: MessageDict) -> Message:
        """Return the message that `to_dict()` wrote.

        Raises:
            ValueError: the dict lacks the role, or a value in it is of another type than `to_dict()` writes.
        """
        given = checked(d, "a message", {"role": str}, {"parts": (list, tuple), "provider_metadata": dict})
        metadata = given.get("provider_metadata")
        return Message(
            role=given["role"],
            parts=[Part.from_dict(part) for part in given.get("parts") or ()],
            provider_metadata=None if metadata is None else from_json(metadata),
        )


@dataclass(slots=True)
class StreamEvent:
    """A piece of a response as it arrives.

    Attributes:
        type: the kind of part to which the piece belongs. A tool call arrives as its name, then its arguments as JSON text, and an
            attachment, such as a picture that the model has made, as a whole.
        chunk: the piece of text.
        part_index: groups events into parts. With None the assembler decides: consecutive text (or reasoning) belongs
            together, tool calls are grouped by `tool_call_id`, and every tool result and attachment is a separate part.
        tool_call_id: the call to which a tool event belongs.
        server_executed: whether the provider ran this call itself.
        tool_name: the tool from which a tool result comes.
        redacted: whether the model reasoned but the provider withholds the text.
        provider_metadata: opaque data that goes back to the provider unchanged. The metadata of the events of one part is
            merged key by key, and later values win.
        message_index: for providers that answer with several messages; a new index starts a new Message.
        citations: sources of the text; without a chunk and a `part_index`, of the latest text.
        attachment: the attachment of an attachment event.
    """

    type: EventType
    chunk: str
    part_index: int | None = None
    tool_call_id: str | None = None
    server_executed: bool = False
    tool_name: str | None = None
    redacted: bool = False
    provider_metadata: Metadata | None = None
    message_index: int = 0
    citations: list[Citation] | None = None
    attachment: Attachment | None = None


Content = str | Attachment | Part


def _to_parts(items: Iterable[Content | Iterable[Content]]) -> list[Part]:
    parts: list[Part] = []
    for item in items:
        if isinstance(item, str):
            parts.append(TextPart(item))
        elif isinstance(item, Attachment):
            parts.append(AttachmentPart(item))
        elif isinstance(item, Part):
            parts.append(item)
        elif isinstance(item, list | tuple):
            parts.extend(_to_parts(item))
        else:
            raise TypeError(f"A message takes strings, Attachments, Parts or lists of them, not {type(item).__name__}.")
    return parts


def system(*items: Content | Iterable[Content], provider_metadata: Metadata | None = None) -> Message:
    """Return a system message made of strings, Attachments, Parts or lists of them."""
    return Message("system", _to_parts(items), provider_metadata)


def user(*items: Content | Iterable[Content], provider_metadata: Metadata | None = None) -> Message:
    """Return a user message made of strings, Attachments, Parts or lists of them."""
    return Message("user", _to_parts(items), provider_metadata)


def assistant(*items: Content | Iterable[Content], provider_metadata: Metadata | None = None) -> Message:
    """Return an assistant message made of strings, Attachments, Parts or lists of them."""
    return Message("assistant", _to_parts(items), provider_metadata)


def tool_message(*items: Content | Iterable[Content], provider_metadata: Metadata | None = None) -> Message:
    """Return a tool message, usually made of ToolResultParts."""
    return Message("tool", _to_parts(items), provider_metadata)


def error_message(error: BaseException) -> str:
    """Return the message of an error; empty if it has none or fails to give it. Never raises."""
    try:
        return str(error)
    except Exception:
        return ""


def json_text(value: object) -> str:
    """Return compact JSON, as it is sent to providers. Non-ASCII characters are not escaped."""
    return _JSON.encode(value)


@dataclass(slots=True)
class Usage:
    """The tokens that a response used, as the provider counts them. A count that the provider does not report is None.

    Attributes:
        input: tokens of everything that was sent.
        output: tokens of everything that was received, including reasoning.
        details: the provider's own finer counts.
    """

    input: int | None = None
    output: int | None = None
    details: dict[str, Any] | None = None


def _written(arguments: dict[str, Any]) -> str:
    """Return the text of a call's arguments as a model writes them: JSON, or what the model wrote instead of a JSON object."""
    raw = arguments.get(RAW_ARGUMENTS) if len(arguments) == 1 else None
    try:
        is_raw = isinstance(raw, str) and not isinstance(json.loads(raw), dict)
    except (ValueError, RecursionError):
        is_raw = True
    return cast("str", raw) if is_raw else json_text(arguments)


def events_of(part: Part, message_index: int) -> Iterator[StreamEvent]:
    """Yield the events in which a finished part would have arrived in a stream."""
    metadata = getattr(part, "provider_metadata", None)
    if isinstance(part, TextPart):
        yield StreamEvent(
            "text",
            part.text,
            provider_metadata=metadata,
            message_index=message_index,
            citations=list(part.citations) or None,
        )
    elif isinstance(part, AttachmentPart):
        yield StreamEvent(
            "attachment", "", provider_metadata=metadata, message_index=message_index, attachment=part.attachment
        )
    elif isinstance(part, ReasoningPart):
        yield StreamEvent(
            "reasoning", part.text, redacted=part.redacted, provider_metadata=metadata, message_index=message_index
        )
    elif isinstance(part, ToolCallPart):
        call: dict[str, Any] = {
            "tool_call_id": part.tool_call_id,
            "server_executed": part.server_executed,
            "message_index": message_index,
        }
        yield StreamEvent("tool_call_name", part.name, provider_metadata=metadata, **call)
        yield StreamEvent("tool_call_args", _written(part.arguments), **call)
    elif isinstance(part, ToolResultPart):
        yield StreamEvent(
            "tool_result",
            part.output,
            tool_call_id=part.tool_call_id,
            server_executed=part.server_executed,
            tool_name=part.name,
            provider_metadata=metadata,
            message_index=message_index,
        )
