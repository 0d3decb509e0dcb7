"""Dialects of Chat Completions: the differences between the servers that speak it, as data. No I/O."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["DIALECTS", "RESPONSES_DIALECT", "ChatDialect"]

_MORE_THAN_NONE = ("minimal", "low", "medium", "high", "xhigh", "max")
_NO_NAMES: Mapping[str, str] = MappingProxyType({})
_NO_VALUES: Mapping[str, Mapping[str, str]] = MappingProxyType({})


@dataclass(slots=True, frozen=True)
class ChatDialect:
    """The differences between one server's Chat Completions and what most compatible servers accept.

    Attributes:
        fields: the server's names for options, if they differ from ours; a dot puts the value into an object (`reasoning.effort`).
        values: by option, the server's names for its values, if they differ from ours.
        stream_usage: whether the server has to be asked for the usage at the end of a stream.
        schema: "json_object" if the server accepts no JSON Schema; then it is asked for JSON, and a message explains the schema.
        reasoning_back: how the model's reasoning goes back in the history: not at all, as `reasoning_content` of the messages that
            call tools, or as typed `thinking` chunks.
        details_back: whether `reasoning_details` of unknown origin go back. Those from the same server and model always do.
        short_call_ids: whether the ids of tool calls must have exactly nine letters and digits.
        answers_tools: whether a message of the assistant's must stand between a tool's result and the user's next message.
        documents: the type of the content block in which the server accepts a PDF; empty if it accepts none.
        document_urls: whether it fetches a PDF from the web.
        audio_as_text: whether sound is sent as plain base64, without its format.
        efforts: the server's own names for how much to reason, by the model's name: a pattern, and its names for ours.
    """

    fields: Mapping[str, str] = field(default_factory=lambda: _NO_NAMES)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _NO_VALUES)
    stream_usage: bool = True
    schema: Literal["json_schema", "json_object"] = "json_schema"
    reasoning_back: Literal["", "reasoning_content", "thinking"] = ""
    details_back: bool = False
    short_call_ids: bool = False
    answers_tools: bool = False
    documents: Literal["file", "document_url", ""] = "file"
    document_urls: bool = False
    audio_as_text: bool = False
    efforts: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...] = ()

    def __reduce__(self) -> tuple[functools.partial[ChatDialect], tuple[()]]:
        """Return what copies and pickles are made from; it cannot contain read-only mappings."""
        values = {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}
        return functools.partial(ChatDialect, **values), ()

    def request_fields(self, options: Mapping[str, Any], model_name: str = "") -> dict[str, Any]:
        """Return options as request fields of this server, for the model that it knows under this name."""
        fields: dict[str, Any] = {}
        efforts = next((names for pattern, names in self.efforts if pattern.search(model_name)), _NO_NAMES)
        for name, value in options.items():
            known = efforts if name == "reasoning_effort" and efforts else self.values.get(name, _NO_NAMES)
            *outer, last = self.fields.get(name, name).split(".")
            holder = fields
            for key in outer:
                holder = holder.setdefault(key, {})
            holder[last] = known.get(value, value) if isinstance(value, str) else value
        return fields


DIALECTS: Mapping[str, ChatDialect] = MappingProxyType(
    {
        "": ChatDialect(details_back=True),
        "openai": ChatDialect(fields={"max_tokens": "max_completion_tokens"}),
        "mistral": ChatDialect(
            fields={"seed": "random_seed"},
            values={"tool_choice": {"required": "any"}},
            stream_usage=False,
            reasoning_back="thinking",
            short_call_ids=True,
            answers_tools=True,
            documents="document_url",
            document_urls=True,
            audio_as_text=True,
        ),
        "groq": ChatDialect(
            fields={"max_tokens": "max_completion_tokens"},
            values={"reasoning_effort": {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}},
            documents="",
            # Qwen either reasons or does not.
            efforts=((re.compile("qwen", re.IGNORECASE), dict.fromkeys(_MORE_THAN_NONE, "default")),),
        ),
        "deepseek": ChatDialect(
            values={"reasoning_effort": {"minimal": "low", "medium": "high", "xhigh": "high"}},
            schema="json_object",
            reasoning_back="reasoning_content",
            documents="",
        ),
        "openrouter": ChatDialect(
            fields={"reasoning_effort": "reasoning.effort"}, details_back=True, document_urls=True
        ),
        "xai": ChatDialect(fields={"max_tokens": "max_completion_tokens"}, documents=""),
        "together": ChatDialect(documents=""),
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


def _plain(value: object) -> Any:
    """Return a value with dicts in place of read-only mappings."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return {key: _plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value
