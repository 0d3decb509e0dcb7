"""The options of models that speak Anthropic's Messages API, and their form as request fields."""

from __future__ import annotations

import warnings
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from llm_notebook.errors import ModelError
from llm_notebook.providers.http.options import HTTPOptions, JSONObject, OneOrMoreTexts, json_if_object

__all__ = ["MessagesOptions", "ReasoningMessagesOptions"]

_LEAST_BUDGET = 1024
_USUAL_BUDGET = 4096
# The smallest number of tokens for the answer besides the reasoning: if the user has set no limit, and if there is one.
_ROOM = 1024
_LEAST_ROOM = 256


class MessagesOptions(HTTPOptions):
    """Options that every Messages server understands."""

    max_tokens: int | None = Field(None, ge=1, description="Most tokens the answer may have, reasoning included.")
    temperature: float | None = Field(
        None, ge=0, le=1, description="Randomness, from 0 to 1. Models from Claude Opus 4.7 on take none."
    )
    top_p: float | None = Field(None, ge=0, le=1, description="Sample only from the likeliest tokens up to this total.")
    top_k: int | None = Field(None, ge=1, description="Sample only from so many of the likeliest tokens.")
    stop_sequences: OneOrMoreTexts = Field(None, description="Text, or JSON list of texts, at which the answer ends.")
    tool_choice: Annotated[Literal["auto", "any", "none"] | dict[str, Any] | None, BeforeValidator(json_if_object)] = (
        Field(None, description='auto, any, none, or a JSON object such as {"type": "tool", "name": "…"}.')
    )
    parallel_tool_calls: bool | None = Field(None, description="Whether several tools may be called at once.")
    cache: bool | None = Field(
        None,
        description="Have tools, system prompt and conversation cached: dearer once, much cheaper when sent again.",
    )
    user_id: str | None = Field(None, description="An opaque id of the person who asks.")
    service_tier: str | None = Field(None, description="auto or standard_only.")
    extra_body: JSONObject | None = Field(
        None, description="JSON object of further request fields, sent as they are; `betas` become a header."
    )

    def request_fields(self, *, thinking: str = "", max_tokens: int, hide_reasoning: bool = False) -> dict[str, Any]:
        """Return the options as request fields.

        Args:
            thinking: how the model reasons, as `AnthropicMessages` takes it; empty if it does not reason.
            max_tokens: the limit if the options set none.
            hide_reasoning: whether to ask for no readable reasoning.

        Raises:
            ModelError: the options ask a model not to reason that always does, or leave its answer no room.
        """
        fields: dict[str, Any] = {"max_tokens": self._given_limit or max_tokens}
        fields |= self.model_dump(exclude_none=True, include={"temperature", "top_p", "top_k", "service_tier"})
        if self.stop_sequences is not None:
            given = self.stop_sequences
            fields["stop_sequences"] = [given] if isinstance(given, str) else given
        if self.user_id is not None:
            fields["metadata"] = {"user_id": self.user_id}
        if choice := self._tool_choice():
            fields["tool_choice"] = choice
        fields |= self._reasoning_fields(thinking, fields["max_tokens"], hide_reasoning=hide_reasoning)
        return self.with_extra_body(fields)

    @property
    def _given_limit(self) -> int | None:
        """The limit of the answer that the user has set, as an option or in `extra_body`."""
        further = (self.extra_body or {}).get("max_tokens")
        return further if isinstance(further, int) else self.max_tokens

    def _reasoning_fields(self, thinking: str, max_tokens: int, *, hide_reasoning: bool) -> dict[str, Any]:
        """Return the request fields of models that reason; none here."""
        return {}

    def _tool_choice(self) -> dict[str, Any]:
        given = self.tool_choice
        choice = {"type": given} if isinstance(given, str) else dict(given or {})
        if self.parallel_tool_calls is not None:
            choice = {"type": "auto", **choice, "disable_parallel_tool_use": not self.parallel_tool_calls}
        return choice


class ReasoningMessagesOptions(MessagesOptions):
    """Options of models that reason before they answer."""

    thinking: bool | None = Field(
        None, description="Whether to reason first; what happens without it differs by model."
    )
    thinking_effort: Literal["low", "medium", "high", "xhigh", "max"] | None = Field(
        None, description="How much to put into reasoning and answer."
    )
    thinking_budget: int | None = Field(
        None, ge=_LEAST_BUDGET, description="Most tokens of reasoning, for models before Claude 4.6."
    )

    def _reasoning_fields(self, thinking: str, max_tokens: int, *, hide_reasoning: bool) -> dict[str, Any]:
        own: dict[str, Any] = {}
        if self.thinking_effort is not None:
            own["output_config"] = {"effort": self.thinking_effort}
            if thinking == "budget":
                own["betas"] = ["effort-2025-11-24"]
        if wanted := self._thinking(thinking, max_tokens, hide_reasoning=hide_reasoning):
            own["thinking"] = wanted
            if self._given_limit is None:
                # The limit includes the reasoning, and the answer needs room as well.
                own["max_tokens"] = max(max_tokens, wanted.get("budget_tokens", 0) + _ROOM)
        return own

    def _thinking(self, kind: str, max_tokens: int, *, hide_reasoning: bool) -> dict[str, Any] | None:
        if self.thinking is False:
            if kind == "always":
                raise ModelError("This model always reasons: ask for less with thinking_effort=low.")
            return {"type": "between_tools" if kind == "between_tools" else "disabled"}
        asked = self.thinking or self.thinking_budget is not None
        display = {"display": "omitted" if hide_reasoning else "summarized"}
        if kind == "budget":
            budget = self._budget(max_tokens) if asked else None
            hidden = display if hide_reasoning else {}
            return None if budget is None else {"type": "enabled", "budget_tokens": budget, **hidden}
        if asked or self.thinking_effort is not None or kind != "adaptive":
            return {"type": "adaptive", **display}
        return None

    def _budget(self, max_tokens: int) -> int | None:
        """Return the number of tokens for reasoning that leaves room for the answer; None if there is no room for both.

        Raises:
            ModelError: the given budget takes all of the given limit.
        """
        budget = self.thinking_budget
        if budget is None:
            half = max(_LEAST_BUDGET, min(_USUAL_BUDGET, max_tokens // 2))
            if self._given_limit is None or max_tokens - half >= _LEAST_ROOM:
                return half
            warnings.warn(
                f"max_tokens={max_tokens} leaves no room for reasoning, which takes at least {_LEAST_BUDGET} of them, so the model "
                "answers without it.",
                stacklevel=2,
            )
            return None
        if self._given_limit is not None and budget >= max_tokens:
            raise ModelError(
                f"thinking_budget={budget} must be less than max_tokens={max_tokens}, which includes it; nothing was sent."
            )
        return budget
