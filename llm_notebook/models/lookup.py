"""Finds models and tools by name, for objects that were stored with names only. Rooms above this one answer."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from llm_notebook.configuration.process import process

if TYPE_CHECKING:
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["ModelSource", "ToolFinder", "find_tools", "model_source"]


class ModelSource(Protocol):
    """Knows models by id and alias. Both methods raise UnknownModelError for a name that they do not know."""

    def model(self, name: str) -> Model | KeyModel:
        """The model of that name."""

    def async_model(self, name: str) -> AsyncModel | AsyncKeyModel:
        """The async model of that name."""


def model_source() -> ModelSource:
    """Return the object that knows the models of this process."""
    return cast("ModelSource", process.answer("models"))


class ToolFinder(Protocol):
    """Finds the tools that a notebook defines."""

    def find(self, settings: Mapping[str, Any], called: Iterable[str]) -> list[ToolLike]:
        """Return the tools that the settings of a turn name, and those that it called."""


def find_tools(settings: Mapping[str, Any], called: Iterable[str]) -> list[ToolLike]:
    """Return the tools that the settings of a turn name, and those that it called, as the notebook defines them; none outside of notebooks."""
    if "IPython" not in sys.modules:
        return []
    return cast("ToolFinder", process.answer("the notebook's tools")).find(settings, called)
