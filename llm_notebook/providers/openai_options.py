"""The options of Chat Completions models, with what each does."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from llm_notebook.options import Options

__all__ = ["ChatOptions", "ReasoningChatOptions"]


def _from_json(value: Any) -> Any:
    """Text is read as JSON, so that structured options can be given on a command line."""
    return json.loads(value) if isinstance(value, str) else value


def _list_from_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("[") else value


JSONObject = Annotated[dict[str, Any], BeforeValidator(_from_json)]


class ChatOptions(Options):
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
    stop: Annotated[str | list[str] | None, BeforeValidator(_list_from_json)] = Field(
        None, description="Text, or JSON list of up to four texts, at which the answer ends."
    )
    logit_bias: JSONObject | None = Field(None, description="JSON object: token id to a bias from -100 to 100.")
    seed: int | None = Field(None, description="Sample repeatably, as far as the server can.")
    json_object: bool | None = Field(None, description="The answer is a JSON object; ask for JSON in the prompt too.")
    tool_choice: Annotated[
        Literal["auto", "none", "required"] | dict[str, Any] | None,
        BeforeValidator(lambda value: _from_json(value) if isinstance(value, str) and value[:1] == "{" else value),
    ] = Field(None, description="auto, none, required, or a JSON object that names a tool.")
    parallel_tool_calls: bool | None = Field(None, description="Whether several tools may be called at once.")
    service_tier: str | None = Field(None, description="Which tier of the service answers, such as flex or priority.")
    extra_body: JSONObject | None = Field(None, description="JSON object of further request fields, sent as they are.")

    def request_fields(self, *, token_limit_field: str) -> dict[str, Any]:
        """The options as request fields.

        Args:
            token_limit_field: what the server calls `max_tokens`.
        """
        fields = self.model_dump(exclude_none=True, exclude={"max_tokens", "json_object", "extra_body"})
        if self.max_tokens is not None:
            fields[token_limit_field] = self.max_tokens
        if self.json_object:
            fields["response_format"] = {"type": "json_object"}
        return fields | (self.extra_body or {})


class ReasoningChatOptions(ChatOptions):
    """Options of models that reason before they answer."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = Field(
        None, description="How much to reason; which of these a model takes differs."
    )
    verbosity: Literal["low", "medium", "high"] | None = Field(None, description="How long answers tend to be.")
