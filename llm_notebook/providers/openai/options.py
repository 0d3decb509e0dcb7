"""The options of models that speak one of OpenAI's wire formats."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from llm_notebook.providers.http.options import (
    HTTPOptions,
    JSONObject,
    OneOrMoreTexts,
    json_if_object,
)
from llm_notebook.providers.openai.dialects import RESPONSES_DIALECT, ChatDialect

__all__ = [
    "ChatOptions",
    "OpenAIOptions",
    "ReasoningChatOptions",
    "ReasoningOpenAIOptions",
    "ReasoningResponsesOptions",
    "ResponsesOptions",
]

_Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
_Verbosity = Literal["low", "medium", "high"]
_CHAT_ONLY = ("frequency_penalty", "presence_penalty", "stop", "logit_bias", "seed")


class ChatOptions(HTTPOptions):
    """Options that every Chat Completions server understands."""

    temperature: float | None = Field(None, ge=0, le=2, description="Randomness: 0 is nearly repeatable, 2 is wild.")
    max_tokens: int | None = Field(None, ge=1, description="Most tokens the answer may have, reasoning included.")
    top_p: float | None = Field(None, ge=0, le=1, description="Sample only from the likeliest tokens up to this total.")
    frequency_penalty: float | None = Field(
        None, ge=-2, le=2, description="Above 0, frequent tokens become less likely."
    )
    presence_penalty: float | None = Field(
        None, ge=-2, le=2, description="Above 0, tokens already used become less likely."
    )
    stop: OneOrMoreTexts = Field(None, description="Text, or JSON list of up to four texts, at which the answer ends.")
    logit_bias: JSONObject | None = Field(None, description="JSON object: token id to a bias from -100 to 100.")
    seed: int | None = Field(None, description="Sample repeatably, as far as the server can.")
    json_object: bool | None = Field(None, description="The answer is a JSON object; ask for JSON in the prompt too.")
    tool_choice: Annotated[
        Literal["auto", "none", "required"] | dict[str, Any] | None,
        BeforeValidator(json_if_object),
    ] = Field(None, description="auto, none, required, or a JSON object that names a tool.")
    parallel_tool_calls: bool | None = Field(None, description="Whether several tools may be called at once.")
    service_tier: str | None = Field(None, description="Which tier of the service answers, such as flex or priority.")
    strict_schema: bool | None = Field(
        None, description="Answers fit a schema exactly, where the provider can; every field is then required."
    )
    extra_body: JSONObject | None = Field(None, description="JSON object of further request fields, sent as they are.")

    def request_fields(self, dialect: ChatDialect, model_name: str = "") -> dict[str, Any]:
        """Return the options as request fields of a server that speaks this dialect, for the model that it knows under this name."""
        not_chat = type(self).model_fields.keys() - ReasoningChatOptions.model_fields.keys()
        given = self.given("json_object", "strict_schema", *not_chat)
        fields = dialect.request_fields(given, model_name) if given else {}
        if self.json_object:
            fields["response_format"] = {"type": "json_object"}
        return self.with_extra_body(fields) if self.extra_body else fields


class ReasoningChatOptions(ChatOptions):
    """Options of models that reason before they answer."""

    reasoning_effort: _Effort | None = Field(
        None, description="How much to reason; which of these a model takes differs."
    )
    verbosity: _Verbosity | None = Field(None, description="How long answers tend to be.")


class ResponsesOptions(HTTPOptions):
    """Options that every server of the Responses API understands."""

    temperature: float | None = Field(None, ge=0, le=2, description="Randomness: 0 is nearly repeatable, 2 is wild.")
    max_tokens: int | None = Field(None, ge=1, description="Most tokens the answer may have, reasoning included.")
    top_p: float | None = Field(None, ge=0, le=1, description="Sample only from the likeliest tokens up to this total.")
    json_object: bool | None = Field(None, description="The answer is a JSON object; ask for JSON in the prompt too.")
    tool_choice: Annotated[
        Literal["auto", "none", "required"] | dict[str, Any] | None, BeforeValidator(json_if_object)
    ] = Field(None, description="auto, none, required, or a JSON object that names a tool.")
    parallel_tool_calls: bool | None = Field(None, description="Whether several tools may be called at once.")
    max_tool_calls: int | None = Field(None, ge=1, description="Most calls of the provider's own tools.")
    truncation: Literal["auto", "disabled"] | None = Field(
        None, description="auto drops the oldest messages where the history is longer than the model takes."
    )
    prompt_cache_key: str | None = Field(None, description="Prompts with the same key share the provider's cache.")
    service_tier: str | None = Field(None, description="Which tier of the service answers, such as flex or priority.")
    strict_schema: bool | None = Field(
        None, description="Answers fit a schema exactly, where the provider can; every field is then required."
    )
    extra_body: JSONObject | None = Field(None, description="JSON object of further request fields, sent as they are.")

    def responses_fields(self) -> dict[str, Any]:
        """Return the options as request fields of the Responses API."""
        fields = RESPONSES_DIALECT.request_fields(self.given("json_object", "strict_schema", *_CHAT_ONLY))
        if self.json_object:
            fields.setdefault("text", {})["format"] = {"type": "json_object"}
        return self.with_extra_body(fields)


class ReasoningResponsesOptions(ResponsesOptions):
    """Options of models that reason before they answer."""

    reasoning_effort: _Effort | None = Field(
        None, description="How much to reason; which of these a model takes differs."
    )
    reasoning_summary: Literal["auto", "concise", "detailed", "none"] | None = Field(
        None, description="How the reasoning is summarised: auto by default; none asks for no summary."
    )
    verbosity: _Verbosity | None = Field(None, description="How long answers tend to be.")


class OpenAIOptions(ResponsesOptions, ChatOptions):
    """Options of OpenAI's own models, which speak both wire formats."""

    @property
    def for_chat(self) -> bool:
        """True if an option was given that only Chat Completions has."""
        return any(getattr(self, name) is not None for name in _CHAT_ONLY)


class ReasoningOpenAIOptions(OpenAIOptions, ReasoningResponsesOptions, ReasoningChatOptions):
    """Options of OpenAI's own models that reason before they answer."""
