"""Anthropic's own request types as a check: what we send is what its library takes, with no field that it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from pydantic import BaseModel, TypeAdapter

__all__ = ["assert_messages_request"]

_STREAMED, _WHOLE = TypeAdapter(MessageCreateParamsStreaming), TypeAdapter(MessageCreateParamsNonStreaming)


def assert_messages_request(body: Mapping[str, Any]) -> None:
    """The body is a Messages request as Anthropic's library types it."""
    assert _read((_STREAMED if body.get("stream") else _WHOLE).validate_python(dict(body))) == body


def _read(value: Any) -> Any:
    """What the types make of it: fields that they do not know are missing, and iterables are checked only as they are walked."""
    if isinstance(value, BaseModel):
        # What a model said may go back as the object it came as.
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Mapping):
        return {name: _read(inner) for name, inner in value.items()}
    return value if isinstance(value, str | bytes) or not hasattr(value, "__iter__") else [*map(_read, value)]
