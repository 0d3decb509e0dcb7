"""Finding a model by its name, for what was stored with the name alone. The registry, in a room above this one, answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, cast

from llm_notebook.configuration.process import process

if TYPE_CHECKING:
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model

__all__ = ["ModelSource", "model_source"]


class ModelSource(Protocol):
    """Knows models by id and alias. Both methods raise UnknownModelError for a name that they do not know."""

    def model(self, name: str) -> Model | KeyModel:
        """The model of that name."""

    def async_model(self, name: str) -> AsyncModel | AsyncKeyModel:
        """The async model of that name."""


def model_source() -> ModelSource:
    """Who knows the models of this process."""
    return cast("ModelSource", process.answer("models"))
