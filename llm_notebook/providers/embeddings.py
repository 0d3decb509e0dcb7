"""Embedding models by name: how to find one, list them all, and set the default."""

from __future__ import annotations

import warnings

from llm_notebook.configuration.choices import (
    read_aliases,
    read_default_embedding,
    read_own_default_embedding,
    store_default_embedding,
    store_own_default_embedding,
)
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.process import process
from llm_notebook.errors import UnknownModelError
from llm_notebook.models.embeddings import EmbeddingModel, EmbeddingModelWithAliases
from llm_notebook.providers.catalog.names import closest_names, models_by_name
from llm_notebook.providers.registry import Registry

__all__ = [
    "get_default_embedding_model",
    "get_embedding_model",
    "get_embedding_model_aliases",
    "get_embedding_models",
    "get_embedding_models_with_aliases",
    "set_default_embedding_model",
]


def get_embedding_model(name: str | None = None) -> EmbeddingModel:
    """Return the embedding model with this id or alias, or the default one if no name is given.

    Raises:
        UnknownModelError: there is no such model, or no default is set; the message names the closest ids.
    """
    wanted = name or get_default_embedding_model()
    if wanted is None:
        raise UnknownModelError(
            "No default embedding model is set: give a name, or call set_default_embedding_model()."
        )
    entry = process.of(Registry).find_embedding(wanted)
    if entry is not None:
        return entry.model
    entries = process.of(Registry).embedding_entries()
    origin = "" if name else " (the configured default)"
    hint = closest_names(wanted, (known for entry in entries for known in (entry.model_id, *entry.aliases)))
    raise UnknownModelError(f"No embedding model is called {wanted!r}{origin}.{hint}")


def get_embedding_models() -> list[EmbeddingModel]:
    """Return every embedding model."""
    return [entry.model for entry in process.of(Registry).embedding_entries()]


def get_embedding_models_with_aliases() -> list[EmbeddingModelWithAliases]:
    """Return every embedding model with all its aliases, the user's own included."""
    own = read_aliases()
    entries = []
    for entry in process.of(Registry).embedding_entries():
        mine = [alias for alias, target in own.items() if target == entry.model_id or target in entry.aliases]
        kept = [alias for alias in entry.aliases if alias not in own]
        entries.append(EmbeddingModelWithAliases(entry.model, [*kept, *mine], entry.known_to_llm))
    return entries


def get_embedding_model_aliases() -> dict[str, EmbeddingModel]:
    """Return every embedding model by its id and by each of its aliases, the user's own included."""
    return models_by_name(get_embedding_models_with_aliases(), lambda entry: entry.model)


def get_default_embedding_model() -> str | None:
    """Return the id of the default embedding model, or None if none is set."""
    return read_own_default_embedding() or read_default_embedding()


def set_default_embedding_model(model: str | None) -> None:
    """Set the default embedding model for this package and every program that shares the `llm` command's folder. None clears it.

    A model that only this package has would break the `llm` command. It becomes the default of this package only, and a warning
    says so.
    """
    entry = process.of(Registry).find_embedding(model) if model is not None else None
    model_id = entry.model_id if entry is not None else model
    if entry is None or entry.known_to_llm:
        store_default_embedding(model_id)
        store_own_default_embedding(None)
        return
    store_own_default_embedding(model_id)
    warnings.warn(
        f"{model_id} is now the default for embeddings in notebooks only: the `llm` command does not have it, so its own "
        "default is kept.",
        ConfigurationWarning,
        stacklevel=2,
    )
