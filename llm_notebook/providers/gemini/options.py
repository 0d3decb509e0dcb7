"""The options of Gemini models, and their form as request fields."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field

from llm_notebook.providers.http.options import (
    HTTPOptions,
    JSONObject,
    OneOrMoreTexts,
    json_if_object,
)

__all__ = ["GeminiOptions", "ReasoningGeminiOptions"]

_CONFIG_NAMES = {
    "temperature": "temperature",
    "max_output_tokens": "maxOutputTokens",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
}


class GeminiOptions(HTTPOptions):
    """Options that every Gemini model understands."""

    temperature: float | None = Field(None, ge=0, le=2, description="Randomness: 0 is nearly repeatable, 2 is wild.")
    max_output_tokens: int | None = Field(
        None,
        ge=1,
        validation_alias=AliasChoices("max_output_tokens", "max_tokens"),
        description="Most tokens the answer may have, reasoning included; max_tokens means the same.",
    )
    top_p: float | None = Field(None, ge=0, le=1, description="Sample only from the likeliest tokens up to this total.")
    top_k: int | None = Field(None, ge=1, description="Sample only from so many of the likeliest tokens.")
    stop_sequences: OneOrMoreTexts = Field(None, description="Text, or JSON list of texts, at which the answer ends.")
    seed: int | None = Field(None, description="Sample repeatably, as far as the server can.")
    json_object: bool | None = Field(None, description="The answer is a JSON object; ask for JSON in the prompt too.")
    media_resolution: Literal["low", "medium", "high"] | None = Field(
        None, description="How finely images and videos are looked at."
    )
    tool_choice: Annotated[Literal["auto", "any", "none"] | dict[str, Any] | None, BeforeValidator(json_if_object)] = (
        Field(
            None,
            description='auto, any, none, or a JSON object such as {"mode": "ANY", "allowedFunctionNames": ["…"]}.',
        )
    )
    extra_body: JSONObject | None = Field(None, description="JSON object of further request fields, sent as they are.")

    def request_fields(self, *, reasons: bool = False, hide_reasoning: bool = False) -> dict[str, Any]:
        """Return the options as request fields.

        Args:
            reasons: whether the model reasons before it answers.
            hide_reasoning: whether to ask for no readable reasoning.
        """
        given = self.model_dump(exclude_none=True)
        config = {theirs: given[ours] for ours, theirs in _CONFIG_NAMES.items() if ours in given}
        if self.stop_sequences is not None:
            config["stopSequences"] = (
                [self.stop_sequences] if isinstance(self.stop_sequences, str) else self.stop_sequences
            )
        if self.json_object:
            config["responseMimeType"] = "application/json"
        if self.media_resolution is not None:
            config["mediaResolution"] = f"MEDIA_RESOLUTION_{self.media_resolution.upper()}"
        if thinking := self._thinking(reasons=reasons, hide_reasoning=hide_reasoning):
            config["thinkingConfig"] = thinking
        fields: dict[str, Any] = {"generationConfig": config} if config else {}
        if self.tool_choice is not None:
            wanted = {"mode": self.tool_choice.upper()} if isinstance(self.tool_choice, str) else self.tool_choice
            fields["toolConfig"] = {"functionCallingConfig": wanted}
        return self.with_extra_body(fields)

    def _thinking(self, *, reasons: bool, hide_reasoning: bool) -> dict[str, Any]:
        return {"includeThoughts": True} if reasons and not hide_reasoning else {}


class ReasoningGeminiOptions(GeminiOptions):
    """Options of models that reason before they answer."""

    thinking_level: Literal["minimal", "low", "medium", "high", "xhigh"] | None = Field(
        None, description="How much to reason, for models from Gemini 3 on; which of these a model takes differs."
    )
    thinking_budget: int | None = Field(
        None, ge=-1, description="Most tokens of reasoning, for Gemini 2.5; 0 means none, -1 as many as it sees fit."
    )

    def _thinking(self, *, reasons: bool, hide_reasoning: bool) -> dict[str, Any]:
        thinking = super()._thinking(reasons=reasons, hide_reasoning=hide_reasoning)
        if self.thinking_level is not None:
            thinking["thinkingLevel"] = self.thinking_level.upper()
        if self.thinking_budget is not None:
            thinking["thinkingBudget"] = self.thinking_budget
        return thinking
