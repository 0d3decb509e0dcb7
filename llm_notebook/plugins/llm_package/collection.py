"""Collects the plugins of the `llm` package, and converts what they register to models, tools and loaders of this package.

The plugins are loaded into the manager of the `llm` package itself, because some of them import it and look at what it has loaded. Its own
functions, `llm.get_models()` and the others, are not used to collect what the plugins offer: they call all hooks in one go, so that one
broken plugin would leave nothing. `Bridge` calls the hooks one by one, as PluginGroup does for the plugins of this package.

Loading has the same problem. `load_plugins()` of the `llm` package stops at the first plugin that fails, and a second call does nothing.
So the error is dropped, the entry points that are missing are loaded one by one, which warns about the one that fails, and then the package's
own modules, which it would have registered last.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

import llm
from llm import plugins as their_plugins

from llm_notebook.configuration.folders import user_dir
from llm_notebook.configuration.keys import keys_path
from llm_notebook.models.embeddings import EmbeddingModelWithAliases
from llm_notebook.models.model import ModelWithAliases
from llm_notebook.plugins.llm_package.models import (
    BridgedEmbeddingModel,
    TheirAsyncModel,
    TheirModel,
    own_async_model,
    own_model,
)
from llm_notebook.plugins.llm_package.tools import adopt_tool, own_offer
from llm_notebook.plugins.llm_package.values import own_fragment_loader, own_template_loader
from llm_notebook.plugins.loading import (
    Distribution,
    PluginGroup,
    PluginHook,
    add_tool,
    check_aliases,
    check_model,
    find_entry_points,
)

if TYPE_CHECKING:
    import pluggy

    from llm_notebook.templates.fragments import FragmentLoader
    from llm_notebook.templates.template import TemplateLoader
    from llm_notebook.tools.tool import Tool
    from llm_notebook.tools.toolbox import Toolbox

__all__ = ["Bridge"]

_OPENAI = "llm.default_plugins.openai_models"


class Bridge(PluginGroup):
    """What the `llm` package and its plugins offer, as models, tools and loaders of this package."""

    def models(self) -> list[ModelWithAliases]:
        """Return their models. Some plugins register models only if there is a key, so they are asked again when keys change."""

        def collect(hooks: Iterable[PluginHook]) -> list[ModelWithAliases]:
            shown: list[llm.models.ModelWithAliases] = []
            found: dict[str, ModelWithAliases] = {}

            def register(
                model: TheirModel | None,
                async_model: TheirAsyncModel | None = None,
                aliases: Sequence[str] | None = None,
            ) -> None:
                check_model(model if model is not None else async_model)
                names = check_aliases(aliases)
                entry = ModelWithAliases(own_model(model), own_async_model(async_model), names)
                found[entry.model_id] = entry
                # Only one of the two may be None, but the types of the `llm` package say that neither is.
                both = cast("llm.Model", model), cast("llm.AsyncModel", async_model)
                shown.append(llm.models.ModelWithAliases(*both, set(names)))

            for call in hooks:
                call(register=register, model_aliases=shown)
            return list(found.values())

        return [*self._collect_once("register_models", collect, _version_of_keys())]

    def tools(self) -> dict[str, Tool | type[Toolbox]]:
        """Return their Tools and Toolbox classes by name."""

        def collect(hooks: Iterable[PluginHook]) -> dict[str, Tool | type[Toolbox]]:
            found: dict[str, Tool | type[Toolbox]] = {}
            for call in hooks:
                call(register=lambda tool, name=None, origin=call.name: add_tool(found, own_offer(tool), name, origin))
            return found

        return {**self._collect_once("register_tools", collect)}

    def adopt_tool(self, tool: object) -> object:
        """Turn a tool of the `llm` package into one of ours, and return anything else unchanged."""
        return adopt_tool(tool)

    def template_loaders(self) -> dict[str, TemplateLoader]:
        """Return their template loaders by prefix."""
        return self._loaders("register_template_loaders", own_template_loader)

    def fragment_loaders(self) -> dict[str, FragmentLoader]:
        """Return their fragment loaders by prefix."""
        return self._loaders("register_fragment_loaders", own_fragment_loader)

    def embedding_models(self) -> list[EmbeddingModelWithAliases]:
        """Return their embedding models."""

        def collect(hooks: Iterable[PluginHook]) -> list[EmbeddingModelWithAliases]:
            entries: list[EmbeddingModelWithAliases] = []

            def register(model: llm.models.EmbeddingModel, aliases: Sequence[str] | None = None) -> None:
                check_model(model)
                entry = EmbeddingModelWithAliases(BridgedEmbeddingModel(model), check_aliases(aliases), True)
                entries.append(entry)

            for call in hooks:
                call(register=register)
            return entries

        return [*self._collect_once("register_embedding_models", collect, _version_of_keys())]

    def descriptions(self) -> list[dict[str, Any]]:
        """Return a dict for each of their plugins, without those that are part of the `llm` package."""
        own = {getattr(self.manager.get_plugin(name), "__name__", name) for name in their_plugins.DEFAULT_PLUGINS}
        return [plugin for plugin in super().descriptions() if plugin["name"] not in own]

    def _explain(self, plugin: str, hook: str, error: Exception) -> str:
        # Their plugin for OpenAI takes the user's own endpoints from a file that this package reads too, and more generously.
        if plugin == _OPENAI and isinstance(error, KeyError) and error.args == ("model_name",):
            return (
                f"The llm command cannot read {user_dir() / 'extra-openai-models.yaml'}, because an entry has no model_name: add one. "
                "Here its model_id serves as the name."
            )
        return super()._explain(plugin, hook, error)

    def _load_manager(self) -> pluggy.PluginManager:
        manager = their_plugins.pm
        # The plugin that fails here fails again below, where it is reported.
        with contextlib.suppress(Exception, SystemExit):
            their_plugins.load_plugins()
        for entry_point in find_entry_points("llm"):
            if not manager.has_plugin(entry_point.name):
                self._load(manager, entry_point)
        for name in their_plugins.DEFAULT_PLUGINS:
            if not manager.has_plugin(name):
                manager.register(importlib.import_module(name), name)
        for plugin, distribution in manager.list_plugin_distinfo():
            # pluggy's facade passes every attribute on, which type checkers do not see.
            self._distributions.setdefault(str(manager.get_name(plugin)), cast("Distribution", distribution))
        return manager


def _version_of_keys() -> tuple[object, ...]:
    """Return a value that changes when the file of keys does."""
    try:
        status = keys_path().stat()
    except OSError:
        return ()
    return status.st_mtime_ns, status.st_size
