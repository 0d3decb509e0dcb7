"""The official SDK's request types as a check: what we send is what that SDK would send, with no field that it does not know."""

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
    """The body is a Chat Completions request as the SDK types it."""
    _check(CompletionCreateParamsStreaming if body.get("stream") else CompletionCreateParamsNonStreaming, body)


def assert_responses_request(body: Mapping[str, Any]) -> None:
    """The body is a Responses request as the SDK types it."""
    _check(ResponseCreateParamsStreaming if body.get("stream") else ResponseCreateParamsNonStreaming, body)


def _check(kind: type, body: Mapping[str, Any]) -> None:
    _used_up(_adapter(kind).validate_python(dict(body)))


@functools.cache
def _adapter(kind: type) -> pydantic.TypeAdapter[Any]:
    _forbid_unknown_fields()
    return pydantic.TypeAdapter(kind)


@functools.cache
def _forbid_unknown_fields() -> None:
    """TypedDicts let unknown fields pass; those of the SDK are told not to."""
    for found in pkgutil.walk_packages(openai.types.__path__, "openai.types."):
        module = importlib.import_module(found.name)
        for value in list(vars(module).values()):
            if is_typeddict(value) and value.__module__.startswith("openai.types"):
                value.__pydantic_config__ = pydantic.ConfigDict(extra="forbid")


def _used_up(value: Any) -> None:
    """Read to the end what pydantic checks only while it is read."""
    if isinstance(value, Mapping):
        for item in value.values():
            _used_up(item)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for item in value:
            _used_up(item)
