"""Makes assumptions about a model whose abilities are in no list, from the generation in its name.

A model that is too new for the catalogue is assumed to do what the newest models do. But providers also offer many older models under names
that are not in the catalogue, such as dated and fine-tuned ones, and an older model refuses request fields that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from llm_notebook.providers.catalog.catalog import EVERYTHING, CatalogModel

__all__ = ["with_assumptions"]

# claude-3-5-haiku, claude-opus-4-20250514, claude-2.1: the number before or after the family's name. Long numbers are dates.
_CLAUDE = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?:[.-](\d{1,2}))?(?![\d])", re.IGNORECASE)
_OLD_CLAUDE = re.compile(r"claude-(?:instant|v?[12]\b)", re.IGNORECASE)
_GEMINI = re.compile(r"gemini-(\d+)(?:\.(\d+))?", re.IGNORECASE)
_OLD_OPENAI = re.compile(r"(?:^|[:/])(?:chat)?gpt-(?:3|4)|davinci|babbage", re.IGNORECASE)
_OPUS_4_MOST, _CLAUDE_3_5_MOST, _CLAUDE_3_MOST = 32_000, 8_192, 4_096


def with_assumptions(provider: str, model: CatalogModel) -> CatalogModel:
    """Return a model with assumptions about its abilities; the model itself if they are known.

    Args:
        provider: the provider's name.
        model: what is known about it.
    """
    assume = _BY_PROVIDER.get(provider)
    return model if assume is None or model.supports != EVERYTHING else assume(model)


def _claude(model: CatalogModel) -> CatalogModel:
    if _OLD_CLAUDE.search(model.name):
        return _without_reasoning(model, _CLAUDE_3_MOST)
    found = _CLAUDE.search(model.name)
    if found is None:
        return model
    version = (int(found[1]), int(found[2] or 0))
    if version < (3, 5):
        return _without_reasoning(model, _CLAUDE_3_MOST)
    if version < (3, 7):
        return _without_reasoning(model, _CLAUDE_3_5_MOST)
    if version >= (4, 6):
        return model
    # From Claude 3.7 to 4.5, reasoning is requested with a budget.
    is_opus_4 = "opus" in model.name.lower() and version < (4, 5)
    most = _OPUS_4_MOST if is_opus_4 else None
    supports = model.supports | {"thinking:budget"}
    return replace(model, supports=supports, max_output=model.max_output or most)


def _gemini(model: CatalogModel) -> CatalogModel:
    found = _GEMINI.search(model.name)
    if found is None:
        is_other_family = model.name.lower().startswith(("gemma", "learnlm"))
        return _without_reasoning(model) if is_other_family else model
    version = (int(found[1]), int(found[2] or 0))
    if version < (2, 5):
        return _without_reasoning(replace(model, supports=model.supports | {"audio", "video"}))
    return replace(model, supports=model.supports | {"thinking:budget"}) if version < (3, 0) else model


def _openai(model: CatalogModel) -> CatalogModel:
    return _without_reasoning(model) if _OLD_OPENAI.search(model.name) else model


def _without_reasoning(model: CatalogModel, most: int | None = None) -> CatalogModel:
    return replace(model, supports=model.supports - {"reasoning"}, max_output=model.max_output or most)


_BY_PROVIDER: Mapping[str, Callable[[CatalogModel], CatalogModel]] = MappingProxyType(
    {"anthropic": _claude, "gemini": _gemini, "openai": _openai}
)
