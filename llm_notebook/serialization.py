"""The JSON that this package writes and reads: TypedDicts for what `to_dict()` returns, and a type for any JSON value.

`pydantic.TypeAdapter(MessageDict)` validates such JSON and gives its schema. For this the annotations have to be types and not text, and before
Python 3.12 pydantic accepts only the TypedDict of `typing_extensions`, on which it depends.
"""

import sys
from typing import Any, Literal, NotRequired

if sys.version_info >= (3, 12):
    from typing import TypedDict
else:
    from typing_extensions import TypedDict

from llm_notebook.public_names import load_once

__all__ = [
    "JSON",
    "AttachmentDict",
    "AttachmentPartDict",
    "CitationDict",
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

load_once(__name__, "llm_notebook.serialization")

# A value that was decoded from JSON. Check it with `isinstance` before use. Functions that encode values take `object` instead:
# lists and dicts are invariant, so that a `dict[str, str]` is no `dict[str, JSON]`.
JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]


class AttachmentDict(TypedDict, total=False):
    """An Attachment, with its `content` in base64, or with the `digest` of a file whose content is not kept."""

    type: str
    path: str
    url: str
    content: str
    digest: str


class CitationDict(TypedDict, total=False):
    """A Citation. What is not known is absent."""

    url: str
    title: str
    text: str
    start: int
    end: int


class TextPartDict(TypedDict):
    """A TextPart."""

    type: Literal["text"]
    text: str
    citations: NotRequired[list[CitationDict]]
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
    """What the model was sent for a response."""

    messages: list[MessageDict]
    options: NotRequired[dict[str, Any]]
    system: NotRequired[str]


class UsageDict(TypedDict, total=False):
    """Token counts. Those that the provider does not report are absent."""

    input: int
    output: int
    details: dict[str, Any]


class ResponseDict(TypedDict):
    """A Response, with everything that is needed to continue it except the tools."""

    model: str
    prompt: PromptDict
    messages: list[MessageDict]
    id: NotRequired[str]
    usage: NotRequired[UsageDict]
    datetime_utc: NotRequired[str]
