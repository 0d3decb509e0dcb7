"""Plugins: the hooks they implement, how installed ones are found and loaded, and what they register.

A plugin is a distribution with an entry point in the group `llm_notebook` that names a module:

    import llm_notebook

    @llm_notebook.hookimpl
    def register_models(register):
        register(MyModel(), aliases=("mine",))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from llm_notebook.configuration.process import process
from llm_notebook.plugins.llm_package.opening import open_bridge
from llm_notebook.plugins.loading import (
    PluginGroup,
    PluginHook,
    PluginWarning,
    add_tool,
    check_model,
    checked_aliases,
    wanted_entry_points,
)

if TYPE_CHECKING:
    from llm_notebook.models.embeddings import EmbeddingModelWithAliases
    from llm_notebook.models.model import ModelWithAliases
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
    """What a plugin can implement. Each hook is given `register` and calls it once for everything it has to offer."""

    @hookspec
    def register_models(self, register: Callable[..., None], model_aliases: list[ModelWithAliases]) -> None:
        """`register(model, async_model=None, aliases=None)`; `model_aliases` holds what is registered so far."""

    @hookspec
    def register_tools(self, register: Callable[..., None]) -> None:
        """`register(function_or_tool_or_toolbox_class, name=None)`."""

    @hookspec
    def register_template_loaders(self, register: Callable[..., None]) -> None:
        """`register(prefix, loader)`: the loader is given what follows `prefix:` and returns a Template."""

    @hookspec
    def register_fragment_loaders(self, register: Callable[..., None]) -> None:
        """`register(prefix, loader)`: the loader is given what follows `prefix:` and returns Fragments or Attachments."""

    @hookspec
    def register_embedding_models(self, register: Callable[..., None]) -> None:
        """`register(model, aliases=None)`."""


class Plugins(PluginGroup):
    """The plugins of this process, and beside them what installed plugins of the `llm` package offer.

    `LLM_LOAD_PLUGINS`, a comma-separated list of distributions, limits what is loaded; empty, it means none.
    """

    def models(self, known: Sequence[ModelWithAliases] = ()) -> list[ModelWithAliases]:
        """The known models, then those that plugins register, without those of the `llm` package.

        A hook that asks for models itself gets the known ones.
        """

        def collect(hooks: Iterable[PluginHook]) -> list[ModelWithAliases]:
            from llm_notebook.models.model import ModelWithAliases  # whoever asks has loaded it

            entries = [*known]

            def register(model: Any = None, async_model: Any = None, aliases: Sequence[str] | None = None) -> None:
                check_model(model if model is not None else async_model)
                entries.append(ModelWithAliases(model, async_model, checked_aliases(aliases)))

            for call in hooks:
                call(register=register, model_aliases=entries)
            return entries

        return [*self._once("register_models", collect, *known)]

    def bridged_models(self) -> list[ModelWithAliases]:
        """The models of the `llm` package and its plugins."""
        return bridge.models() if (bridge := process.of(open_bridge)) is not None else []

    def tools(self) -> dict[str, Tool | type[Toolbox]]:
        """Tools and Toolbox classes by name. A second tool of a name gets `_1` after it, and answers to that."""

        def collect(hooks: Iterable[PluginHook]) -> dict[str, Tool | type[Toolbox]]:
            found: dict[str, Tool | type[Toolbox]] = {}
            for call in hooks:
                call(register=lambda tool, name=None, origin=call.name: add_tool(found, tool, name, origin))
            return found

        own = self._once("register_tools", collect)
        return _with_bridged(own, bridge.tools() if (bridge := process.of(open_bridge)) is not None else {})

    def template_loaders(self) -> dict[str, TemplateLoader]:
        """Template loaders by prefix. A second loader of a prefix gets `_1` after it."""
        own = self._loaders("register_template_loaders")
        return _with_bridged(own, bridge.template_loaders() if (bridge := process.of(open_bridge)) is not None else {})

    def fragment_loaders(self) -> dict[str, FragmentLoader]:
        """Fragment loaders by prefix. A second loader of a prefix gets `_1` after it."""
        own = self._loaders("register_fragment_loaders")
        return _with_bridged(own, bridge.fragment_loaders() if (bridge := process.of(open_bridge)) is not None else {})

    def embedding_models(self) -> list[EmbeddingModelWithAliases]:
        """The embedding models that plugins register, without those of the `llm` package."""

        def collect(hooks: Iterable[PluginHook]) -> list[EmbeddingModelWithAliases]:
            from llm_notebook.models.embeddings import EmbeddingModelWithAliases  # only where it is asked for

            entries: list[EmbeddingModelWithAliases] = []

            def register(model: Any, aliases: Sequence[str] | None = None) -> None:
                check_model(model)
                entries.append(EmbeddingModelWithAliases(model, checked_aliases(aliases)))

            for call in hooks:
                call(register=register)
            return entries

        return [*self._once("register_embedding_models", collect)]

    def bridged_embedding_models(self) -> list[EmbeddingModelWithAliases]:
        """The embedding models of the `llm` package and its plugins."""
        return bridge.embedding_models() if (bridge := process.of(open_bridge)) is not None else []

    def described(self) -> list[dict[str, Any]]:
        """For every plugin its `name`, its `hooks` and, where it comes from a distribution, its `version`."""
        return [*super().described(), *(bridge.described() if (bridge := process.of(open_bridge)) is not None else ())]

    def _loaded_manager(self) -> pluggy.PluginManager:
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(HookSpecifications)
        for entry_point in wanted_entry_points(GROUP):
            self._load(manager, entry_point)
        return manager


def _with_bridged(own: dict[str, T], bridged: dict[str, T]) -> dict[str, T]:
    """All by name; what is our own comes first and is not replaced."""
    return own | {name: offered for name, offered in bridged.items() if name not in own}


def get_plugins(all: bool = False) -> list[dict[str, Any]]:  # noqa: A002, ARG001  part of the API
    """The loaded plugins, each as a dict with `name`, `hooks` and, where it comes from a distribution, `version`.

    Args:
        all: taken for compatibility; what this package brings itself is not a plugin.
    """
    return process.of(Plugins).described()


def get_tools() -> dict[str, Tool | type[Toolbox]]:
    """The tools that plugins offer: Tools and Toolbox classes, by name."""
    return process.of(Plugins).tools()


def get_template_loaders() -> dict[str, TemplateLoader]:
    """The template loaders that plugins offer, by prefix."""
    return process.of(Plugins).template_loaders()


def get_fragment_loaders() -> dict[str, FragmentLoader]:
    """The fragment loaders that plugins offer, by prefix."""
    return process.of(Plugins).fragment_loaders()
