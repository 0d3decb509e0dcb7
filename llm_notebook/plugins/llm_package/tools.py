"""Converts tools, Toolboxes and server-side tools of `llm` plugins to ours, and ours to the form that bridged models read.

Each tool of theirs has exactly one counterpart, which is kept in an attribute of the original: consent to a tool and the state of a
Toolbox belong to an object, so the same tool must be the same object every time it is given. A Toolbox class has a counterpart class of
the same name and signature, whose objects pass everything on to an object of the original class.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar, TypeVar, cast

import llm

from llm_notebook.errors import ModelError
from llm_notebook.plugins.llm_package.failures import own_pauses
from llm_notebook.plugins.llm_package.values import own_attachment
from llm_notebook.tools.callables import is_coroutine_callable
from llm_notebook.tools.outputs import ToolOutput
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = ["adopt_tool", "own_offer", "server_side_class", "their_tools"]

_OWN = "_llm_notebook_counterpart"
T = TypeVar("T")
OwnT = TypeVar("OwnT")


def adopt_tool(given: object) -> object:
    """Return our unique counterpart of their Tool, Toolbox or server-side tool, and anything else unchanged.

    The counterpart is created the first time and kept in the object.
    """
    if isinstance(given, llm.Tool):
        return _counterpart(given, _own_tool)
    if isinstance(given, llm.Toolbox):
        return _counterpart(given, _own_toolbox)
    if isinstance(given, llm.ServerSideTool):
        return _counterpart(given, lambda theirs: server_side_class(type(theirs))(theirs))
    return given


def _counterpart(theirs: T, make: Callable[[T], OwnT]) -> OwnT:
    """Return the counterpart that is kept in one of their objects or classes, creating it the first time."""
    # Not `getattr()`, which would find the counterpart of a base class.
    known: OwnT | None = vars(theirs).get(_OWN)
    if known is None:
        known = make(theirs)
        setattr(theirs, _OWN, known)
    return known


def own_offer(offered: object) -> object:
    """Return what a plugin offers as a tool (a Tool, a Toolbox class or a function) as ours."""
    if inspect.isclass(offered):
        return toolbox_class(offered) if issubclass(offered, llm.Toolbox) else offered
    if isinstance(offered, llm.Tool):
        return adopt_tool(offered)
    return _translated(offered) if callable(offered) else offered


def _own_tool(theirs: llm.Tool) -> Tool:
    schema = theirs.input_schema or {"type": "object", "properties": {}}
    function = None if theirs.implementation is None else _translated(theirs.implementation)
    return Tool(theirs.name, theirs.description, schema, function, theirs.plugin)


def their_tools(tools: Sequence[Tool | ServerSideTool]) -> list[llm.Tool | llm.ServerSideTool]:
    """Return the tools for a bridged model, without their functions: these run in our chains, where a human can be asked."""
    described: list[llm.Tool | llm.ServerSideTool] = []
    for tool in tools:
        if isinstance(tool, Tool):
            described.append(llm.Tool(tool.name, tool.description, tool.input_schema, _refuse_to_run, tool.plugin))
        elif isinstance(tool, _BridgedServerSideTool):
            described.append(tool.theirs)
        else:
            described.append(llm.ServerSideTool(tool.spec))
    return described


def _refuse_to_run(**_: object) -> str:
    """Stand in for the function of a tool, since some plugins insist on one."""
    raise ModelError("A bridged model runs no tools itself: chain() does.")


def _translated(function: Callable[..., object]) -> Callable[..., object]:
    """Return the function with its output and its pauses turned into ours."""
    if is_coroutine_callable(function):

        @functools.wraps(function)
        async def run(*args: object, **kwargs: object) -> object:
            with own_pauses():
                return _own_output(await cast("Awaitable[object]", function(*args, **kwargs)))

    else:

        @functools.wraps(function)
        def run(*args: object, **kwargs: object) -> object:
            with own_pauses():
                return _own_output(function(*args, **kwargs))

    return run


def _own_output(value: object) -> object:
    if isinstance(value, llm.ToolOutput):
        return ToolOutput(value.output, [own_attachment(attachment) for attachment in value.attachments])
    return value


class _BridgedToolbox(Toolbox):
    """A Toolbox of an `llm` plugin. Attributes that are not found here are looked up in the original Toolbox."""

    their_class: ClassVar[type[llm.Toolbox]]

    def __init__(self, *args: object, **kwargs: Any) -> None:
        self._bridge_to(self.their_class(*args, **kwargs))

    def _bridge_to(self, theirs: llm.Toolbox) -> None:
        self._theirs = theirs
        self._own_tools: dict[str, Tool] = {}
        setattr(theirs, _OWN, self)

    @classmethod
    def method_tools(cls) -> list[Tool]:
        """Return descriptions of the tools of their class."""
        return [
            replace(_own_tool(tool), implementation=None, plugin=cls.plugin) for tool in cls.their_class.method_tools()
        ]

    def tools(self) -> list[Tool]:
        """Return their tools, the same objects every time, and then those that were added here."""
        for tool in self._theirs.tools():
            if tool.name not in self._own_tools:
                own = replace(_own_tool(tool), toolbox=self, plugin=type(self).plugin or tool.plugin)
                self._own_tools[tool.name] = own
        return [*self._own_tools.values(), *super().tools()]

    def _given(self) -> dict[str, object]:
        return {**super()._given(), **self._theirs._config}

    def _represented(self) -> tuple[object, ...]:
        return (self._theirs,)

    def __getattr__(self, name: str) -> object:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        found: object = getattr(self._theirs, name)
        return found


def _prepare(self: _BridgedToolbox) -> None:
    self._theirs.prepare()


async def _prepare_async(self: _BridgedToolbox) -> None:
    await self._theirs.prepare_async()


def toolbox_class(theirs: type[llm.Toolbox]) -> type[_BridgedToolbox]:
    """Return our counterpart of one of their Toolbox classes, with the same name and signature."""
    return _counterpart(theirs, _make_toolbox_class)


def _make_toolbox_class(theirs: type[llm.Toolbox]) -> type[_BridgedToolbox]:
    @functools.wraps(theirs.__init__)
    def initialize(self: _BridgedToolbox, *args: object, **kwargs: Any) -> None:
        _BridgedToolbox.__init__(self, *args, **kwargs)

    members: dict[str, Any] = {
        "their_class": theirs,
        "plugin": getattr(theirs, "plugin", None),
        "__init__": initialize,
        "__doc__": theirs.__doc__,
        "__module__": theirs.__module__,
        "__qualname__": theirs.__qualname__,
    }
    # A Toolbox counts as prepared if it overrides neither, so these are overridden only if theirs are.
    if theirs.prepare is not llm.Toolbox.prepare:
        members["prepare"] = _prepare
    if theirs.prepare_async is not llm.Toolbox.prepare_async:
        members["prepare_async"] = _prepare_async
    return type(theirs.__name__, (_BridgedToolbox,), members)


def _own_toolbox(theirs: llm.Toolbox) -> _BridgedToolbox:
    """Return a toolbox of ours around one of their existing objects."""
    kind = toolbox_class(type(theirs))
    # Without `__init__`, which would make a second object of theirs.
    own = kind.__new__(kind)
    own._bridge_to(theirs)
    # Consent covers the constructor's arguments, as it does for our own Toolboxes.
    own.configuration.update({name: repr(value) for name, value in theirs._config.items()})
    return own


class _BridgedServerSideTool(ServerSideTool):
    """A server-side tool of the `llm` package, for models of that package.

    Attributes:
        theirs: the tool of the `llm` package.
    """

    def __init__(self, theirs: llm.ServerSideTool) -> None:
        super().__init__()
        self.theirs = theirs
        self.name = theirs.name


def server_side_class(theirs: type[llm.ServerSideTool]) -> type[_BridgedServerSideTool]:
    """Return our counterpart of one of their classes. Its bases are the counterparts of their bases."""
    return _counterpart(theirs, _make_server_side_class)


def _make_server_side_class(theirs: type[llm.ServerSideTool]) -> type[_BridgedServerSideTool]:
    if theirs is llm.ServerSideTool:
        return _BridgedServerSideTool
    bases = tuple(server_side_class(base) for base in theirs.__bases__ if issubclass(base, llm.ServerSideTool))
    return type(theirs.__name__, bases, {"__doc__": theirs.__doc__, "__module__": theirs.__module__})
