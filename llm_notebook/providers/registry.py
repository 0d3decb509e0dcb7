"""Which models there are: get_model and its kin, aliases, and the default model."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, overload

from llm_notebook.configuration.choices import (
    delete_alias,
    store_alias,
    store_default,
    store_own_default,
    stored_aliases,
    stored_default,
    stored_own_default,
)
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.folders import user_dir
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, UnknownModelError
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model, ModelWithAliases
from llm_notebook.providers.catalog.catalog import CatalogModel
from llm_notebook.providers.catalog.lists import known_model
from llm_notebook.providers.catalog.names import closest_names, entry_called
from llm_notebook.providers.endpoints import ENDPOINTS_FILE, endpoint_models
from llm_notebook.providers.local.gguf import read_facts
from llm_notebook.providers.local.installed import InstalledModel, installed_models, named_file
from llm_notebook.providers.local.models import local_entry, local_models
from llm_notebook.providers.refreshing import OllamaList, listed_entries
from llm_notebook.providers.table import PROVIDERS, build_entry, catalog_entries, split_prefix

if TYPE_CHECKING:
    from llm_notebook.models.embeddings import EmbeddingModelWithAliases
    from llm_notebook.plugins.own import Plugins

__all__ = [
    "DEFAULT_MODEL",
    "Registry",
    "get_async_model",
    "get_async_models",
    "get_default_model",
    "get_model",
    "get_models",
    "get_models_with_aliases",
    "remove_alias",
    "set_alias",
    "set_default_model",
]

DEFAULT_MODEL = "gpt-4o-mini"
D = TypeVar("D")


class Registry:
    """The registered models. Built-in ones are there from the start; the endpoints file is read again when it changes."""

    def __init__(self) -> None:
        shared = [*catalog_entries(["openai"])]
        self._builtin = [*shared, *local_models(), *catalog_entries(name for name in PROVIDERS if name != "openai")]
        # What the `llm` command does not know must not become its default.
        self._known_to_llm = {entry.model_id for entry in shared}
        self._endpoints: list[ModelWithAliases] = []
        self._endpoints_version: object = None
        self._listed: dict[str, ModelWithAliases] = {}
        self._installed: dict[InstalledModel, ModelWithAliases] = {}
        self._files: dict[tuple[str, int], ModelWithAliases] = {}
        self._ollama = OllamaList()

    def entries(self) -> list[ModelWithAliases]:
        """Every model with its built-in aliases, those of plugins included; a plugin cannot replace one that is here already.

        Last come those that the providers listed themselves, those of the Ollama server if it answers at once, and those of
        the `llm` package's plugins.
        """
        entries = [*self._entries_without_bridge(), *_plugins().bridged_models()]
        return list({entry.model_id: entry for entry in reversed(entries)}.values())[::-1]

    def embedding_entries(self) -> list[EmbeddingModelWithAliases]:
        """Every embedding model with its built-in aliases; a plugin cannot replace one that is here already."""
        own = [*self._builtin_embeddings, *_plugins().embedding_models()]
        entries = [*own, *_plugins().bridged_embedding_models()]
        return list({entry.model_id: entry for entry in reversed(entries)}.values())[::-1]

    def find_embedding(self, name: str) -> EmbeddingModelWithAliases | None:
        """The embedding model of that id or alias; the `llm` package is asked last, as in `find()`."""
        own = [*self._builtin_embeddings, *_plugins().embedding_models()]
        return entry_called(name, own) or entry_called(name, self.embedding_entries())

    @functools.cached_property
    def _builtin_embeddings(self) -> list[EmbeddingModelWithAliases]:
        from llm_notebook.providers.local.embeddings import local_embedding_models  # only where asked for
        from llm_notebook.providers.openai.embeddings import openai_embedding_models  # only where asked for

        return [*openai_embedding_models(), *local_embedding_models()]

    def _own_entries(self) -> list[ModelWithAliases]:
        """The models that are here without plugins. An endpoint of one's own takes the place of another model of its id."""
        entries = [*self._installed_entries(), *self._builtin, *self._current_endpoints()]
        return list({entry.model_id: entry for entry in entries}.values())

    def _installed_entries(self) -> list[ModelWithAliases]:
        """The models that the user installed."""
        for model in (known := installed_models()):
            if model not in self._installed:
                self._installed[model] = local_entry(model.name, model.file, supports_tools=model.supports_tools)
        return [self._installed[model] for model in known]

    def _entries_without_bridge(self) -> list[ModelWithAliases]:
        listed = [self._listed.setdefault(entry.model_id, entry) for entry in listed_entries()]
        return [*_plugins().models(self._own_entries()), *listed, *self._ollama.entries()]

    def find(self, name: str) -> ModelWithAliases | None:
        """The model of that id or alias. An id wins over aliases, a user's alias over a built-in one.

        Plugins are loaded, and servers asked, only for a name that is not known without them, and the `llm` package last. Of a
        provider, any model that its name is put before will do: `groq/some-new-model`; and of a GGUF file its path.
        """
        return (
            entry_called(name, self._own_entries())
            or self._of_provider(name)
            or self._of_file(name)
            or entry_called(name, self._entries_without_bridge())
            or entry_called(name, self.entries())
        )

    def _of_provider(self, name: str) -> ModelWithAliases | None:
        """The model of a name that begins with a provider's, also if no catalogue has it."""
        name = stored_aliases().get(name, name)
        split = split_prefix(name)
        if split is None:
            return None
        provider, rest = split
        model_id = provider.model_id(rest)
        known = entry_called(model_id, self._own_entries()) if provider.bare_ids else None
        if known is not None:
            return known
        if name not in self._listed:
            model = known_model(provider.name, rest) or CatalogModel(rest)
            self._listed[name] = build_entry(provider, replace(model, name=rest, aliases=()), model_id=name)
        return self._listed[name]

    def _of_file(self, name: str) -> ModelWithAliases | None:
        """The model of a GGUF file that is named by its path."""
        file = named_file(stored_aliases().get(name, name))
        if file is None:
            return None
        known = (str(file.file), file.file.stat().st_mtime_ns)
        if known not in self._files:
            try:
                supports_tools = read_facts(file.file).supports_tools
            except ModelError:  # it says so when it is prompted
                supports_tools = False
            self._files[known] = local_entry(known[0], file, supports_tools=supports_tools)
        return self._files[known]

    def model(self, name: str | None) -> Model | KeyModel:
        """The sync model of that name, or the default one; UnknownModelError if there is none."""
        entry = self._entry(name)
        if entry.model is None:
            raise UnknownModelError(
                f"{entry.model_id} has no sync flavour (async model exists): use get_async_model()."
            )
        return entry.model

    def async_model(self, name: str | None) -> AsyncModel | AsyncKeyModel:
        """The async model of that name, or the default one; UnknownModelError if there is none."""
        entry = self._entry(name)
        if entry.async_model is None:
            raise UnknownModelError(f"{entry.model_id} has no async flavour (sync model exists): use get_model().")
        return entry.async_model

    def _entry(self, name: str | None) -> ModelWithAliases:
        wanted = name or get_default_model()
        entry = self.find(wanted)
        if entry is not None:
            return entry
        origin = "" if name else " (the configured default)"
        if wanted.lower().endswith(".gguf"):
            raise UnknownModelError(f"There is no model file {wanted!r}{origin}: check the path.")
        hint = closest_names(wanted, self.names())
        raise UnknownModelError(f"No model is called {wanted!r}{origin}.{hint} `%llm models` lists them all.")

    def known_to_llm(self, entry: ModelWithAliases) -> bool:
        """True if the `llm` command has this model too."""
        known = entry.model_id in self._known_to_llm or entry in self._current_endpoints()
        return known or entry in _plugins().bridged_models()

    def names(self) -> Iterator[str]:
        """Every id and alias."""
        for entry in self.entries():
            yield entry.model_id
            yield from entry.aliases
        yield from stored_aliases()

    def _current_endpoints(self) -> list[ModelWithAliases]:
        path = user_dir(create=False) / ENDPOINTS_FILE
        try:
            status = path.stat()
            version: object = (str(path), status.st_mtime_ns, status.st_size)
        except OSError:
            version = None
        if version != self._endpoints_version:
            self._endpoints = endpoint_models(path.parent) if version is not None else []
            self._endpoints_version = version
        return self._endpoints


def get_model(name: str | None = None) -> Model | KeyModel:
    """The model of that id or alias; without a name, the default model.

    Raises:
        UnknownModelError: there is none; the message names the closest ids.
    """
    return process.of(Registry).model(name)


def get_async_model(name: str | None = None) -> AsyncModel | AsyncKeyModel:
    """The async model of that id or alias; without a name, the default model.

    Raises:
        UnknownModelError: there is none; the message names the closest ids.
    """
    return process.of(Registry).async_model(name)


def get_models() -> list[Model | KeyModel]:
    """Every sync model."""
    return [entry.model for entry in process.of(Registry).entries() if entry.model is not None]


def get_async_models() -> list[AsyncModel | AsyncKeyModel]:
    """Every async model."""
    return [entry.async_model for entry in process.of(Registry).entries() if entry.async_model is not None]


def get_models_with_aliases() -> list[ModelWithAliases]:
    """Every model in both flavours with all its aliases, the user's own included."""
    own = stored_aliases()
    entries = []
    for entry in process.of(Registry).entries():
        mine = [alias for alias, target in own.items() if target == entry.model_id or target in entry.aliases]
        kept = [alias for alias in entry.aliases if alias not in own]
        entries.append(ModelWithAliases(entry.model, entry.async_model, [*kept, *mine]))
    return entries


def set_alias(alias: str, model_id_or_alias: str) -> None:
    """Make `alias` another name of a model. A name that no model here answers to is stored as it is."""
    registry = process.of(Registry)
    entry = registry.find(model_id_or_alias) or registry.find_embedding(model_id_or_alias)
    store_alias(alias, entry.model_id if entry is not None else model_id_or_alias)


def remove_alias(alias: str) -> None:
    """Forget an alias.

    Raises:
        KeyError: there is no such alias of the user's.
    """
    delete_alias(alias)


@overload
def get_default_model() -> str: ...
@overload
def get_default_model(default: D) -> str | D: ...
def get_default_model(default: object = DEFAULT_MODEL) -> object:
    """The id of the configured default model, or `default` where none is configured."""
    return stored_own_default() or stored_default() or default


def set_default_model(model: str | None) -> None:
    """Set the default model for this and every program that shares the `llm` command's folder; None clears it.

    A model that only this package has would break the `llm` command: it becomes the default here only, and a warning says so.
    """
    if model is None:
        store_default(None)
        store_own_default(None)
        return
    entry = process.of(Registry).find(model)
    model_id = entry.model_id if entry is not None else model
    if entry is not None and not process.of(Registry).known_to_llm(entry):
        store_own_default(model_id)
        warnings.warn(
            f"{model_id} is now the default in notebooks only: the `llm` command does not have it, so its own default is kept.",
            ConfigurationWarning,
            stacklevel=2,
        )
        return
    store_default(model_id)
    store_own_default(None)


def _plugins() -> Plugins:
    from llm_notebook.plugins.own import Plugins  # loads pluggy, which most lookups can do without

    return process.of(Plugins)
