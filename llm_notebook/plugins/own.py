"""Plugins of this package: the hooks that they can implement, and what they offer.

A plugin is a distribution with an entry point in the group `llm_notebook` that names a module:

    import llm_notebook

    @llm_notebook.hookimpl
    def register_models(register):
        register(MyModel(), aliases=("mine",))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pluggy

from llm_notebook.configuration.process import process
from llm_notebook.objects.offered import class_name
from llm_notebook.plugins.llm_package.opening import open_bridge
from llm_notebook.plugins.loading import (
    PluginGroup,
    PluginHook,
    PluginWarning,
    add_tool,
    check_aliases,
    check_model,
    find_entry_points,
)

if TYPE_CHECKING:
    from llm_notebook.models.embeddings import EmbeddingModel, EmbeddingModelWithAliases
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model, ModelWithAliases
    from llm_notebook.objects.offered import ObjectDescriber
    from llm_notebook.plugins.llm_package.collection import Bridge
    from llm_notebook.templates.fragments import FragmentLoader
    from llm_notebook.templates.template import TemplateLoader
    from llm_notebook.tools.tool import Tool
    from llm_notebook.tools.toolbox import Toolbox

__all__ = [
    "GROUP",
    "HookSpecifications",
    "PluginWarning",
    "Plugins",
    "get_fragment_loaders",
    "get_plugins",
    "get_template_loaders",
    "get_tools",
    "hookimpl",
]

GROUP = "llm_notebook"
T = TypeVar("T")
hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class HookSpecifications:
    """The hooks that a plugin can implement. Each is given `register` and calls it once for each thing that the plugin offers."""

    @hookspec
    def register_models(self, register: Callable[..., None], model_aliases: list[ModelWithAliases]) -> None:
        """Register models with `register(model, async_model=None, aliases=None)`. `model_aliases` has those registered so far."""

    @hookspec
    def register_tools(self, register: Callable[..., None]) -> None:
        """Register tools with `register(tool, name=None)`, where the tool is a function, a Tool or a Toolbox class."""

    @hookspec
    def register_template_loaders(self, register: Callable[..., None]) -> None:
        """Register template loaders with `register(prefix, loader)`. A loader takes the text after `prefix:` and returns a Template."""

    @hookspec
    def register_fragment_loaders(self, register: Callable[..., None]) -> None:
        """Register fragment loaders with `register(prefix, loader)`.

        A loader takes the text after `prefix:` and returns a Fragment, an Attachment or a list of these.
        """

    @hookspec
    def register_objects(self, register: Callable[..., None]) -> None:
        """Register what describes objects to models with `register(kind, describe)`.

        The kind is a class, or the name of its library and its own, such as `geopandas.GeoDataFrame`, so that the library need not be
        loaded. `describe(value, most_bytes)` returns a text, an Attachment, or a list of these.
        """

    @hookspec
    def register_embedding_models(self, register: Callable[..., None]) -> None:
        """Register embedding models with `register(model, aliases=None)`."""


class Plugins(PluginGroup):
    """The plugins of this process, together with those of the `llm` package if it is installed.

    The environment variable `LLM_LOAD_PLUGINS`, a comma-separated list of distributions, limits what is loaded. If it is empty, no
    plugin is loaded.
    """

    def models(self, known: Sequence[ModelWithAliases] = ()) -> list[ModelWithAliases]:
        """Return the known models, followed by those that plugins register. Those of the `llm` package are not among them.

        A hook that asks for models while it registers its own gets the known ones.
        """

        def collect(hooks: Iterable[PluginHook]) -> list[ModelWithAliases]:
            from llm_notebook.models.model import ModelWithAliases  # only where models are asked for

            entries = [*known]

            def register(
                model: Model | KeyModel | None = None,
                async_model: AsyncModel | AsyncKeyModel | None = None,
                aliases: Sequence[str] | None = None,
            ) -> None:
                check_model(model if model is not None else async_model)
                entries.append(ModelWithAliases(model, async_model, check_aliases(aliases)))

            for call in hooks:
                call(register=register, model_aliases=entries)
            return entries

        return [*self._collect_once("register_models", collect, *known)]

    def bridged_models(self) -> list[ModelWithAliases]:
        """Return the models of the `llm` package and its plugins."""
        bridge = _bridge()
        return [] if bridge is None else bridge.models()

    def tools(self) -> dict[str, Tool | type[Toolbox]]:
        """Return Tools and Toolbox classes by name. The second tool with a name is renamed, with `_1` added."""

        def collect(hooks: Iterable[PluginHook]) -> dict[str, Tool | type[Toolbox]]:
            found: dict[str, Tool | type[Toolbox]] = {}
            for call in hooks:
                call(register=lambda tool, name=None, origin=call.name: add_tool(found, tool, name, origin))
            return found

        own, bridge = self._collect_once("register_tools", collect), _bridge()
        return {**own} if bridge is None else _with_bridged(own, bridge.tools())

    def template_loaders(self) -> dict[str, TemplateLoader]:
        """Return template loaders by prefix. The second loader for a prefix has `_1` added to its prefix."""
        own = self._loaders("register_template_loaders", lambda loader: cast("TemplateLoader", loader))
        bridge = _bridge()
        return own if bridge is None else _with_bridged(own, bridge.template_loaders())

    def fragment_loaders(self) -> dict[str, FragmentLoader]:
        """Return fragment loaders by prefix. The second loader for a prefix has `_1` added to its prefix."""
        own = self._loaders("register_fragment_loaders", lambda loader: cast("FragmentLoader", loader))
        bridge = _bridge()
        return own if bridge is None else _with_bridged(own, bridge.fragment_loaders())

    def object_describers(self) -> dict[str, ObjectDescriber]:
        """Return what describes objects to models, by the names of their classes. Of two for one class the first counts."""

        def collect(hooks: Iterable[PluginHook]) -> dict[str, ObjectDescriber]:
            found: dict[str, ObjectDescriber] = {}

            def register(kind: type | str, describe: ObjectDescriber) -> None:
                if not isinstance(kind, type | str) or not callable(describe):
                    raise TypeError(f"{kind!r} is no class with a function that describes its objects")
                name = kind if isinstance(kind, str) else class_name(kind)
                found.setdefault(name, describe)

            for call in hooks:
                call(register=register)
            return found

        return {**self._collect_once("register_objects", collect)}

    def embedding_models(self) -> list[EmbeddingModelWithAliases]:
        """Return the embedding models that plugins register. Those of the `llm` package are not among them."""

        def collect(hooks: Iterable[PluginHook]) -> list[EmbeddingModelWithAliases]:
            from llm_notebook.models.embeddings import EmbeddingModelWithAliases  # only where it is asked for

            entries: list[EmbeddingModelWithAliases] = []

            def register(model: EmbeddingModel, aliases: Sequence[str] | None = None) -> None:
                check_model(model)
                entries.append(EmbeddingModelWithAliases(model, check_aliases(aliases)))

            for call in hooks:
                call(register=register)
            return entries

        return [*self._collect_once("register_embedding_models", collect)]

    def bridged_embedding_models(self) -> list[EmbeddingModelWithAliases]:
        """Return the embedding models of the `llm` package and its plugins."""
        bridge = _bridge()
        return [] if bridge is None else bridge.embedding_models()

    def descriptions(self) -> list[dict[str, Any]]:
        """Return a dict for every plugin, as `get_plugins()` does."""
        bridge = _bridge()
        return [*super().descriptions(), *(() if bridge is None else bridge.descriptions())]

    def _load_manager(self) -> pluggy.PluginManager:
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(HookSpecifications)
        for entry_point in find_entry_points(GROUP):
            self._load(manager, entry_point)
        return manager


def _bridge() -> Bridge | None:
    """Return what the `llm` package offers, or None if it cannot be used."""
    return process.of(open_bridge)


def _with_bridged(own: dict[str, T], bridged: dict[str, T]) -> dict[str, T]:
    """Return both by name. Our own come first, and are not replaced by those of the same name."""
    return own | {name: offered for name, offered in bridged.items() if name not in own}


def get_plugins(all: bool = False) -> list[dict[str, Any]]:  # noqa: ARG001  part of the API
    """Return the loaded plugins, each as a dict with `name`, `hooks` and, if it comes from a distribution, `version`.

    Args:
        all: has no effect. In the `llm` package it adds the built-in plugins, and this package has none.
    """
    return process.of(Plugins).descriptions()


def get_tools() -> dict[str, Tool | type[Toolbox]]:
    """Return the tools that plugins offer, Tools and Toolbox classes, by name."""
    return process.of(Plugins).tools()


def get_template_loaders() -> dict[str, TemplateLoader]:
    """Return the template loaders that plugins offer, by prefix."""
    return process.of(Plugins).template_loaders()


def get_fragment_loaders() -> dict[str, FragmentLoader]:
    """Return the fragment loaders that plugins offer, by prefix."""
    return process.of(Plugins).fragment_loaders()
