"""The stored lists of models that providers have sent."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from llm_notebook.configuration.files import JSONFile
from llm_notebook.configuration.folders import own_dir
from llm_notebook.configuration.process import process
from llm_notebook.providers.catalog.catalog import Catalog, CatalogModel, catalog, parse_catalog

__all__ = ["known_model", "known_names", "list_file", "stored_list", "stored_names"]

_FOLDER = "models"


@functools.lru_cache(maxsize=32)
def list_file(folder: Path, provider: str) -> JSONFile:
    """Return the file under our settings folder that holds a provider's list. The file need not exist."""
    return JSONFile(folder / _FOLDER / f"{provider}.json", lock_path=folder / _FOLDER / f"{provider}.json.lock")


class ParsedLists:
    """The lists as they were last parsed, since a provider may list thousands of models."""

    def __init__(self) -> None:
        self._parsed: dict[str, tuple[object, Catalog]] = {}

    def parsed(self, provider: str, data: dict[str, Any]) -> Catalog:
        """Return what a file holds; it is empty if that has another shape."""
        listed = data.get("models")
        if listed is None:
            return Catalog(provider)
        before, found = self._parsed.get(provider, (None, Catalog(provider)))
        # The file gives out the same list as long as it has not changed.
        if before is listed:
            return found
        try:
            found = parse_catalog(provider, data)
        except (AttributeError, KeyError, TypeError):
            found = Catalog(provider)
        self._parsed[provider] = (listed, found)
        return found


def stored_list(provider: str) -> Catalog:
    """Return the list that the provider last sent; it is empty if there is none or the file cannot be used."""
    return process.of(ParsedLists).parsed(provider, _read(provider))


def stored_names(provider: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return (the provider's name for a model, its aliases) for each model of that list. Nothing else of it is read."""
    try:
        return [(entry["id"], tuple(entry.get("aliases", ()))) for entry in _read(provider)["models"]]
    except (AttributeError, KeyError, TypeError):
        return []


def _read(provider: str) -> dict[str, Any]:
    return list_file(own_dir(create=False).absolute(), provider).read()


def known_model(provider: str, name: str) -> CatalogModel | None:
    """Return what the catalogue, or else the provider's own list, says about a model; None if neither has it."""
    return catalog(provider).find(name) or stored_list(provider).find(name)


def known_names(provider: str) -> list[str]:
    """Return the provider's names for the models in its catalogue and in its own list."""
    return [*catalog(provider).models, *stored_list(provider).models]
