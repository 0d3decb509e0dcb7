"""The outcome of an answer in any wire format, to compare different ways of receiving it."""

from __future__ import annotations

import itertools
from typing import Any

import llm_notebook as llm
from llm_notebook.turns.assembly import Assembler

__all__ = ["outcome", "parts_of"]


def outcome(decoder: Any, *pieces: bytes) -> dict[str, Any]:
    """Return everything that a reader can see of these pieces, with the ids that the decoder generated numbered."""
    items = [item for piece in pieces for item in decoder.feed(piece)]
    try:
        items += decoder.drain()
        decoder.close()
        error = None
    except llm.ModelError as raised:
        error = (type(raised).__name__, str(raised))
    assembler = Assembler()
    for item in items:
        assembler.feed(llm.StreamEvent("text", item) if isinstance(item, str) else item)
    messages = assembler.partial_messages()
    if error is None:
        try:
            messages = assembler.messages()
        except llm.ModelError as raised:
            error = (type(raised).__name__, str(raised))
    return {
        "parts": _numbered([part.to_dict() for message in messages for part in message.parts]),
        "error": error,
        "json": decoder.response_json,
        "usage": decoder.usage,
        "model": decoder.resolved_model,
    }


def parts_of(decoder: Any, *pieces: bytes) -> list[Any]:
    """Return the parts of a complete answer."""
    found = outcome(decoder, *pieces)
    assert found["error"] is None
    parts: list[Any] = found["parts"]
    return parts


def _numbered(parts: list[Any]) -> list[Any]:
    numbers = itertools.count(1)
    made: dict[str, str] = {}
    for part in parts:
        call_id = part.get("tool_call_id", "")
        if call_id.startswith("tc_"):
            part["tool_call_id"] = made.setdefault(call_id, f"made {next(numbers)}")
    return parts
