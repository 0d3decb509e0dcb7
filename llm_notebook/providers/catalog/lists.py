"""The lists of models that providers have sent, as they are stored."""

from __future__ import annotations

import functools
from pathlib import Path

from llm_notebook.configuration.files import JSONFile
from llm_notebook.configuration.folders import own_dir
from llm_notebook.providers.catalog.catalog import Catalog, CatalogModel, catalog, parse_catalog

__all__ = ["known_model", "known_names", "stored_list"]

_FOLDER = "models"


@functools.lru_cache(maxsize=32)
def list_file(folder: Path, provider: str) -> JSONFile:
    return JSONFile(folder / _FOLDER / f"{provider}.json", lock_path=folder / _FOLDER / f"{provider}.json.lock")


def stored_list(provider: str) -> Catalog:
    """The list that the provider gave when it was last asked; an empty one if it never was, or the file is no good."""
    data = list_file(own_dir(create=False).absolute(), provider).read()
    try:
        return parse_catalog(provider, data) if data else Catalog(provider)
    except (AttributeError, KeyError, TypeError):
        return Catalog(provider)


def known_model(provider: str, name: str) -> CatalogModel | None:
    """What the catalogue, or else the provider's own list, says of a model."""
    return catalog(provider).find(name) or stored_list(provider).find(name)


def known_names(provider: str) -> list[str]:
    """The provider's names of the models that its catalogue or its own list has."""
    return [*catalog(provider).models, *stored_list(provider).models]
