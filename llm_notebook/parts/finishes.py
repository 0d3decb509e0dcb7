"""Why a model stopped: one vocabulary for all providers, together with the provider's own word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["BAD_ENDS", "Finish", "FinishReason", "finish_in", "finish_of"]

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "pause", "error"]


@dataclass(slots=True, frozen=True)
class Finish:
    """Why a model stopped.

    Attributes:
        reason: `stop`: the answer is complete; `length`: it reached a limit of tokens; `tool_calls`: it waits for the results of tools;
            `content_filter`: it declined, or a filter stopped it; `pause`: the provider continues when it is sent its own answer; `error`:
            something failed.
        said: the provider's own word; None if it gave none.
    """

    reason: FinishReason
    said: str | None = None


# The words of all APIs, in lower case. Any other word counts as `stop`, because servers have many names for an ordinary end.
_WORDS: Mapping[str, FinishReason] = MappingProxyType(
    {
        "length": "length",
        "max_tokens": "length",
        "max_output_tokens": "length",
        "model_length": "length",
        "model_context_window_exceeded": "length",
        "tool_calls": "tool_calls",
        "tool_use": "tool_calls",
        "function_call": "tool_calls",
        "content_filter": "content_filter",
        "content_filtered": "content_filter",
        "guardrail_intervened": "content_filter",
        "refusal": "content_filter",
        "sensitive": "content_filter",
        "safety": "content_filter",
        "recitation": "content_filter",
        "language": "content_filter",
        "blocklist": "content_filter",
        "prohibited_content": "content_filter",
        "spii": "content_filter",
        "image_safety": "content_filter",
        "image_prohibited_content": "content_filter",
        "image_recitation": "content_filter",
        "model_armor": "content_filter",
        "pause_turn": "pause",
        "error": "error",
        "abort": "error",
        "network_error": "error",
        "insufficient_system_resource": "error",
        "malformed_function_call": "error",
        "unexpected_tool_call": "error",
        "too_many_tool_calls": "error",
        "missing_thought_signature": "error",
        "malformed_response": "error",
        "image_other": "error",
        "no_image": "error",
        "other": "error",
    }
)


BAD_ENDS = frozenset(word for word, reason in _WORDS.items() if reason in ("error", "content_filter"))
"""The words, in lower case, of answers that a failure or a filter ended."""


def finish_of(said: object, *, has_calls: bool = False) -> Finish | None:
    """Return what a provider's word means; None if it gave none.

    Args:
        said: the provider's word.
        has_calls: whether the answer asks for tools, in which case many servers also say `stop`.
    """
    if not isinstance(said, str) or not said:
        return None
    reason = _WORDS.get(said.lower(), "stop")
    return Finish("tool_calls" if has_calls and reason == "stop" else reason, said)


def finish_in(response_json: object) -> Finish | None:
    """Return why a model stopped, if its raw JSON says so in one of the usual shapes; a plugin's JSON may have any shape."""
    match response_json:
        case {"choices": [{"finish_reason": said}, *_]}:
            return finish_of(said)
        case {"candidates": [*_, {"finishReason": said}]}:
            return finish_of(said)
        case {"finish_reason": said} | {"stop_reason": said} | {"done_reason": said}:
            return finish_of(said)
    return None
