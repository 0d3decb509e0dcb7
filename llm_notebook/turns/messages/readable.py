"""Replaces attachments of tools that a model cannot read by a line of text.

A tool's result is not the user's input: nobody can take back a picture in it, so it must not end a chain, nor make every later turn of the
conversation fail. The history keeps the attachment for a model that can read it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import Message, Part, ToolResultPart

if TYPE_CHECKING:
    from llm_notebook.turns.plan import ChainModel

__all__ = ["Readable"]


@dataclass(slots=True, eq=False)
class Readable:
    """The messages as one model reads them. A message that needs no change stays the same object, and a changed one is created once."""

    _made: dict[int, tuple[Message, Message]] = field(default_factory=dict)

    def messages(self, messages: list[Message], model: ChainModel) -> list[Message]:
        """Return the messages with a line of text in place of each tool attachment that the model cannot read."""
        # In a long chain, most results have nothing attached.
        return [
            self._one(message, model) if message.role == "tool" and _has_attachments(message) else message
            for message in messages
        ]

    def _one(self, message: Message, model: ChainModel) -> Message:
        kept = self._made.get(id(message))
        # After a message is freed, another one may get its id.
        if kept is not None and kept[0] is message:
            return kept[1]
        parts = [_part(part, model) for part in message.parts]
        is_same = all(new is old for new, old in zip(parts, message.parts, strict=True))
        made = message if is_same else replace(message, parts=parts)
        self._made[id(message)] = (message, made)
        return made


def _has_attachments(message: Message) -> bool:
    return any(part.attachments for part in message.parts if isinstance(part, ToolResultPart))


def _part(part: Part, model: ChainModel) -> Part:
    if not isinstance(part, ToolResultPart) or not part.attachments:
        return part
    read: list[Attachment] = []
    told: list[str] = []
    for attachment in part.attachments:
        seen = _as_it_is(attachment)
        problem = _problem(seen, model.attachment_types)
        if problem:
            told.append(problem)
        else:
            read.append(seen)
    if read == part.attachments:
        return part
    return replace(part, output="\n".join([*([part.output] if part.output else []), *told]), attachments=read)


def _as_it_is(attachment: Attachment) -> Attachment:
    """Return a picture with the type of its content: providers refuse a picture with a wrong type, and with it every later turn."""
    if attachment.content is None or not (attachment.type or "").lower().startswith("image/"):
        return attachment
    kind = Attachment(content=attachment.content).known_type()
    is_another = kind is not None and kind.startswith("image/") and kind != attachment.known_type()
    return replace(attachment, type=kind) if is_another else attachment


def _problem(attachment: Attachment, types: Collection[str]) -> str:
    """Return the text that replaces an attachment that the model cannot read; empty if it can."""
    try:
        kind = attachment.known_type()
        if kind in types and attachment.digest is not None and attachment.content is None:
            attachment.content_bytes()
    except (OSError, ValueError) as error:
        return f"(An attachment of this result cannot be shown: {error})"
    if kind in types:
        return ""
    size = "" if attachment.content is None else f", {len(attachment.content):,} bytes"
    what = f"{kind or 'data of an unknown type'}{size}"
    return f"(The tool also returned {what}. It cannot be sent to you: you get only text, and the kinds of attachments that you are known to read.)"
