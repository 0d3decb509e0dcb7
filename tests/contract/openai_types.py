"""A check of requests against the types in OpenAI's SDK: valid, and without fields that it does not know."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from typing import Any

import openai.types
import pydantic
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from typing_extensions import is_typeddict

__all__ = ["assert_chat_request", "assert_responses_request"]


def assert_chat_request(body: Mapping[str, Any]) -> None:
    """Assert that the body is a Chat Completions request as the SDK types it."""
    _check(CompletionCreateParamsStreaming if body.get("stream") else CompletionCreateParamsNonStreaming, body)


def assert_responses_request(body: Mapping[str, Any]) -> None:
    """Assert that the body is a Responses request as the SDK types it."""
    _check(ResponseCreateParamsStreaming if body.get("stream") else ResponseCreateParamsNonStreaming, body)


def _check(kind: type, body: Mapping[str, Any]) -> None:
    _used_up(_adapter(kind).validate_python(dict(body)))


@functools.cache
def _adapter(kind: type) -> pydantic.TypeAdapter[Any]:
    _forbid_unknown_fields()
    return pydantic.TypeAdapter(kind)


@functools.cache
def _forbid_unknown_fields() -> None:
    """Make the SDK's TypedDicts refuse unknown fields, which they would ignore."""
    for found in pkgutil.walk_packages(openai.types.__path__, "openai.types."):
        module = importlib.import_module(found.name)
        for value in list(vars(module).values()):
            if is_typeddict(value) and value.__module__.startswith("openai.types"):
                value.__pydantic_config__ = pydantic.ConfigDict(extra="forbid")


def _used_up(value: Any) -> None:
    """Read iterables to their end, since pydantic checks them only as they are read."""
    if isinstance(value, Mapping):
        for item in value.values():
            _used_up(item)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            _used_up(item)
