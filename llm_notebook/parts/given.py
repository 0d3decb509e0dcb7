"""Converts what users write into attachments and messages.

An attachment may be given as a path, an address or bytes, and a message as a dict: the one that `Message.to_dict()` writes, or one in the form
of OpenAI's Chat Completions, in which many programs keep their histories.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import (
    RAW_ARGUMENTS,
    AttachmentPart,
    Message,
    Part,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)

__all__ = ["as_attachment", "as_messages", "settled_message"]

_ROLES = {role: role for role in ("system", "user", "assistant", "tool")} | {"developer": "system", "function": "tool"}
_ADDRESSES = ("http://", "https://", "data:", "gs://", "s3://")


def as_attachment(item: object, *, by_user: bool = False) -> Attachment:
    """Return a settled attachment, with the content of its file.

    Args:
        item: an Attachment, a path, an address or bytes.
        by_user: whether the user has written the address, so that its server may be asked for the type.

    Raises:
        TypeError: it is something else.
        OSError: the file cannot be read.
    """
    return _as_attachment(item).settled(by_user=by_user)


def as_messages(given: object) -> list[Message]:
    """Return messages whose attachments are settled.

    Args:
        given: Messages, or dicts in the form of `Message.to_dict()` or of OpenAI's Chat Completions.

    Raises:
        TypeError: something else is among them.
        ValueError: a dict is not a message.
        OSError: a file that is attached cannot be read.
    """
    if isinstance(given, Message | str | Mapping) or not isinstance(given, Iterable):
        raise TypeError(f"messages= takes a list, such as [user('…'), assistant('…')], not {type(given).__name__}.")
    messages: list[Message] = []
    names: dict[str, str] = {}
    for item in given:
        if isinstance(item, Message):
            messages.append(settled_message(item))
        elif isinstance(item, Mapping):
            messages.append(settled_message(_message_of(item, names)))
        else:
            raise TypeError(
                f"messages= takes Messages, such as user('…'), or dicts with a role, not {type(item).__name__}."
            )
    return messages


def settled_message(message: Message) -> Message:
    """Return a message whose attachments are settled; the message itself if they already are."""
    # The user has not written an address in a model's answer.
    by_user = message.role in ("user", "system")
    parts = [_settled_part(part, by_user=by_user) for part in message.parts]
    if all(new is old for new, old in zip(parts, message.parts, strict=True)):
        return message
    return replace(message, parts=parts)


def _settled_part(part: Part, *, by_user: bool) -> Part:
    if isinstance(part, AttachmentPart) and part.attachment is not None:
        settled = part.attachment.settled(by_user=by_user)
        return part if settled is part.attachment else replace(part, attachment=settled)
    if isinstance(part, ToolResultPart) and part.attachments:
        attachments = [attachment.settled() for attachment in part.attachments]
        is_same = all(new is old for new, old in zip(attachments, part.attachments, strict=True))
        return part if is_same else replace(part, attachments=attachments)
    return part


def _as_attachment(item: object) -> Attachment:
    if isinstance(item, Attachment):
        return item
    if isinstance(item, str) and item.lower().startswith(_ADDRESSES):
        return Attachment(url=item)
    if isinstance(item, str | os.PathLike):
        return Attachment(path=item)
    if isinstance(item, bytes | bytearray | memoryview):
        return Attachment(content=item)
    raise TypeError(
        f"attachments= takes Attachments, figures, images, paths, addresses or bytes, not {type(item).__name__}; "
        "what is in memory goes as Attachment(type='image/png', content=…)."
    )


def _message_of(data: Mapping[str, Any], names: dict[str, str]) -> Message:
    """Return the message that a dict represents.

    Args:
        data: the dict.
        names: the tools by the ids of their calls, which this extends; results of Chat Completions name only the call.
    """
    role = _ROLES.get(data.get("role", ""))
    if role is None:
        raise ValueError(f"A message in messages= has the role {data.get('role')!r}; there are {', '.join(_ROLES)}.")
    if isinstance(data.get("parts"), list):
        return Message.from_dict(cast("Any", data))
    parts = _parts_of(data.get("content"))
    if role == "tool":
        call_id = data.get("tool_call_id")
        text = "\n".join(part.text for part in parts if isinstance(part, TextPart))
        attachments = [part.attachment for part in parts if isinstance(part, AttachmentPart) and part.attachment]
        name = data.get("name") or names.get(call_id or "", "")
        return Message("tool", [ToolResultPart(name, text, call_id, attachments=attachments)])
    for call in data.get("tool_calls") or []:
        part = _call_of(call)
        names[part.tool_call_id or ""] = part.name
        parts.append(part)
    return Message(cast("Any", role), parts)


def _call_of(call: Any) -> ToolCallPart:
    try:
        function = call["function"]
        name, text = function["name"], function.get("arguments") or "{}"
    except (AttributeError, KeyError, TypeError):
        raise ValueError("A tool call in messages= has no function with a name.") from None
    try:
        arguments = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        arguments = None
    return ToolCallPart(name, arguments if isinstance(arguments, dict) else {RAW_ARGUMENTS: str(text)}, call.get("id"))


def _parts_of(content: object) -> list[Part]:
    """Return the parts in the content of a dict: text, or a list of text and pictures."""
    if content is None:
        return []
    if isinstance(content, str):
        return [TextPart(content)]
    if not isinstance(content, list):
        raise ValueError(f"The content of a message in messages= is text or a list, not {type(content).__name__}.")
    parts: list[Part] = []
    for item in content:
        kind = item.get("type") if isinstance(item, Mapping) else type(item).__name__
        if isinstance(item, str):
            parts.append(TextPart(item))
        elif isinstance(item, Part):
            parts.append(item)
        elif isinstance(item, Attachment):
            parts.append(AttachmentPart(item))
        elif kind in ("text", "input_text", "output_text"):
            parts.append(TextPart(str(item.get("text") or "")))
        elif kind in ("image_url", "input_image"):
            image = item.get("image_url")
            url = image.get("url") if isinstance(image, Mapping) else image
            # Histories come from elsewhere, so this must never be read as the path of a file.
            parts.append(AttachmentPart(Attachment(url=str(url))))
        else:
            raise ValueError(
                f"A message in messages= has content of the type {kind!r}; there are text and image_url: "
                "give anything else as an Attachment, as in user('…', Attachment(path='…'))."
            )
    return parts
