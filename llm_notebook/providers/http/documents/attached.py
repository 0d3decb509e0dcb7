"""Fetches attachments given by address for APIs that accept only bytes, and sends the bytes in place of the address.

The prompt keeps the address. The fetched content belongs to one chain, whose later rounds do not fetch it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from llm_notebook.errors import ModelError
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import AttachmentPart, Message, Part, TextPart, ToolResultPart
from llm_notebook.parts.public_addresses import is_public_name

if TYPE_CHECKING:
    from llm_notebook.turns.prompt import Prompt

__all__ = ["Needs", "afetch_missing", "fetch_missing"]

Needs = Callable[[str], bool]
"""Returns whether attachments of a MIME type are sent as bytes, because the provider fetches none."""


class Receiver(Protocol):
    """The model to which a prompt goes, as far as attachments are concerned."""

    @property
    def address(self) -> str:
        """The address of its server."""

    def _needs_bytes(self, prompt: Prompt) -> Needs:
        """Return the function that says which types are always sent as bytes."""


def fetch_missing(prompt: Prompt, receiver: Receiver) -> Prompt:
    """Return the prompt with bytes for every address that the provider does not fetch; the prompt itself if there is none.

    A provider on the internet cannot fetch anything from this machine or the user's network, so that is sent as bytes too. If a tool has
    written an address that cannot or must not be fetched, the model reads a sentence instead: nobody can take the address back, and it must not
    end the conversation.

    Args:
        prompt: the prompt.
        receiver: the model that it goes to.

    Raises:
        ModelError: something that the user has attached cannot or must not be fetched.
    """
    rule = _Rule(prompt, receiver)
    for url, by_user in _missing(prompt, rule):
        from llm_notebook.providers.http.documents.fetching import fetch  # loads httpx, and few prompts need it

        with _keeping_refusals(prompt, url, by_user=by_user):
            prompt.fetched[url] = fetch(url, by_user=by_user).content
    return _with_bytes(prompt, rule)


async def afetch_missing(prompt: Prompt, receiver: Receiver) -> Prompt:
    """Do what `fetch_missing()` does without blocking the event loop."""
    rule = _Rule(prompt, receiver)
    for url, by_user in _missing(prompt, rule):
        from llm_notebook.providers.http.documents.fetching import afetch  # loads httpx, and few prompts need it

        with _keeping_refusals(prompt, url, by_user=by_user):
            prompt.fetched[url] = (await afetch(url, by_user=by_user)).content
    return _with_bytes(prompt, rule)


@dataclass(slots=True, frozen=True)
class _Rule:
    """The rule that says which addresses are fetched.

    Attributes:
        prompt: the prompt.
        receiver: the model that it goes to.
    """

    prompt: Prompt
    receiver: Receiver

    def applies(self, attachment: Attachment, *, by_user: bool) -> bool:
        """Return whether an attachment is an address that is fetched here, if that is allowed."""
        url = attachment.url or ""
        if attachment.content is not None or attachment.path is not None:
            return False
        if not url.lower().startswith(("http:", "https:")):
            return False
        # A private address from a tool is not passed on either, because a server in the user's network could fetch it.
        is_out_of_reach = not _is_public(url) and (not by_user or _is_public(self.receiver.address))
        return is_out_of_reach or self.receiver._needs_bytes(self.prompt)(attachment.known_type() or "")


def _is_public(url: str) -> bool:
    """Return whether the name in an address is public, as far as one can tell without resolving it."""
    try:
        return is_public_name((urlsplit(url).hostname or "").rstrip("."))
    except ValueError:
        return False


@contextmanager
def _keeping_refusals(prompt: Prompt, url: str, *, by_user: bool) -> Iterator[None]:
    """Remember why an address was not fetched, unless the user has written it."""
    try:
        yield
    except ModelError as error:
        if by_user:
            raise
        prompt.fetched[url] = str(error)


def _missing(prompt: Prompt, rule: _Rule) -> Iterator[tuple[str, bool]]:
    """Yield each address that has to be fetched, and whether the user wrote it."""
    for message in prompt.sent:
        for part in _parts_sent(message):
            by_user = _is_by_user(part)
            for attachment in _attachments_of(part):
                url = attachment.url
                if url is None or not rule.applies(attachment, by_user=by_user):
                    continue
                known = prompt.fetched.get(url)
                if known is None or (by_user and isinstance(known, str)):
                    yield url, by_user


def _parts_sent(message: Message) -> list[Part]:
    """Return the parts whose attachments may be sent as bytes. Attachments that a model has made go back in their own way, or not at all."""
    return [] if message.role == "assistant" else message.parts


def _is_by_user(part: Part) -> bool:
    """Return whether the user has written the content of a part. What a tool attached was written by somebody else."""
    from llm_notebook.turns.messages.going_on import comes_from_tool  # loads what only a prompt needs

    return isinstance(part, AttachmentPart) and not comes_from_tool(part)


def _attachments_of(part: Part) -> list[Attachment]:
    if isinstance(part, AttachmentPart):
        return [part.attachment] if part.attachment is not None else []
    return part.attachments if isinstance(part, ToolResultPart) else []


def _with_bytes(prompt: Prompt, rule: _Rule) -> Prompt:
    if not prompt.fetched:
        return prompt
    return prompt.with_messages([_filled(message, prompt, rule) for message in prompt.sent])


def _filled(message: Message, prompt: Prompt, rule: _Rule) -> Message:
    """Return a message with fetched content in place of addresses."""
    if not any(_attachments_of(part) for part in _parts_sent(message)):
        return message
    return replace(message, parts=[_filled_part(part, prompt, rule) for part in message.parts])


def _filled_part(part: Part, prompt: Prompt, rule: _Rule) -> Part:
    by_user = _is_by_user(part)
    found = [
        _fetched(attachment, prompt) if rule.applies(attachment, by_user=by_user) else attachment
        for attachment in _attachments_of(part)
    ]
    problems = [problem for problem in found if isinstance(problem, str)]
    attachments = [attachment for attachment in found if isinstance(attachment, Attachment)]
    if isinstance(part, ToolResultPart):
        output = "\n".join([*([part.output] if part.output else []), *problems])
        return replace(part, output=output, attachments=attachments)
    if isinstance(part, AttachmentPart) and found:
        return TextPart(problems[0]) if problems else replace(part, attachment=attachments[0])
    return part


def _fetched(attachment: Attachment, prompt: Prompt) -> Attachment | str:
    """Return an attachment with its bytes, or the sentence that the model reads if it could not be fetched."""
    found = prompt.fetched[attachment.url or ""]
    if isinstance(found, str):
        return f"(An attachment of this result is missing: {found})"
    return Attachment(type=attachment.known_type(), content=found)
