"""Attachments that are addresses, for APIs that take only bytes: they are fetched here and sent in the place of the address.

The prompt keeps the address. What was fetched belongs to the one chain that it was fetched for, so its later rounds do not fetch it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, Message, Part, ToolResultPart

if TYPE_CHECKING:
    from llm_notebook.turns.prompt import Prompt

__all__ = ["Needs", "afetch_missing", "fetch_missing"]

Needs = Callable[[str], bool]
"""Returns whether attachments of a MIME type are sent as bytes, as the provider fetches none."""


def fetch_missing(prompt: Prompt, needs: Needs) -> Prompt:
    """Return the prompt with bytes for every address that the provider does not fetch; the prompt itself if there is none.

    Raises:
        ModelError: something cannot be fetched, or may not be.
    """
    for url, by_user in _missing(prompt, needs):
        from llm_notebook.providers.http.fetching import fetch  # loads httpx, and few prompts need it

        prompt.fetched[url] = fetch(url, by_user=by_user).content
    return _with_bytes(prompt, needs)


async def afetch_missing(prompt: Prompt, needs: Needs) -> Prompt:
    """Do what `fetch_missing()` does without blocking the event loop."""
    for url, by_user in _missing(prompt, needs):
        from llm_notebook.providers.http.fetching import afetch  # loads httpx, and few prompts need it

        prompt.fetched[url] = (await afetch(url, by_user=by_user)).content
    return _with_bytes(prompt, needs)


def _missing(prompt: Prompt, needs: Needs) -> Iterator[tuple[str, bool]]:
    """Yield each address that has to be fetched, and whether the user wrote it. What a tool attached was written by somebody else."""
    from llm_notebook.turns.going_on import comes_from_tool  # loads what only a prompt needs

    for message in prompt.messages:
        for part in message.parts:
            if not isinstance(part, AttachmentPart | ToolResultPart):
                continue
            is_own = message.role in ("user", "system") and not comes_from_tool(part)
            by_user = isinstance(part, AttachmentPart) and is_own
            for attachment in _attachments_of(part):
                url = attachment.url
                if url is not None and _is_needed(attachment, needs) and url not in prompt.fetched:
                    yield url, by_user


def _attachments_of(part: Part) -> list[Attachment]:
    if isinstance(part, AttachmentPart):
        return [part.attachment] if part.attachment is not None else []
    return part.attachments if isinstance(part, ToolResultPart) else []


def _is_needed(attachment: Attachment, needs: Needs) -> bool:
    is_only_address = attachment.content is None and attachment.path is None
    is_on_the_web = (attachment.url or "").lower().startswith(("http:", "https:"))
    return is_only_address and is_on_the_web and needs(attachment.known_type() or "")


def _with_bytes(prompt: Prompt, needs: Needs) -> Prompt:
    if not prompt.fetched:
        return prompt

    def fetched(attachment: Attachment) -> Attachment:
        if attachment.url is None or not _is_needed(attachment, needs):
            return attachment
        return Attachment(type=attachment.known_type(), content=prompt.fetched[attachment.url])

    def with_bytes(part: Part) -> Part:
        if isinstance(part, AttachmentPart) and part.attachment is not None:
            return replace(part, attachment=fetched(part.attachment))
        if isinstance(part, ToolResultPart) and part.attachments:
            return replace(part, attachments=[fetched(attachment) for attachment in part.attachments])
        return part

    def sent(message: Message) -> Message:
        if not any(_attachments_of(part) for part in message.parts):
            return message
        return replace(message, parts=[with_bytes(part) for part in message.parts])

    return prompt.with_messages([sent(message) for message in prompt.messages])
