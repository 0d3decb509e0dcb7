"""The shapes of what `to_dict()` returns and `from_dict()` reads, as TypedDicts."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

__all__ = [
    "AttachmentDict",
    "AttachmentPartDict",
    "MessageDict",
    "PartDict",
    "PromptDict",
    "ReasoningPartDict",
    "ResponseDict",
    "TextPartDict",
    "ToolCallPartDict",
    "ToolResultPartDict",
    "UsageDict",
]


class AttachmentDict(TypedDict, total=False):
    """An Attachment. `content` is base64."""

    type: str
    path: str
    url: str
    content: str


class TextPartDict(TypedDict):
    """A TextPart."""

    type: Literal["text"]
    text: str
    provider_metadata: NotRequired[dict[str, Any]]


class ReasoningPartDict(TypedDict):
    """A ReasoningPart."""

    type: Literal["reasoning"]
    text: str
    redacted: NotRequired[bool]
    provider_metadata: NotRequired[dict[str, Any]]


class ToolCallPartDict(TypedDict):
    """A ToolCallPart."""

    type: Literal["tool_call"]
    name: str
    arguments: dict[str, Any]
    tool_call_id: NotRequired[str]
    server_executed: NotRequired[bool]
    provider_metadata: NotRequired[dict[str, Any]]


class ToolResultPartDict(TypedDict):
    """A ToolResultPart."""

    type: Literal["tool_result"]
    name: str
    output: str
    tool_call_id: NotRequired[str]
    server_executed: NotRequired[bool]
    exception: NotRequired[str]
    attachments: NotRequired[list[AttachmentDict]]
    provider_metadata: NotRequired[dict[str, Any]]


class AttachmentPartDict(TypedDict):
    """An AttachmentPart."""

    type: Literal["attachment"]
    attachment: NotRequired[AttachmentDict]
    provider_metadata: NotRequired[dict[str, Any]]


PartDict = TextPartDict | ReasoningPartDict | ToolCallPartDict | ToolResultPartDict | AttachmentPartDict


class MessageDict(TypedDict):
    """A Message."""

    role: Literal["system", "user", "assistant", "tool"]
    parts: list[PartDict]
    provider_metadata: NotRequired[dict[str, Any]]


class PromptDict(TypedDict):
    """What a response's model was sent."""

    messages: list[MessageDict]
    options: NotRequired[dict[str, Any]]
    system: NotRequired[str]


class UsageDict(TypedDict, total=False):
    """Tokens, as far as the provider told them."""

    input: int
    output: int
    details: dict[str, Any]


class ResponseDict(TypedDict):
    """A Response. What is needed to continue it; tools are not in it."""

    model: str
    prompt: PromptDict
    messages: list[MessageDict]
    usage: NotRequired[UsageDict]
    datetime_utc: NotRequired[str]
