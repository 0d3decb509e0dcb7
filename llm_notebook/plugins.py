"""Plugins: the hooks they implement, how installed ones are found and loaded, and what they register.

A plugin is a distribution with an entry point in the group `llm_notebook` that names a module:

    import llm_notebook

    @llm_notebook.hookimpl
    def register_models(register):
        register(MyModel(), aliases=("mine",))
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from llm_notebook.runtime import runtime

if TYPE_CHECKING:
    from llm_notebook.embeddings import EmbeddingModelWithAliases
    from llm_notebook.fragments import FragmentLoader
    from llm_notebook.models import ModelWithAliases
    from llm_notebook.templates import TemplateLoader
    from llm_notebook.tools import Tool, Toolbox

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
_LIMIT = "LLM_LOAD_PLUGINS"
_PREFIX = re.compile(r"[A-Za-z0-9_-]+")

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)

T = TypeVar("T")
Version = tuple[object, ...]


class PluginWarning(UserWarning):
    """A plugin could not be loaded, or one of its hooks failed. Everything else goes on without it."""


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


class Plugins:
    """The plugins of this process. They are loaded when something of them is first asked for.

    `LLM_LOAD_PLUGINS`, a comma-separated list of distributions, limits what is loaded; empty, it means none. What plugins
    register is collected once, and anew when a plugin is registered or unregistered.
    """

    def __init__(self) -> None:
        self._manager: pluggy.PluginManager | None = None
        self._distributions: dict[str, metadata.Distribution] = {}
        self._collected: dict[str, tuple[Version, Any]] = {}
        self._collecting: set[str] = set()
        self._reported: set[tuple[str, str]] = set()
        self._lock = threading.RLock()

    @property
    def manager(self) -> pluggy.PluginManager:
        """pluggy's own manager, with every plugin loaded."""
        with self._lock:
            if self._manager is None:
                manager = pluggy.PluginManager(GROUP)
                manager.add_hookspecs(HookSpecifications)
                self._manager = manager
                for entry_point in _wanted_entry_points():
                    self._load(manager, entry_point)
            return self._manager

    def models(self, known: Sequence[ModelWithAliases] = ()) -> list[ModelWithAliases]:
        """The known models, then those that plugins register. A hook that asks for models itself gets the known ones."""

        def collect(hooks: Iterable[_Hook]) -> list[ModelWithAliases]:
            from llm_notebook.models import ModelWithAliases  # noqa: PLC0415  whoever asks has loaded it

            entries = [*known]

            def register(model: Any = None, async_model: Any = None, aliases: Sequence[str] | None = None) -> None:
                _check_model(model if model is not None else async_model)
                entries.append(ModelWithAliases(model, async_model, _checked_aliases(aliases)))

            for call in hooks:
                call(register=register, model_aliases=entries)
            return entries

        return [*self._once("register_models", collect, *known)]

    def tools(self) -> dict[str, Tool | type[Toolbox]]:
        """Tools and Toolbox classes by name. A second tool of a name gets `_1` after it, and answers to that."""

        def collect(hooks: Iterable[_Hook]) -> dict[str, Tool | type[Toolbox]]:
            found: dict[str, Tool | type[Toolbox]] = {}
            for call in hooks:
                call(register=lambda tool, name=None, origin=call.name: _add_tool(found, tool, name, origin))
            return found

        return {**self._once("register_tools", collect)}

    def template_loaders(self) -> dict[str, TemplateLoader]:
        """Template loaders by prefix. A second loader of a prefix gets `_1` after it."""
        return self._loaders("register_template_loaders")

    def fragment_loaders(self) -> dict[str, FragmentLoader]:
        """Fragment loaders by prefix. A second loader of a prefix gets `_1` after it."""
        return self._loaders("register_fragment_loaders")

    def embedding_models(self) -> list[EmbeddingModelWithAliases]:
        """The embedding models that plugins register."""

        def collect(hooks: Iterable[_Hook]) -> list[EmbeddingModelWithAliases]:
            from llm_notebook.embeddings import EmbeddingModelWithAliases  # noqa: PLC0415  only where it is asked for

            entries: list[EmbeddingModelWithAliases] = []

            def register(model: Any, aliases: Sequence[str] | None = None) -> None:
                _check_model(model)
                entries.append(EmbeddingModelWithAliases(model, _checked_aliases(aliases)))

            for call in hooks:
                call(register=register)
            return entries

        return [*self._once("register_embedding_models", collect)]

    def described(self) -> list[dict[str, Any]]:
        """For every plugin its `name`, its `hooks` and, where it comes from a distribution, its `version`."""
        descriptions = []
        for entry_name, plugin in self.manager.list_name_plugin():
            if plugin is None:
                continue
            hooks = [caller.name for caller in self.manager.get_hookcallers(plugin) or ()]
            distribution = self._distributions.get(entry_name)
            name = distribution.name if distribution else getattr(plugin, "__name__", entry_name)
            described = {"name": name, "hooks": sorted(hooks)}
            descriptions.append(described | ({"version": distribution.version} if distribution else {}))
        return descriptions

    def _load(self, manager: pluggy.PluginManager, entry_point: metadata.EntryPoint) -> None:
        distribution, name = entry_point.dist, entry_point.name
        if distribution is not None and manager.has_plugin(name):
            name = f"{distribution.name}:{name}"
        try:
            manager.register(entry_point.load(), name=name)
        except (Exception, SystemExit) as error:
            origin = entry_point.name if distribution is None else f"{distribution.name} {distribution.version}"
            _warn(f"The plugin {origin} could not be loaded and is left out ({_said(error)}).")
            return
        if distribution is not None:
            self._distributions[name] = distribution

    def _loaders(self, hook: str) -> dict[str, Any]:
        def collect(hooks: Iterable[_Hook]) -> dict[str, Any]:
            found: dict[str, Any] = {}

            def register(prefix: str, loader: Callable[[str], Any]) -> None:
                if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
                    raise TypeError(f"{prefix!r} is no prefix: it may have letters, digits, '_' and '-'")
                if not callable(loader):
                    raise TypeError(f"the loader of {prefix!r} is no function")
                found[_free_name(prefix, found)] = loader

            for call in hooks:
                call(register=register)
            return found

        return {**self._once(hook, collect)}

    def _hooks(self, name: str) -> Iterator[_Hook]:
        """The hook of every plugin that has it, each to be called by itself, in pluggy's order."""
        manager = self.manager
        # pluggy keeps implementations in the reverse of the order in which it calls them.
        plugins = [implementation.plugin for implementation in reversed(getattr(manager.hook, name).get_hookimpls())]
        for plugin in plugins:
            caller = manager.subset_hook_caller(name, [other for other in plugins if other is not plugin])
            yield _Hook(str(manager.get_name(plugin)), name, caller, self._reported)

    def _once(self, hook: str, collect: Callable[[Iterable[_Hook]], T], *depends_on: object) -> T:
        """What `collect` makes of all plugins' implementations of a hook, kept until the plugins or `depends_on` change."""
        with self._lock:
            if hook in self._collecting:
                return collect(())
            version: Version = (*self.manager.list_name_plugin(), *depends_on)
            if hook not in self._collected or self._collected[hook][0] != version:
                self._collecting.add(hook)
                try:
                    self._collected[hook] = (version, collect(self._hooks(hook)))
                finally:
                    self._collecting.remove(hook)
            value: T = self._collected[hook][1]
            return value


@dataclasses.dataclass(slots=True)
class _Hook:
    """One hook of one plugin. Called, it does what the plugin does; if that fails, it warns, once per process."""

    name: str
    hook: str
    caller: pluggy.HookCaller
    reported: set[tuple[str, str]]

    def __call__(self, **arguments: Any) -> None:
        try:
            self.caller(**arguments)
        except Exception as error:
            if (self.name, self.hook) not in self.reported:
                self.reported.add((self.name, self.hook))
                _warn(f"{self.hook}() of the plugin {self.name} failed; it is left out from there on ({_said(error)}).")


def _wanted_entry_points() -> list[metadata.EntryPoint]:
    limit = os.environ.get(_LIMIT)
    if limit is None:
        return [*metadata.entry_points(group=GROUP)]
    wanted: set[str] = set()
    for name in filter(None, map(str.strip, limit.split(","))):
        try:
            wanted.add(metadata.distribution(name).name)
        except (metadata.PackageNotFoundError, ValueError):
            _warn(f"{_LIMIT} names {name}, which is not installed: check the name, or install it.")
    if not wanted:
        return []
    found = metadata.entry_points(group=GROUP)
    return [entry for entry in found if entry.dist is not None and entry.dist.name in wanted]


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def _warn(message: str) -> None:
    warnings.warn(message, PluginWarning, stacklevel=2)


def _free_name(name: str, taken: dict[str, Any]) -> str:
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _check_model(model: Any) -> None:
    if not isinstance(getattr(model, "model_id", None), str):
        raise TypeError(f"{model!r} is no model: it has no model_id")


def _checked_aliases(aliases: Sequence[str] | None) -> list[str]:
    if isinstance(aliases, str):
        raise TypeError(f"aliases must be a list of names, not {aliases!r}")
    return [str(alias) for alias in aliases or ()]


def _add_tool(found: dict[str, Tool | type[Toolbox]], offered: Any, name: str | None, origin: str) -> None:
    """Add what a plugin offers: a Tool, a Toolbox class or a function. It learns which plugin it is of."""
    from llm_notebook.tools import Tool, Toolbox  # noqa: PLC0415  only where tools are asked for

    if inspect.isclass(offered):
        if not issubclass(offered, Toolbox):
            raise TypeError(f"{offered.__name__} is no subclass of Toolbox")
        offered.plugin = origin
        found[_free_name(name or offered.__name__, found)] = offered
        return
    tool = offered if isinstance(offered, Tool) else Tool.function(offered, name=name)
    tool.plugin = origin
    free = _free_name(name or tool.name, found)
    # A model knows a tool by its name alone: two of one name could not be told apart.
    found[free] = tool if tool.name == free else dataclasses.replace(tool, name=free)


def get_plugins(all: bool = False) -> list[dict[str, Any]]:  # noqa: A002, ARG001  part of the API
    """The loaded plugins, each as a dict with `name`, `hooks` and, where it comes from a distribution, `version`.

    Args:
        all: taken for compatibility; what this package brings itself is not a plugin.
    """
    return runtime.plugins.described()


def get_tools() -> dict[str, Tool | type[Toolbox]]:
    """The tools that plugins offer: Tools and Toolbox classes, by name."""
    return runtime.plugins.tools()


def get_template_loaders() -> dict[str, TemplateLoader]:
    """The template loaders that plugins offer, by prefix."""
    return runtime.plugins.template_loaders()


def get_fragment_loaders() -> dict[str, FragmentLoader]:
    """The fragment loaders that plugins offer, by prefix."""
    return runtime.plugins.fragment_loaders()
