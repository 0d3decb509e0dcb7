"""Converts messages, parts, attachments, events, fragments and templates between this package and the `llm` package."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, get_args

import llm
from llm import parts as their_parts

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, EventType, Message, Part, StreamEvent, ToolResultPart
from llm_notebook.plugins.llm_package.failures import own_errors
from llm_notebook.plugins.llm_package.web_attachments import WebAttachment
from llm_notebook.templates.fragments import Fragment
from llm_notebook.templates.template import Template
from llm_notebook.turns.messages.going_on import comes_from_tool

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = [
    "is_by_user",
    "own_attachment",
    "own_events",
    "own_fragment_loader",
    "own_template_loader",
    "their_attachment",
    "their_messages",
]

# Their events carry neither attachments nor citations.
_KNOWN_EVENTS = frozenset(get_args(EventType)) - {"attachment"}
_FIELDS = tuple(name for name in StreamEvent.__dataclass_fields__ if name not in ("attachment", "citations"))


def their_attachment(attachment: Attachment, *, by_user: bool) -> llm.Attachment:
    """Return an attachment for a bridged model. Its type is found here, since `llm` would ask the server of a URL for it.

    Args:
        attachment: the attachment.
        by_user: whether the user has written its address, if it is one.
    """
    path = None if attachment.path is None else str(Path(attachment.path).expanduser())
    try:
        found = attachment.known_type() or attachment.type
    except OSError:
        found = attachment.type
    # Only the digest of a large file is kept; reading the file here makes sure that it is still the one that was attached.
    content = attachment.content_bytes() if attachment.digest is not None else attachment.content
    if path is None and content is None and (attachment.url or "").lower().startswith(("http:", "https:")):
        return WebAttachment(found, attachment.url or "", by_user=by_user)
    return llm.Attachment(type=found, path=path, url=attachment.url, content=content)


def is_by_user(part: Part, role: str) -> bool:
    """Return whether the user has written what is in a part of a message of this role."""
    return role in ("user", "system") and not comes_from_tool(part)


def own_attachment(attachment: llm.Attachment) -> Attachment:
    """Return an attachment of a bridged tool or loader as ours."""
    return Attachment(attachment.type, attachment.path, attachment.url, attachment.content)


def their_messages(messages: Iterable[Message]) -> Iterator[their_parts.Message]:
    """Yield messages for a bridged model.

    Attachments of tool results follow in a user message, as in the chains of `llm`, because few plugins look for them in the result.
    """
    for message in messages:
        parts = [_their_part(part, message.role) for part in message.parts]
        yield their_parts.Message(message.role, parts, copy.deepcopy(message.provider_metadata))
        attached = [
            attachment for part in message.parts if isinstance(part, ToolResultPart) for attachment in part.attachments
        ]
        if attached:
            yield their_parts.user(*(their_attachment(attachment, by_user=False) for attachment in attached))


def _their_part(part: Part, role: str) -> their_parts.Part:
    kind: type[their_parts.Part] = getattr(their_parts, type(part).__name__)
    # Their parts have no citations.
    names = [name for name in part.__dataclass_fields__ if "attachment" not in name and name != "citations"]
    # Dicts are copied, so that a plugin that changes one changes only its own.
    fields = {name: copy.deepcopy(getattr(part, name)) for name in names}
    if isinstance(part, AttachmentPart):
        fields["attachment"] = (
            None if part.attachment is None else their_attachment(part.attachment, by_user=is_by_user(part, role))
        )
    return kind(**fields)


def own_events(event: their_parts.StreamEvent) -> list[StreamEvent]:
    """Return the event as ours; an empty list for a kind of event that is not known here."""
    if event.type not in _KNOWN_EVENTS:
        return []
    values: dict[str, Any] = {name: getattr(event, name) for name in _FIELDS}
    return [StreamEvent(**values)]


def own_fragment_loader(loader: Callable[[str], object]) -> Callable[[str], list[Fragment | Attachment]]:
    """Return a fragment loader that returns Fragments and Attachments of ours."""

    @functools.wraps(loader)
    def load(argument: str) -> list[Fragment | Attachment]:
        with own_errors(argument):
            found = loader(argument)
        return [_own_fragment(part) for part in (found if isinstance(found, list | tuple) else [found])]

    return load


def _own_fragment(part: object) -> Fragment | Attachment:
    if isinstance(part, llm.Attachment):
        return own_attachment(part)
    if isinstance(part, str):
        return Fragment(part, getattr(part, "source", "") or "")
    # A plugin may know this package and return its classes. `resolve_fragments()` refuses anything else.
    return cast("Fragment | Attachment", part)


def own_template_loader(loader: Callable[[str], object]) -> Callable[[str], Template]:
    """Return a template loader that returns Templates of ours."""

    @functools.wraps(loader)
    def load(argument: str) -> Template:
        with own_errors(argument):
            template = cast("BaseModel", loader(argument))
        return Template.model_validate(template.model_dump(exclude_none=True))

    return load
