"""The options of local models."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from llm_notebook.models.options import Options
from llm_notebook.providers.http.options import OneOrMoreTexts

__all__ = ["GGUFOptions", "LocalOptions"]

_Temperature = Annotated[float | None, Field(ge=0, le=2, description="Randomness: 0 is repeatable, 2 is wild.")]
_MaxTokens = Annotated[int | None, Field(ge=1, le=1_000_000, description="Most tokens the answer may have.")]
_TopP = Annotated[
    float | None, Field(gt=0, le=1, description="Sample only from the likeliest tokens up to this total.")
]
_TopK = Annotated[
    int | None, Field(ge=0, le=1_000_000, description="Sample only from so many of the likeliest tokens; 0 means all.")
]
_MinP = Annotated[
    float | None, Field(ge=0, le=1, description="Leave out tokens less likely than this share of the likeliest one.")
]


class GGUFOptions(Options):
    """Options that llama.cpp understands. Those that are not given have the values of the model's file or of llama.cpp."""

    temperature: _Temperature = None
    max_tokens: _MaxTokens = None
    top_p: _TopP = None
    top_k: _TopK = None
    min_p: _MinP = None
    repeat_penalty: float | None = Field(
        None, ge=0.5, le=2, description="Above 1, recent tokens become less likely; 1 leaves them as they are."
    )
    seed: int | None = Field(None, ge=0, lt=2**32 - 1, description="Sample repeatably.")
    stop: OneOrMoreTexts = Field(None, description="Text, or JSON list of texts, at which the answer ends.")

    def request_fields(self, *, schema: bool) -> dict[str, Any]:
        """Return the options as request fields.

        Args:
            schema: whether the answer has to fit a JSON Schema.
        """
        return self.model_dump(exclude_none=True)


class LocalOptions(GGUFOptions):
    """The same options for SmolLM2-135M, with the defaults that suit so small a model."""

    temperature: _Temperature = 0.6
    max_tokens: _MaxTokens = 512
    top_p: _TopP = 0.9
    top_k: _TopK = 40
    min_p: _MinP = 0.05
    repeat_penalty: float | None = Field(
        None,
        ge=0.5,
        le=2,
        description="Above 1, recent tokens become less likely. 1.05 unless given; 1 where a schema is to be met.",
    )

    def request_fields(self, *, schema: bool) -> dict[str, Any]:
        """Return the options as request fields."""
        fields = super().request_fields(schema=schema)
        # JSON repeats its quotes and braces, so no penalty may apply with a schema.
        fields.setdefault("repeat_penalty", 1.0 if schema else 1.05)
        return fields
