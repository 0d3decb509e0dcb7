"""Attachments that are addresses, for APIs that take only bytes: they are fetched here and sent in the place of the address.

The prompt keeps the address. What was fetched belongs to the one chain that it was fetched for, so its later rounds do not fetch it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from llm_notebook.errors import ModelError
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart, ToolResultPart

if TYPE_CHECKING:
    from llm_notebook.turns.prompt import Prompt

__all__ = ["Needs", "afetch_missing", "fetch_missing"]

Needs = Callable[[str], bool]
"""Returns whether attachments of a MIME type are sent as bytes, as the provider fetches none."""


def fetch_missing(prompt: Prompt, needs: Needs) -> Prompt:
    """Return the prompt with bytes for every address that the provider does not fetch; the prompt itself if there is none.

    An address that a tool has written and that cannot be fetched, or may not be, is told to the model in words: nobody can take it back, and
    it must not end the conversation.

    Raises:
        ModelError: something that the user has attached cannot be fetched, or may not be.
    """
    for url, by_user in _missing(prompt, needs):
        from llm_notebook.providers.http.fetching import fetch  # loads httpx, and few prompts need it

        with _keeping_refusals(prompt, url, by_user=by_user):
            prompt.fetched[url] = fetch(url, by_user=by_user).content
    return _with_bytes(prompt, needs)


async def afetch_missing(prompt: Prompt, needs: Needs) -> Prompt:
    """Do what `fetch_missing()` does without blocking the event loop."""
    for url, by_user in _missing(prompt, needs):
        from llm_notebook.providers.http.fetching import afetch  # loads httpx, and few prompts need it

        with _keeping_refusals(prompt, url, by_user=by_user):
            prompt.fetched[url] = (await afetch(url, by_user=by_user)).content
    return _with_bytes(prompt, needs)


@contextmanager
def _keeping_refusals(prompt: Prompt, url: str, *, by_user: bool) -> Iterator[None]:
    """Keep why an address was not fetched, unless the user has written it."""
    try:
        yield
    except ModelError as error:
        if by_user:
            raise
        prompt.fetched[url] = str(error)


def _missing(prompt: Prompt, needs: Needs) -> Iterator[tuple[str, bool]]:
    """Yield each address that has to be fetched, and whether the user wrote it. What a tool attached was written by somebody else."""
    from llm_notebook.turns.going_on import comes_from_tool  # loads what only a prompt needs

    for message in _asked(prompt):
        for part in message.parts:
            by_user = isinstance(part, AttachmentPart) and not comes_from_tool(part)
            for attachment in _attachments_of(part):
                url = attachment.url
                if url is None or not _is_needed(attachment, needs):
                    continue
                known = prompt.fetched.get(url)
                if known is None or (by_user and isinstance(known, str)):
                    yield url, by_user


def _asked(prompt: Prompt) -> list[Message]:
    """Return the messages whose attachments may go as bytes. What a model has made goes back in its own way, or not at all."""
    return [message for message in prompt.messages if message.role != "assistant"]


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
    sent = [message if message.role == "assistant" else _filled(message, prompt, needs) for message in prompt.messages]
    return prompt.with_messages(sent)


def _filled(message: Message, prompt: Prompt, needs: Needs) -> Message:
    """Return a message with what was fetched in the place of addresses."""
    if not any(_attachments_of(part) for part in message.parts):
        return message
    return replace(message, parts=[_filled_part(part, prompt, needs) for part in message.parts])


def _filled_part(part: Part, prompt: Prompt, needs: Needs) -> Part:
    found = [_fetched(attachment, prompt, needs) for attachment in _attachments_of(part)]
    problems = [problem for problem in found if isinstance(problem, str)]
    attachments = [attachment for attachment in found if isinstance(attachment, Attachment)]
    if isinstance(part, ToolResultPart):
        output = "\n".join([*([part.output] if part.output else []), *problems])
        return replace(part, output=output, attachments=attachments)
    if isinstance(part, AttachmentPart) and found:
        return TextPart(problems[0]) if problems else replace(part, attachment=attachments[0])
    return part


def _fetched(attachment: Attachment, prompt: Prompt, needs: Needs) -> Attachment | str:
    """Return an attachment with its bytes, or what the model is told of one that could not be fetched."""
    if attachment.url is None or not _is_needed(attachment, needs):
        return attachment
    found = prompt.fetched[attachment.url]
    if isinstance(found, str):
        return f"(An attachment of this result is missing: {found})"
    return Attachment(type=attachment.known_type(), content=found)
