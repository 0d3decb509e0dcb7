"""Keeps messages in the form in which they were sent, so that the rounds of a chain and the turns of a conversation encode only what is new."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llm_notebook.parts.messages import Message

__all__ = ["EncodedMessages"]


@dataclass(slots=True, eq=False)
class EncodedMessages:
    """Messages with their text in the form of one wire, by the `id()` of the message. Messages do not change once they are sent.

    The turns of a conversation may run at the same time, in threads. Then one may repeat what another has encoded.
    """

    _form: Hashable = None
    _texts: dict[int, tuple[Message, str]] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type[EncodedMessages], tuple[()]]:
        """Leave the texts out of a pickle, because messages have other ids where it is loaded."""
        return EncodedMessages, ()

    def in_form(self, form: Hashable, messages: Sequence[Message]) -> dict[int, tuple[Message, str]]:
        """Return the known texts in a form; the caller adds those that are missing.

        Args:
            form: the wire, and everything else that the text of a message depends on. Texts in another form are forgotten.
            messages: what is sent next. If it contains few of the known messages, the others are forgotten.
        """
        texts = self._texts
        if form != self._form:
            texts = {}
        elif len(texts) > 2 * len(messages) + 16:
            sent = {id(message) for message in messages}
            texts = {known: text for known, text in texts.items() if known in sent}
        self._form, self._texts = form, texts
        return texts
