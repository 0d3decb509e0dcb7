"""Everything that a reader could see of one answer, for comparing ways in which its bytes arrived."""

from __future__ import annotations

from typing import Any

import llm_notebook as llm
from llm_notebook.assembly import Assembler

__all__ = ["outcome_of"]


def outcome_of(decoder: Any, *pieces: bytes) -> dict[str, Any]:
    """What a decoder makes of the pieces: messages, error, JSON, usage and model."""
    items = [item for piece in pieces for item in decoder.feed(piece)]
    try:
        items += decoder.close()
        error = None
    except llm.ModelError as raised:
        error = (type(raised).__name__, str(raised))
    assembler = Assembler()
    for item in items:
        assembler.feed(llm.StreamEvent("text", item) if isinstance(item, str) else item)
    messages = assembler.messages() if error is None else assembler.partial_messages()
    return {
        "messages": [message.to_dict() for message in messages],
        "error": error,
        "json": decoder.response_json,
        "usage": decoder.usage,
        "model": decoder.resolved_model,
    }
