"""Loads plugins and calls their hooks in such a way that a broken plugin costs one warning and nothing else.

pluggy calls all implementations of a hook in one go, and an exception in one of them loses the results of all. Here every plugin is called
separately: `PluginGroup._hooks()` asks pluggy for a caller that leaves out all the other plugins, and wraps it in a PluginHook, which turns an
exception into a warning. In the same way entry points are loaded one by one.

What the plugins register through a hook is collected when it is first asked for, and kept. It is collected again when the list of plugins
has changed, or something else that the caller names, such as the file of keys. A hook may itself ask for what is just being collected,
for instance `register_models` for a model by name; it is then answered as if no plugin had registered anything.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import re
import threading
import warnings
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import pluggy

if TYPE_CHECKING:
    from llm_notebook.tools.tool import Tool
    from llm_notebook.tools.toolbox import Toolbox

__all__ = [
    "Distribution",
    "PluginGroup",
    "PluginHook",
    "PluginWarning",
    "add_tool",
    "check_aliases",
    "check_model",
    "find_entry_points",
    "free_name",
    "one_line",
    "warn",
]

_LIMIT = "LLM_LOAD_PLUGINS"
_PREFIX = re.compile(r"[A-Za-z0-9_-]+")
T = TypeVar("T")
Version = tuple[object, ...]
Loader = Callable[[str], object]
LoaderT = TypeVar("LoaderT", bound=Callable[[str], object])


class Distribution(Protocol):
    """The part of an installed distribution that is used here. pluggy has a class of its own for it."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...


class PluginWarning(UserWarning):
    """The warning that a plugin could not be loaded, or that one of its hooks failed. Everything else works without it."""


class PluginGroup:
    """The plugins of one entry-point group. They are loaded when they are first needed.

    What they register is collected once, and again when a plugin is registered or unregistered.
    """

    def __init__(self) -> None:
        self._manager: pluggy.PluginManager | None = None
        self._distributions: dict[str, Distribution] = {}
        self._collected: dict[str, tuple[Version, object]] = {}
        self._collecting: set[str] = set()
        self._reported: set[tuple[str, str]] = set()
        # Reentrant, since a hook may ask for what plugins offer.
        self._lock = threading.RLock()

    @property
    def manager(self) -> pluggy.PluginManager:
        """The pluggy manager, with every plugin loaded."""
        with self._lock:
            if self._manager is None:
                self._manager = self._load_manager()
            return self._manager

    def _load_manager(self) -> pluggy.PluginManager:
        """Load every plugin of the group and return a manager that has them registered."""
        raise NotImplementedError

    def descriptions(self) -> list[dict[str, Any]]:
        """Return a dict for every plugin with its `name`, its `hooks` and, if it comes from a distribution, its `version`."""
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
        """Load the module of an entry point and register it, or warn if that fails."""
        distribution, name = entry_point.dist, entry_point.name
        # Two distributions may give their entry points the same name. pluggy takes each name once.
        if distribution is not None and manager.has_plugin(name):
            name = f"{distribution.name}:{name}"
        try:
            manager.register(entry_point.load(), name=name)
        except (Exception, SystemExit) as error:
            origin = entry_point.name if distribution is None else f"{distribution.name} {distribution.version}"
            warn(f"The plugin {origin} could not be loaded and is left out ({one_line(error)}).")
            return
        if distribution is not None:
            self._distributions[name] = distribution

    def _loaders(self, hook: str, adapt: Callable[[Loader], LoaderT]) -> dict[str, LoaderT]:
        """Return loaders by prefix. The second loader for a prefix has `_1` added to its prefix.

        Args:
            hook: the hook with which they are registered.
            adapt: turns a registered loader into the one to use.
        """

        def collect(hooks: Iterable[PluginHook]) -> dict[str, LoaderT]:
            found: dict[str, LoaderT] = {}

            def register(prefix: str, loader: Loader) -> None:
                if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
                    raise TypeError(f"{prefix!r} is no prefix: it may have letters, digits, '_' and '-'")
                if not callable(loader):
                    raise TypeError(f"the loader of {prefix!r} is no function")
                found[free_name(prefix, found)] = adapt(loader)

            for call in hooks:
                call(register=register)
            return found

        return {**self._collect_once(hook, collect)}

    def _hooks(self, name: str) -> Iterator[PluginHook]:
        """Yield the hook of each plugin that implements it, to be called separately, in pluggy's order."""
        manager = self.manager
        # pluggy lists implementations in the reverse of the order in which it calls them.
        plugins = [implementation.plugin for implementation in reversed(getattr(manager.hook, name).get_hookimpls())]
        for plugin in plugins:
            caller = manager.subset_hook_caller(name, [other for other in plugins if other is not plugin])
            yield PluginHook(str(manager.get_name(plugin)), name, caller, self._reported, self._explain)

    def _explain(self, plugin: str, hook: str, error: Exception) -> str:
        """Return the warning about a hook that failed."""
        return f"{hook}() of the plugin {plugin} failed; it is left out from there on ({one_line(error)})."

    def _collect_once(self, hook: str, collect: Callable[[Iterable[PluginHook]], T], *depends_on: object) -> T:
        """Return what `collect` gathers from the plugins' hooks, and keep it until the plugins or `depends_on` change.

        Args:
            hook: the name of the hook.
            collect: calls the hooks it is given, and returns what was registered.
            depends_on: other values of which the result is made; they are compared with `==`.
        """
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
            return cast("T", self._collected[hook][1])


@dataclasses.dataclass(slots=True)
class PluginHook:
    """One hook of one plugin. Calling it calls the plugin; if that fails, it warns once per process.

    Attributes:
        name: the name of the plugin.
        hook: the name of the hook.
        caller: calls the hook of this plugin only.
        reported: the plugin and hook of each failure that was reported, shared by a PluginGroup.
        explain: returns the warning about a failure, given the plugin's name, the hook's name, and the error.
    """

    name: str
    hook: str
    caller: pluggy.HookCaller
    reported: set[tuple[str, str]]
    explain: Callable[[str, str, Exception], str]

    def __call__(self, **arguments: Any) -> None:
        try:
            self.caller(**arguments)
        except Exception as error:
            if (self.name, self.hook) not in self.reported:
                self.reported.add((self.name, self.hook))
                warn(self.explain(self.name, self.hook, error))


def find_entry_points(group: str) -> list[metadata.EntryPoint]:
    """Return the installed entry points of a group, limited to the distributions in `LLM_LOAD_PLUGINS` if that is set."""
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


def one_line(error: BaseException) -> str:
    """Return an error's type and message in one line of at most 300 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def warn(message: str) -> None:
    """Issue a PluginWarning."""
    warnings.warn(message, PluginWarning, stacklevel=2)


def free_name(name: str, taken: Container[str]) -> str:
    """Return the name, with `_1`, `_2` and so on added if it is taken."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def check_model(model: object) -> None:
    """Raise a TypeError if what a plugin registers as a model is not a model."""
    if not isinstance(getattr(model, "model_id", None), str):
        raise TypeError(f"{model!r} is no model: it has no model_id")


def check_aliases(aliases: Sequence[str] | None) -> list[str]:
    """Return the aliases that a plugin registers as a list, or raise a TypeError if they are a string."""
    if isinstance(aliases, str):
        raise TypeError(f"aliases must be a list of names, not {aliases!r}")
    return [str(alias) for alias in aliases or ()]


def add_tool(found: dict[str, Tool | type[Toolbox]], offered: object, name: str | None, origin: str) -> None:
    """Add a tool that a plugin offers to those found so far, under a free name, and note which plugin it comes from.

    Args:
        found: the tools found so far, by name.
        offered: a Tool, a Toolbox class or a function.
        name: the name under which it was registered, if the plugin gave one.
        origin: the name of the plugin.

    Raises:
        TypeError: a class is not a subclass of Toolbox.
        ValueError: a function cannot be a tool.
    """
    from llm_notebook.tools.tool import Tool  # only where tools are asked for
    from llm_notebook.tools.toolbox import Toolbox  # only where tools are asked for

    if inspect.isclass(offered):
        if not issubclass(offered, Toolbox):
            raise TypeError(f"{offered.__name__} is no subclass of Toolbox")
        offered.plugin = origin
        # A toolbox may have a tool called `name`.
        if not callable(offered.name):
            offered.name = name or offered.__name__
        found[free_name(name or offered.__name__, found)] = offered
        return
    # `Tool.function()` refuses what is not a function.
    tool = offered if isinstance(offered, Tool) else Tool.function(cast("Callable[..., object]", offered), name=name)
    tool.plugin = origin
    free = free_name(name or tool.name, found)
    # A model knows a tool by its name alone, so the tool itself has to be renamed.
    found[free] = tool if tool.name == free else dataclasses.replace(tool, name=free)
