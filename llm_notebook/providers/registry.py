"""The registry of models: `get_model()` and the functions beside it, aliases, and the default model."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, overload

from llm_notebook.configuration.choices import (
    delete_alias,
    read_aliases,
    read_default,
    read_own_default,
    store_alias,
    store_default,
    store_own_default,
)
from llm_notebook.configuration.files import ConfigurationWarning
from llm_notebook.configuration.folders import user_dir
from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError, UnknownModelError
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model, ModelWithAliases
from llm_notebook.plugins.loaded import loaded_plugins
from llm_notebook.providers.catalog.catalog import CatalogModel
from llm_notebook.providers.catalog.lists import known_model
from llm_notebook.providers.catalog.names import (
    KnownName,
    Named,
    did_you_mean,
    find_entry,
    models_by_name,
    similar_names,
)
from llm_notebook.providers.endpoints import ENDPOINTS_FILE, endpoint_models
from llm_notebook.providers.local.gguf import read_facts
from llm_notebook.providers.local.installed import InstalledModel, installed_models, named_file
from llm_notebook.providers.local.models import local_entry, local_models
from llm_notebook.providers.refreshing import OllamaList, listed_models, listed_names
from llm_notebook.providers.table import PROVIDERS, build_entry, catalog_entries, split_prefix

if TYPE_CHECKING:
    from llm_notebook.models.embeddings import EmbeddingModelWithAliases
    from llm_notebook.plugins.own import Plugins

__all__ = [
    "DEFAULT_MODEL",
    "Registry",
    "get_async_model",
    "get_async_model_aliases",
    "get_async_models",
    "get_default_model",
    "get_model",
    "get_model_aliases",
    "get_models",
    "get_models_with_aliases",
    "remove_alias",
    "set_alias",
    "set_default_model",
]

DEFAULT_MODEL = "gpt-4o-mini"
D = TypeVar("D")
E = TypeVar("E", bound=Named)


class Registry:
    """Every model that can be named. Built-in models are known from the start; the endpoints file is read again when it changes."""

    def __init__(self) -> None:
        shared = [*catalog_entries(["openai"])]
        self._builtin = [*shared, *local_models(), *catalog_entries(name for name in PROVIDERS if name != "openai")]
        # A model that the `llm` command does not know must not become its default.
        self._known_to_llm = {entry.model_id for entry in shared}
        self._endpoints: list[ModelWithAliases] = []
        self._endpoints_version: object = None
        self._listed: dict[str, ModelWithAliases] = {}
        self._installed: dict[InstalledModel, ModelWithAliases] = {}
        self._files: dict[tuple[str, int], ModelWithAliases] = {}
        self._ollama = OllamaList()

    def entries(self) -> list[ModelWithAliases]:
        """Return every model with its built-in aliases. A plugin cannot replace a model that another source already has.

        The order is: the models of this package and of its plugins, those that the providers listed themselves, those of the
        Ollama server if it answers at once, and those of the `llm` package's plugins.
        """
        entries = [*self._entries_with_plugins(), *self._ollama.entries(), *_plugins().bridged_models()]
        return _first_of_each_id(entries)

    def known_entries(self) -> list[ModelWithAliases]:
        """Return the models that are known immediately: no server is asked, and no further plugin is loaded."""
        own, others = self._known_but_listed()
        return _first_of_each_id([*own, *self._listed_entries(), *others])

    def known_names(self) -> list[KnownName]:
        """Return the names of the same models. Those of the stored lists, which may be thousands, are not built."""
        own, others = self._known_but_listed()
        listed = (
            KnownName(model_id, aliases, provider.name if provider.key_env_var else None, provider.key_env_var)
            for provider, model_id, aliases in listed_names()
        )
        return _first_of_each_id([*map(KnownName.of, own), *listed, *map(KnownName.of, others)])

    def find_known(self, name: str) -> ModelWithAliases | None:
        """Return the model with this id or alias as far as it is known at once, see `known_entries()`."""
        own, others = self._known_but_listed()
        return (
            find_entry(name, own) or self._find_by_prefix(name) or find_entry(name, [*self._listed_entries(), *others])
        )

    def _known_but_listed(self) -> tuple[list[ModelWithAliases], list[ModelWithAliases]]:
        """Return the models that come before those of the stored lists, and those after them, without asking or loading anything."""
        plugins, bridged = loaded_plugins()
        own = self._own_entries() if plugins is None else plugins.models(self._own_entries())
        theirs = plugins.bridged_models() if plugins is not None and bridged else []
        return own, [*self._ollama.known(), *theirs]

    def _listed_entries(self) -> list[ModelWithAliases]:
        found = []
        for provider, known in listed_models():
            model_id = provider.model_id(known.name)
            if model_id not in self._listed:
                self._listed[model_id] = build_entry(provider, known)
            found.append(self._listed[model_id])
        return found

    def embedding_entries(self) -> list[EmbeddingModelWithAliases]:
        """Return every embedding model with its built-in aliases. A plugin cannot replace a model that is already here."""
        own = [*self._builtin_embeddings, *_plugins().embedding_models()]
        return _first_of_each_id([*own, *_plugins().bridged_embedding_models()])

    def find_embedding(self, name: str) -> EmbeddingModelWithAliases | None:
        """Return the embedding model with this id or alias, or None. The `llm` package is imported only if need be, as in `find()`."""
        own = [*self._builtin_embeddings, *_plugins().embedding_models()]
        return find_entry(name, own) or find_entry(name, self.embedding_entries())

    @functools.cached_property
    def _builtin_embeddings(self) -> list[EmbeddingModelWithAliases]:
        from llm_notebook.providers.local.embeddings import local_embedding_models  # only where asked for
        from llm_notebook.providers.openai.embeddings import openai_embedding_models  # only where asked for

        return [*openai_embedding_models(), *local_embedding_models()]

    def _own_entries(self) -> list[ModelWithAliases]:
        """Return the models that need no plugin. An endpoint of the user's replaces another model with the same id."""
        entries = [*self._installed_entries(), *self._builtin, *self._current_endpoints()]
        return list({entry.model_id: entry for entry in entries}.values())

    def _installed_entries(self) -> list[ModelWithAliases]:
        """Return the models that the user installed."""
        for model in (known := installed_models()):
            if model not in self._installed:
                self._installed[model] = local_entry(model.name, model.file, supports_tools=model.supports_tools)
        return list(map(self._installed.__getitem__, known))

    def _entries_with_plugins(self) -> list[ModelWithAliases]:
        """Return the models that are found without importing the `llm` package and without a request."""
        return [*_plugins().models(self._own_entries()), *self._listed_entries()]

    def find(self, name: str) -> ModelWithAliases | None:
        """Return the model with this id or alias, or None. An id wins over aliases, a user's alias over a built-in one.

        The search goes from the cheapest source to the most expensive and stops at the first that knows the name: models that need no plugin; a
        provider's prefix, which any name may follow (`groq/some-new-model`); the path of a GGUF file; plugins; the `llm` package, which takes a
        while to import; and last the Ollama server, the only one that takes a request.
        """
        return (
            self._in_memory(name)
            or find_entry(name, self._own_entries())
            or self._find_by_prefix(name)
            or self._find_file(name)
            or find_entry(name, self._entries_with_plugins())
            or find_entry(name, _plugins().bridged_models())
            or find_entry(name, self._ollama.entries())
        )

    def _in_memory(self, name: str) -> ModelWithAliases | None:
        """Return the user's endpoint, or else the built-in model, with exactly this id. No other source can replace them."""
        for entry in (*self._current_endpoints(), *self._builtin):
            if entry.model_id == name:
                return entry
        return None

    def _find_by_prefix(self, name: str) -> ModelWithAliases | None:
        """Return the model whose name begins with a provider's prefix, even if it is in no catalogue."""
        name = read_aliases().get(name, name)
        split = split_prefix(name)
        if split is None:
            return None
        provider, rest = split
        model_id = provider.model_id(rest)
        known = find_entry(model_id, self._own_entries()) if provider.bare_ids else None
        if known is not None:
            return known
        if name not in self._listed:
            model = known_model(provider.name, rest) or CatalogModel(rest)
            self._listed[name] = build_entry(provider, replace(model, name=rest, aliases=()), model_id=name)
        return self._listed[name]

    def _find_file(self, name: str) -> ModelWithAliases | None:
        """Return the model in the GGUF file at this path, or None if there is no such file."""
        file = named_file(read_aliases().get(name, name))
        if file is None:
            return None
        known = (str(file.file), file.file.stat().st_mtime_ns)
        if known not in self._files:
            try:
                supports_tools = read_facts(file.file).supports_tools
            except ModelError:  # a prompt to the model will raise it where it can be seen
                supports_tools = False
            self._files[known] = local_entry(known[0], file, supports_tools=supports_tools)
        return self._files[known]

    def model(self, name: str | None) -> Model | KeyModel:
        """Return the sync model with this name, or the default one.

        Raises:
            UnknownModelError: there is no such model, or it has only an async flavour.
        """
        entry = self._entry(name)
        if entry.model is None:
            raise UnknownModelError(
                f"{entry.model_id} has no sync flavour (async model exists): use get_async_model()."
            )
        return entry.model

    def async_model(self, name: str | None) -> AsyncModel | AsyncKeyModel:
        """Return the async model with this name, or the default one.

        Raises:
            UnknownModelError: there is no such model, or it has only a sync flavour.
        """
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
        aliases = read_aliases()
        meant = aliases.get(wanted, wanted)
        # An alias of another alias is reported as it was written.
        meant = wanted if meant in aliases else meant
        origin = origin if meant == wanted else f", which your alias {wanted!r} stands for"
        close = [name for name in similar_names(meant, self.names()) if name != wanted]
        error = UnknownModelError(
            f"No model is called {meant!r}{origin}.{did_you_mean(close)} `%llm models` lists them all."
        )
        error.wanted, error.close = wanted, tuple(close)
        raise error

    def known_to_llm(self, entry: ModelWithAliases) -> bool:
        """Return True if the `llm` command has this model too."""
        known = entry.model_id in self._known_to_llm or entry in self._current_endpoints()
        return known or entry in _plugins().bridged_models()

    def names(self) -> Iterator[str]:
        """Yield every id and alias."""
        for entry in self.entries():
            yield entry.model_id
            yield from entry.aliases
        yield from read_aliases()

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
    """Return the model with this id or alias, or the default model.

    Args:
        name: an id, an alias, a provider's prefix and any model of its (`groq/some-new-model`), or the path of a GGUF file;
            None means the default model.

    Raises:
        UnknownModelError: there is no such model; the message names the closest ids.
    """
    return process.of(Registry).model(name)


def get_async_model(name: str | None = None) -> AsyncModel | AsyncKeyModel:
    """Return the async model with this id or alias, or the default model. It takes the names that `get_model()` takes.

    Raises:
        UnknownModelError: there is no such model; the message names the closest ids.
    """
    return process.of(Registry).async_model(name)


def get_models() -> list[Model | KeyModel]:
    """Return every sync model."""
    return [entry.model for entry in process.of(Registry).entries() if entry.model is not None]


def get_async_models() -> list[AsyncModel | AsyncKeyModel]:
    """Return every async model."""
    return [entry.async_model for entry in process.of(Registry).entries() if entry.async_model is not None]


def get_models_with_aliases() -> list[ModelWithAliases]:
    """Return every model in both flavours with all its aliases, the user's own included."""
    own = read_aliases()
    entries = []
    for entry in process.of(Registry).entries():
        mine = [alias for alias, target in own.items() if target == entry.model_id or target in entry.aliases]
        kept = [alias for alias in entry.aliases if alias not in own]
        entries.append(ModelWithAliases(entry.model, entry.async_model, [*kept, *mine]))
    return entries


def get_model_aliases() -> dict[str, Model | KeyModel]:
    """Return every sync model by its id and by each of its aliases, the user's own included."""
    return models_by_name(get_models_with_aliases(), lambda entry: entry.model)


def get_async_model_aliases() -> dict[str, AsyncModel | AsyncKeyModel]:
    """Return every async model by its id and by each of its aliases, the user's own included."""
    return models_by_name(get_models_with_aliases(), lambda entry: entry.async_model)


def set_alias(alias: str, model_id_or_alias: str) -> None:
    """Make `alias` another name of a model. The name of an unknown model is stored unchanged."""
    registry = process.of(Registry)
    entry = registry.find(model_id_or_alias) or registry.find_embedding(model_id_or_alias)
    store_alias(alias, entry.model_id if entry is not None else model_id_or_alias)


def remove_alias(alias: str) -> None:
    """Delete one of the user's aliases.

    Raises:
        KeyError: the user has no such alias.
    """
    delete_alias(alias)


@overload
def get_default_model() -> str: ...
@overload
def get_default_model(default: D) -> str | D: ...
def get_default_model(default: object = DEFAULT_MODEL) -> object:
    """Return the id of the configured default model, or `default` if none is configured."""
    return read_own_default() or read_default() or default


def set_default_model(model: str | None) -> None:
    """Set the default model for this package and every program that shares the `llm` command's folder. None clears it.

    A model that only this package has would break the `llm` command. It becomes the default of this package only, and a warning
    says so.
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


def _first_of_each_id(entries: Sequence[E]) -> list[E]:
    """Return the entries in their order, without those whose id is already taken by an earlier one."""
    return list({entry.model_id: entry for entry in reversed(entries)}.values())[::-1]


def _plugins() -> Plugins:
    from llm_notebook.plugins.own import Plugins  # loads pluggy, which most lookups do not need

    return process.of(Plugins)
