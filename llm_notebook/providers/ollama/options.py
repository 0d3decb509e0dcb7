"""The options of Ollama's models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from llm_notebook.providers.http.options import HTTPOptions, JSONObject, OneOrMoreTexts

__all__ = ["OllamaOptions"]

# Options that are fields of the request. All others go into its field `options`.
_FIELDS = ("think", "keep_alive")
_SWITCHES = {"true": True, "false": False}


class OllamaOptions(HTTPOptions):
    """Options of Ollama's models."""

    temperature: float | None = Field(None, ge=0, description="Randomness: 0 is nearly repeatable, 2 is wild.")
    max_tokens: int | None = Field(None, ge=1, description="Most tokens the answer may have, reasoning included.")
    num_ctx: int | None = Field(None, ge=1, description="Tokens of prompt and answer that the model is loaded for.")
    think: Annotated[
        bool | Literal["low", "medium", "high"] | None,
        BeforeValidator(lambda value: _SWITCHES.get(value, value) if isinstance(value, str) else value),
    ] = Field(None, description="Whether to reason first, for some models how much: true, false, low, medium, high.")
    top_k: int | None = Field(None, ge=1, description="Sample only from this many likeliest tokens.")
    top_p: float | None = Field(None, ge=0, le=1, description="Sample only from the likeliest tokens up to this total.")
    min_p: float | None = Field(
        None, ge=0, le=1, description="Leave out tokens less likely than this share of the likeliest one."
    )
    repeat_penalty: float | None = Field(None, ge=0, description="Above 1, what was said becomes less likely.")
    seed: int | None = Field(None, description="Sample repeatably.")
    stop: OneOrMoreTexts = Field(None, description="Text, or JSON list of texts, at which the answer ends.")
    keep_alive: str | int | None = Field(None, description="How long the model stays loaded: 10m, seconds, -1 forever.")
    json_object: bool | None = Field(None, description="The answer is a JSON object; ask for JSON in the prompt too.")
    extra_body: JSONObject | None = Field(None, description="JSON object of further request fields, sent as they are.")

    def request_fields(self) -> dict[str, Any]:
        """Return the options as request fields."""
        given = self.given("json_object")
        fields: dict[str, Any] = {name: given.pop(name) for name in _FIELDS if name in given}
        if "max_tokens" in given:
            given["num_predict"] = given.pop("max_tokens")
        if "stop" in given:
            given["stop"] = [given["stop"]] if isinstance(given["stop"], str) else given["stop"]
        if given:
            fields["options"] = given
        if self.json_object:
            fields["format"] = "json"
        return self.with_extra_body(fields)
