"""Chat Completions dialects: what differs between the servers that speak it, as data. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["DIALECTS", "RESPONSES_DIALECT", "ChatDialect"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True, frozen=True)
class ChatDialect:
    """How a server's Chat Completions differ from what most compatible servers take.

    Attributes:
        fields: what the server calls an option, where it is not our name; dots go into objects (`reasoning.effort`).
        values: by option, what the server calls a value.
        stream_usage: the server has to be asked to tell the usage at the end of a stream.
        schema: "json_object" where the server takes no JSON Schema: it is asked for JSON, and told the schema in words.
        reasoning_back: how reasoning goes back in history: not at all, as `reasoning_content` of the messages that call tools,
            or as typed `thinking` chunks. What came as `reasoning_details` always goes back.
        short_call_ids: tool calls must have ids of nine letters and digits.
    """

    fields: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    values: Mapping[str, Mapping[Any, Any]] = field(default_factory=lambda: _NOTHING)
    stream_usage: bool = True
    schema: Literal["json_schema", "json_object"] = "json_schema"
    reasoning_back: Literal["", "reasoning_content", "thinking"] = ""
    short_call_ids: bool = False

    def request_fields(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options as request fields of this server."""
        renamed: dict[str, Any] = {}
        for name, value in options.items():
            known = self.values.get(name, _NOTHING)
            said = known.get(value, value) if isinstance(value, str | int | bool) else value
            *outer, last = self.fields.get(name, name).split(".")
            place = renamed
            for key in outer:
                place = place.setdefault(key, {})
            place[last] = said
        return renamed


DIALECTS: Mapping[str, ChatDialect] = MappingProxyType(
    {
        "": ChatDialect(),
        "openai": ChatDialect(fields={"max_tokens": "max_completion_tokens"}),
        "mistral": ChatDialect(
            fields={"seed": "random_seed"},
            values={"tool_choice": {"required": "any"}},
            stream_usage=False,
            reasoning_back="thinking",
            short_call_ids=True,
        ),
        "groq": ChatDialect(fields={"max_tokens": "max_completion_tokens"}),
        "deepseek": ChatDialect(
            values={"reasoning_effort": {"minimal": "low", "medium": "high", "xhigh": "high"}},
            schema="json_object",
            reasoning_back="reasoning_content",
        ),
        "openrouter": ChatDialect(fields={"reasoning_effort": "reasoning.effort"}),
        "xai": ChatDialect(fields={"max_tokens": "max_completion_tokens"}),
        "together": ChatDialect(),
    }
)

RESPONSES_DIALECT = ChatDialect(
    fields={
        "max_tokens": "max_output_tokens",
        "reasoning_effort": "reasoning.effort",
        "reasoning_summary": "reasoning.summary",
        "verbosity": "text.verbosity",
    }
)
