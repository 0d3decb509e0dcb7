"""A check of requests against the types in Anthropic's own library: valid, and without fields that it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from pydantic import BaseModel, TypeAdapter

__all__ = ["assert_messages_request"]

_STREAMED, _WHOLE = TypeAdapter(MessageCreateParamsStreaming), TypeAdapter(MessageCreateParamsNonStreaming)


def assert_messages_request(body: Mapping[str, Any]) -> None:
    """Assert that the body is a Messages request as Anthropic's library types it."""
    assert _read((_STREAMED if body.get("stream") else _WHOLE).validate_python(dict(body))) == body


def _read(value: Any) -> Any:
    """Return what the types keep: unknown fields are dropped, and iterables are checked as they are read."""
    if isinstance(value, BaseModel):
        # An answer's content may be sent back as the object that it came as.
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {name: _read(inner) for name, inner in value.items()}
    return value if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else [*map(_read, value)]
