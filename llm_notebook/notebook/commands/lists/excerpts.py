"""What the lists quote of messages, on one line each."""

from __future__ import annotations

from collections.abc import Sequence

from llm_notebook.parts.messages import Message, TextPart

__all__ = ["excerpt", "latest_by", "text_of"]


def excerpt(text: str, most: int) -> str:
    """Return a text on one line, with an ellipsis if it has more characters than `most`."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def latest_by(messages: Sequence[Message], role: str) -> Message | None:
    """Return the latest message with this role, or None if there is none."""
    return next((message for message in reversed(messages) if message.role == role), None)


def text_of(message: Message | None) -> str:
    """Return the text of a message; empty if there is none."""
    parts = message.parts if message is not None else []
    return " ".join(part.text for part in parts if isinstance(part, TextPart))
