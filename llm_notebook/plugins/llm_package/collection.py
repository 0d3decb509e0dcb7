"""The `llm` package's plugins: loaded as that package loads them, and what each registers turned into ours."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import llm
from llm import plugins as their_plugins

from llm_notebook.configuration.keys import keys_path
from llm_notebook.models.embeddings import EmbeddingModelWithAliases
from llm_notebook.models.model import ModelWithAliases
from llm_notebook.plugins.llm_package.models import BridgedEmbeddingModel, own_async_model, own_model
from llm_notebook.plugins.llm_package.tools import adopted, offered_tool
from llm_notebook.plugins.llm_package.values import own_fragment_loader, own_template_loader
from llm_notebook.plugins.loading import (
    PluginGroup,
    PluginHook,
    add_tool,
    check_model,
    checked_aliases,
    wanted_entry_points,
)

if TYPE_CHECKING:
    import pluggy

    from llm_notebook.templates.fragments import FragmentLoader
    from llm_notebook.templates.template import TemplateLoader
    from llm_notebook.tools.tool import Tool
    from llm_notebook.tools.toolbox import Toolbox

__all__ = ["Bridge"]


class Bridge(PluginGroup):
    """What the `llm` package and its plugins offer, as models, tools and loaders of this package.

    Hooks are called here, one plugin at a time: `llm` itself gives nothing at all where one of them fails.
    """

    def models(self) -> list[ModelWithAliases]:
        """Their models. Some plugins register theirs only once there is a key, so they are asked again when keys change."""

        def collect(hooks: Iterable[PluginHook]) -> list[ModelWithAliases]:
            shown: list[llm.models.ModelWithAliases] = []
            found: dict[str, ModelWithAliases] = {}

            def register(model: Any, async_model: Any = None, aliases: Sequence[str] | None = None) -> None:
                check_model(model if model is not None else async_model)
                names = checked_aliases(aliases)
                entry = ModelWithAliases(own_model(model), own_async_model(async_model), names)
                found[entry.model_id] = entry
                shown.append(llm.models.ModelWithAliases(model, async_model, set(names)))

            for call in hooks:
                call(register=register, model_aliases=shown)
            return list(found.values())

        return [*self._once("register_models", collect, _version_of_keys())]

    def tools(self) -> dict[str, Tool | type[Toolbox]]:
        """Their tools and Toolbox classes by name."""

        def collect(hooks: Iterable[PluginHook]) -> dict[str, Tool | type[Toolbox]]:
            found: dict[str, Tool | type[Toolbox]] = {}
            for call in hooks:
                call(
                    register=lambda tool, name=None, origin=call.name: add_tool(found, offered_tool(tool), name, origin)
                )
            return found

        return {**self._once("register_tools", collect)}

    def adopted(self, tool: Any) -> Any:
        """A tool of the `llm` package as one of ours; anything else as it is."""
        return adopted(tool)

    def template_loaders(self) -> dict[str, TemplateLoader]:
        """Their template loaders by prefix."""
        return self._loaders("register_template_loaders", own_template_loader)

    def fragment_loaders(self) -> dict[str, FragmentLoader]:
        """Their fragment loaders by prefix."""
        return self._loaders("register_fragment_loaders", own_fragment_loader)

    def embedding_models(self) -> list[EmbeddingModelWithAliases]:
        """Their embedding models."""

        def collect(hooks: Iterable[PluginHook]) -> list[EmbeddingModelWithAliases]:
            entries: list[EmbeddingModelWithAliases] = []

            def register(model: Any, aliases: Sequence[str] | None = None) -> None:
                check_model(model)
                entry = EmbeddingModelWithAliases(BridgedEmbeddingModel(model), checked_aliases(aliases), True)
                entries.append(entry)

            for call in hooks:
                call(register=register)
            return entries

        return [*self._once("register_embedding_models", collect, _version_of_keys())]

    def described(self) -> list[dict[str, Any]]:
        """Their plugins, without what the `llm` package brings itself."""
        own = {getattr(self.manager.get_plugin(name), "__name__", name) for name in their_plugins.DEFAULT_PLUGINS}
        return [plugin for plugin in super().described() if plugin["name"] not in own]

    def _loaded_manager(self) -> pluggy.PluginManager:
        manager = their_plugins.pm
        # It stops at the first plugin that fails. That one is told of, and those after it are loaded, below.
        with contextlib.suppress(Exception, SystemExit):
            their_plugins.load_plugins()
        for entry_point in wanted_entry_points("llm"):
            if not manager.has_plugin(entry_point.name):
                self._load(manager, entry_point)
        for name in their_plugins.DEFAULT_PLUGINS:
            if not manager.has_plugin(name):
                manager.register(importlib.import_module(name), name)
        for plugin, distribution in manager.list_plugin_distinfo():
            self._distributions.setdefault(str(manager.get_name(plugin)), distribution)
        return manager


def _version_of_keys() -> tuple[object, ...]:
    try:
        status = keys_path().stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size
