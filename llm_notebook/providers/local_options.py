"""The options of the local model, with what each does. The defaults are what reads best from so small a model."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from llm_notebook.options import Options

__all__ = ["LocalOptions"]


def _list_from_json(value: Any) -> Any:
    """A JSON list given as text, as on a command line, is that list."""
    return json.loads(value) if isinstance(value, str) and value.lstrip().startswith("[") else value


class LocalOptions(Options):
    """Options that llama.cpp understands."""

    temperature: float = Field(0.6, ge=0, le=2, description="Randomness: 0 is repeatable, 2 is wild.")
    max_tokens: int = Field(512, ge=1, le=1_000_000, description="Most tokens the answer may have.")
    top_p: float = Field(0.9, gt=0, le=1, description="Sample only from the likeliest tokens up to this total.")
    top_k: int = Field(
        40, ge=0, le=1_000_000, description="Sample only from so many of the likeliest tokens; 0 means all."
    )
    min_p: float = Field(
        0.05, ge=0, le=1, description="Leave out tokens less likely than this share of the likeliest one."
    )
    repeat_penalty: float | None = Field(
        None,
        ge=0.5,
        le=2,
        description="Above 1, recent tokens become less likely. 1.05 unless given; 1 where a schema is to be met.",
    )
    seed: int | None = Field(None, ge=0, lt=2**32 - 1, description="Sample repeatably.")
    stop: Annotated[str | list[str] | None, BeforeValidator(_list_from_json)] = Field(
        None, description="Text, or JSON list of texts, at which the answer ends."
    )

    def request_fields(self, *, schema: bool) -> dict[str, Any]:
        """The options as request fields.

        Args:
            schema: the answer has to fit a JSON Schema, whose quotes and braces must be free to repeat.
        """
        fields = self.model_dump(exclude_none=True)
        fields.setdefault("repeat_penalty", 1.0 if schema else 1.05)
        return fields
