"""The options of local models, with what each does."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from llm_notebook.models.options import Options

__all__ = ["LocalOptions"]


def _list_from_json(value: Any) -> Any:
    """A JSON list given as text, as on a command line, is that list."""
    return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("[") else value


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
    """Options that llama.cpp understands. Those that are not given are as the model's file or llama.cpp has them."""

    temperature: _Temperature = None
    max_tokens: _MaxTokens = None
    top_p: _TopP = None
    top_k: _TopK = None
    min_p: _MinP = None
    repeat_penalty: float | None = Field(
        None, ge=0.5, le=2, description="Above 1, recent tokens become less likely; 1 leaves them as they are."
    )
    seed: int | None = Field(None, ge=0, lt=2**32 - 1, description="Sample repeatably.")
    stop: Annotated[str | list[str] | None, BeforeValidator(_list_from_json)] = Field(
        None, description="Text, or JSON list of texts, at which the answer ends."
    )

    def request_fields(self, *, schema: bool) -> dict[str, Any]:
        """The options as request fields.

        Args:
            schema: the answer has to fit a JSON Schema.
        """
        return self.model_dump(exclude_none=True)


class LocalOptions(GGUFOptions):
    """The same for SmolLM2-135M. The defaults are what reads best from so small a model."""

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
        """The options as request fields. With a schema, its quotes and braces must be free to repeat."""
        fields = super().request_fields(schema=schema)
        fields.setdefault("repeat_penalty", 1.0 if schema else 1.05)
        return fields
