"""The stored lists of models that providers have sent."""

from __future__ import annotations

import functools
from pathlib import Path

from llm_notebook.configuration.files import JSONFile
from llm_notebook.configuration.folders import own_dir
from llm_notebook.providers.catalog.catalog import Catalog, CatalogModel, catalog, parse_catalog

__all__ = ["known_model", "known_names", "list_file", "stored_list"]

_FOLDER = "models"


@functools.lru_cache(maxsize=32)
def list_file(folder: Path, provider: str) -> JSONFile:
    """Return the file under our settings folder that holds a provider's list. The file need not exist."""
    return JSONFile(folder / _FOLDER / f"{provider}.json", lock_path=folder / _FOLDER / f"{provider}.json.lock")


def stored_list(provider: str) -> Catalog:
    """Return the list that the provider last sent; it is empty if there is none or the file cannot be used."""
    data = list_file(own_dir(create=False).absolute(), provider).read()
    try:
        return parse_catalog(provider, data) if data else Catalog(provider)
    except (AttributeError, KeyError, TypeError):
        return Catalog(provider)


def known_model(provider: str, name: str) -> CatalogModel | None:
    """Return what the catalogue, or else the provider's own list, says about a model; None if neither has it."""
    return catalog(provider).find(name) or stored_list(provider).find(name)


def known_names(provider: str) -> list[str]:
    """Return the provider's names for the models in its catalogue and in its own list."""
    return [*catalog(provider).models, *stored_list(provider).models]
