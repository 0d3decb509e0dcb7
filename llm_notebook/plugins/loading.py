"""How plugins are loaded and their hooks called, each by itself: one that fails costs one warning, and nothing else."""

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

if TYPE_CHECKING:
    from llm_notebook.tools.tool import Tool
    from llm_notebook.tools.toolbox import Toolbox

__all__ = [
    "PluginGroup",
    "PluginHook",
    "PluginWarning",
    "add_tool",
    "check_model",
    "checked_aliases",
    "free_name",
    "said_in_one_line",
    "wanted_entry_points",
    "warn",
]

_LIMIT = "LLM_LOAD_PLUGINS"
_PREFIX = re.compile(r"[A-Za-z0-9_-]+")
T = TypeVar("T")
Version = tuple[object, ...]


class PluginWarning(UserWarning):
    """A plugin could not be loaded, or one of its hooks failed. Everything else goes on without it."""


class PluginGroup:
    """The plugins of one entry-point group. They are loaded when something of them is first asked for.

    What plugins register is collected once, and anew when a plugin is registered or unregistered.
    """

    def __init__(self) -> None:
        self._manager: pluggy.PluginManager | None = None
        self._distributions: dict[str, Any] = {}
        self._collected: dict[str, tuple[Version, Any]] = {}
        self._collecting: set[str] = set()
        self._reported: set[tuple[str, str]] = set()
        self._lock = threading.RLock()

    @property
    def manager(self) -> pluggy.PluginManager:
        """pluggy's own manager, with every plugin loaded."""
        with self._lock:
            if self._manager is None:
                self._manager = self._loaded_manager()
            return self._manager

    def _loaded_manager(self) -> pluggy.PluginManager:
        """A manager with every plugin of the group registered."""
        raise NotImplementedError

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
        """Register an entry point's module; if that fails, warn."""
        distribution, name = entry_point.dist, entry_point.name
        if distribution is not None and manager.has_plugin(name):
            name = f"{distribution.name}:{name}"
        try:
            manager.register(entry_point.load(), name=name)
        except (Exception, SystemExit) as error:
            origin = entry_point.name if distribution is None else f"{distribution.name} {distribution.version}"
            warn(f"The plugin {origin} could not be loaded and is left out ({said_in_one_line(error)}).")
            return
        if distribution is not None:
            self._distributions[name] = distribution

    def _loaders(self, hook: str, adapted: Callable[[Any], Any] | None = None) -> dict[str, Any]:
        """Loaders by prefix. A second loader of a prefix gets `_1` after it.

        Args:
            hook: the hook they are registered by.
            adapted: makes of a registered loader the one to use; as it is if not given.
        """

        def collect(hooks: Iterable[PluginHook]) -> dict[str, Any]:
            found: dict[str, Any] = {}

            def register(prefix: str, loader: Callable[[str], Any]) -> None:
                if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
                    raise TypeError(f"{prefix!r} is no prefix: it may have letters, digits, '_' and '-'")
                if not callable(loader):
                    raise TypeError(f"the loader of {prefix!r} is no function")
                found[free_name(prefix, found)] = loader if adapted is None else adapted(loader)

            for call in hooks:
                call(register=register)
            return found

        return {**self._once(hook, collect)}

    def _hooks(self, name: str) -> Iterator[PluginHook]:
        """The hook of every plugin that has it, each to be called by itself, in pluggy's order."""
        manager = self.manager
        # pluggy keeps implementations in the reverse of the order in which it calls them.
        plugins = [implementation.plugin for implementation in reversed(getattr(manager.hook, name).get_hookimpls())]
        for plugin in plugins:
            caller = manager.subset_hook_caller(name, [other for other in plugins if other is not plugin])
            yield PluginHook(str(manager.get_name(plugin)), name, caller, self._reported)

    def _once(self, hook: str, collect: Callable[[Iterable[PluginHook]], T], *depends_on: object) -> T:
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
class PluginHook:
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
                said = said_in_one_line(error)
                warn(f"{self.hook}() of the plugin {self.name} failed; it is left out from there on ({said}).")


def wanted_entry_points(group: str) -> list[metadata.EntryPoint]:
    """The entry points of a group, or of the distributions that `LLM_LOAD_PLUGINS` names where it is set."""
    limit = os.environ.get(_LIMIT)
    if limit is None:
        return [*metadata.entry_points(group=group)]
    wanted: set[str] = set()
    for name in filter(None, map(str.strip, limit.split(","))):
        try:
            wanted.add(metadata.distribution(name).name)
        except (metadata.PackageNotFoundError, ValueError):
            warn(f"{_LIMIT} names {name}, which is not installed: check the name, or install it.")
    if not wanted:
        return []
    found = metadata.entry_points(group=group)
    return [entry for entry in found if entry.dist is not None and entry.dist.name in wanted]


def said_in_one_line(error: BaseException) -> str:
    """An error's type and message."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def warn(message: str) -> None:
    """Give a PluginWarning."""
    warnings.warn(message, PluginWarning, stacklevel=2)


def free_name(name: str, taken: dict[str, Any]) -> str:
    """The name, with `_1`, `_2` and so on after it where it is taken."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def check_model(model: Any) -> None:
    """Refuse what a plugin registers as a model and is none."""
    if not isinstance(getattr(model, "model_id", None), str):
        raise TypeError(f"{model!r} is no model: it has no model_id")


def checked_aliases(aliases: Sequence[str] | None) -> list[str]:
    """The aliases that a plugin registers, as a list."""
    if isinstance(aliases, str):
        raise TypeError(f"aliases must be a list of names, not {aliases!r}")
    return [str(alias) for alias in aliases or ()]


def add_tool(found: dict[str, Tool | type[Toolbox]], offered: Any, name: str | None, origin: str) -> None:
    """Add what a plugin offers: a Tool, a Toolbox class or a function. It learns which plugin it is of."""
    from llm_notebook.tools.tool import Tool  # only where tools are asked for
    from llm_notebook.tools.toolbox import Toolbox  # only where tools are asked for

    if inspect.isclass(offered):
        if not issubclass(offered, Toolbox):
            raise TypeError(f"{offered.__name__} is no subclass of Toolbox")
        offered.plugin = origin
        found[free_name(name or offered.__name__, found)] = offered
        return
    tool = offered if isinstance(offered, Tool) else Tool.function(offered, name=name)
    tool.plugin = origin
    free = free_name(name or tool.name, found)
    # A model knows a tool by its name alone: two of one name could not be told apart.
    found[free] = tool if tool.name == free else dataclasses.replace(tool, name=free)
