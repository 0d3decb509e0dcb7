"""OpenAI's chat models: ids, aliases and what each can do.

Source: the provider's model pages as of November 2026. A model that is missing can be added as an endpoint of one's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["OPENAI_MODELS", "OpenAIModel"]


@dataclass(slots=True, frozen=True)
class OpenAIModel:
    """One chat model of OpenAI's."""

    model_id: str
    aliases: tuple[str, ...] = ()
    vision: bool = True
    reasoning: bool = False
    can_stream: bool = True
    supports_schema: bool = True
    supports_tools: bool = True


def _models() -> Iterator[OpenAIModel]:
    yield OpenAIModel("gpt-4o", ("4o",))
    yield OpenAIModel("gpt-4o-mini", ("4o-mini",))
    for model_id in ("gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"):
        yield OpenAIModel(model_id, (model_id.removeprefix("gpt-"),))
    yield OpenAIModel("gpt-4-turbo", ("gpt-4-turbo-preview", "4-turbo", "4t"), supports_schema=False)
    yield OpenAIModel("gpt-4", ("4", "gpt4"), vision=False, supports_schema=False)
    yield OpenAIModel("gpt-3.5-turbo", ("3.5", "chatgpt"), vision=False, supports_schema=False)
    yield OpenAIModel("o1", reasoning=True)
    yield OpenAIModel("o3", reasoning=True)
    yield OpenAIModel("o3-mini", vision=False, reasoning=True)
    yield OpenAIModel("o4-mini", reasoning=True)
    for model_id in ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.2"):
        yield OpenAIModel(model_id, (model_id.removeprefix("gpt-"),), reasoning=True)
    yield OpenAIModel("gpt-5.2-chat-latest", reasoning=True)
    for model_id in ("gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.5"):
        yield OpenAIModel(model_id, (model_id.removeprefix("gpt-"),), reasoning=True)
    for model_id in ("gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna"):
        yield OpenAIModel(model_id, (model_id.removeprefix("gpt-"),), reasoning=True)
    for model_id in ("gpt-6-astra", "gpt-6-sol", "gpt-6-luna"):
        yield OpenAIModel(model_id, (model_id.removeprefix("gpt-"),), reasoning=True)


OPENAI_MODELS: tuple[OpenAIModel, ...] = tuple(_models())
