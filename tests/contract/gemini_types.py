"""A check of requests against the types in Google's own library: valid, and without fields that it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pydantic
from google.genai import types
from pydantic.alias_generators import to_camel

__all__ = ["assert_gemini_request"]


class _Body(pydantic.BaseModel, extra="forbid", alias_generator=to_camel):
    contents: list[types.Content]
    system_instruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    tool_config: types.ToolConfig | None = None
    generation_config: types.GenerationConfig | None = None
    safety_settings: list[types.SafetySetting] | None = None


def assert_gemini_request(body: Mapping[str, Any]) -> None:
    """Assert that the body is a generateContent request as Google's library types it."""
    _Body.model_validate(body)
