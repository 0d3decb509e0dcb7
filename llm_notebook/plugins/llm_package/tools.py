"""Tools, Toolboxes and server-side tools of `llm` plugins as ours, and ours as bridged models are told of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import llm

from llm_notebook.errors import ModelError
from llm_notebook.plugins.llm_package.failures import own_pauses
from llm_notebook.plugins.llm_package.values import own_attachment
from llm_notebook.tools.outputs import ToolOutput
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = ["adopted", "offered_tool", "server_side_class", "their_tools"]

_OWN = "_llm_notebook_counterpart"


def adopted(given: Any) -> Any:
    """The one Tool, Toolbox or server-side tool of ours that stands for theirs; anything else as it is."""
    if not isinstance(given, llm.Tool | llm.Toolbox | llm.ServerSideTool):
        return given
    known = vars(given).get(_OWN)
    if known is None:
        kind: Any = type(given)
        if isinstance(given, llm.Tool):
            known = _own_tool(given)
        elif isinstance(given, llm.Toolbox):
            known = _own_toolbox(given, toolbox_class(kind))
        else:
            known = server_side_class(kind)(given)
        setattr(given, _OWN, known)
    return known


def offered_tool(offered: Any) -> Any:
    """What a plugin offers as a tool, as ours: a Tool, a Toolbox class or a function."""
    if inspect.isclass(offered):
        kind: Any = offered
        return toolbox_class(kind) if issubclass(kind, llm.Toolbox) else offered
    if isinstance(offered, llm.Tool):
        return adopted(offered)
    return _translated(offered) if callable(offered) else offered


def _own_tool(theirs: llm.Tool) -> Tool:
    schema = theirs.input_schema or {"type": "object", "properties": {}}
    function = None if theirs.implementation is None else _translated(theirs.implementation)
    return Tool(theirs.name, theirs.description, schema, function, theirs.plugin)


def their_tools(tools: Sequence[Tool | ServerSideTool]) -> list[Any]:
    """What a bridged model is told of the tools. It is not given their functions: they run in our chains, where people are asked."""
    told: list[Any] = []
    for tool in tools:
        if isinstance(tool, Tool):
            told.append(llm.Tool(tool.name, tool.description, tool.input_schema, _refused, tool.plugin))
        elif isinstance(tool, _BridgedServerSideTool):
            told.append(tool.theirs)
        else:
            told.append(llm.ServerSideTool(tool.spec))
    return told


def _refused(**_: object) -> str:
    """Stands for a tool's function, since some plugins insist on one."""
    raise ModelError("A bridged model runs no tools itself: chain() does.")


def _translated(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its output and its pauses as ours."""
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004  the method itself is asked

        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            with own_pauses():
                return _own_output(await function(*args, **kwargs))

    else:

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with own_pauses():
                return _own_output(function(*args, **kwargs))

    return run


def _own_output(value: Any) -> Any:
    if isinstance(value, llm.ToolOutput):
        return ToolOutput(value.output, [own_attachment(attachment) for attachment in value.attachments])
    return value


class _BridgedToolbox(Toolbox):
    """A Toolbox of an `llm` plugin. What it is asked for beside tools, its own Toolbox answers."""

    their_class: ClassVar[type[llm.Toolbox]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._bridge_to(self.their_class(*args, **kwargs))

    def _bridge_to(self, theirs: llm.Toolbox) -> None:
        self._theirs = theirs
        self._own_tools: dict[str, Tool] = {}
        setattr(theirs, _OWN, self)

    @classmethod
    def method_tools(cls) -> list[Tool]:
        """Descriptions of their class's tools."""
        return [
            replace(_own_tool(tool), implementation=None, plugin=cls.plugin) for tool in cls.their_class.method_tools()
        ]

    def tools(self) -> list[Tool]:
        """Their tools, the same objects every time, then what was added here."""
        for tool in self._theirs.tools():
            if tool.name not in self._own_tools:
                own = replace(_own_tool(tool), toolbox=self, plugin=type(self).plugin or tool.plugin)
                self._own_tools[tool.name] = own
        return [*self._own_tools.values(), *super().tools()]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._theirs, name)


def _prepare(self: _BridgedToolbox) -> None:
    self._theirs.prepare()


async def _prepare_async(self: _BridgedToolbox) -> None:
    await self._theirs.prepare_async()


@functools.cache
def toolbox_class(theirs: Any) -> type[Toolbox]:
    """The class of ours that stands for a Toolbox class of theirs, with the same name and the same arguments."""

    @functools.wraps(theirs.__init__)
    def initialize(self: _BridgedToolbox, *args: Any, **kwargs: Any) -> None:
        _BridgedToolbox.__init__(self, *args, **kwargs)

    members: dict[str, Any] = {
        "their_class": theirs,
        "plugin": getattr(theirs, "plugin", None),
        "__init__": initialize,
        "__doc__": theirs.__doc__,
        "__module__": theirs.__module__,
        "__qualname__": theirs.__qualname__,
    }
    if theirs.prepare is not llm.Toolbox.prepare:
        members["prepare"] = _prepare
    if theirs.prepare_async is not llm.Toolbox.prepare_async:
        members["prepare_async"] = _prepare_async
    return type(theirs.__name__, (_BridgedToolbox,), members)


def _own_toolbox(theirs: llm.Toolbox, kind: Any) -> Any:
    """A toolbox of ours around an object that somebody made."""
    own = kind.__new__(kind)
    own._bridge_to(theirs)
    # Consent covers what the constructor was given, as it does for our own Toolboxes.
    own.configuration.update({name: repr(value) for name, value in theirs._config.items()})
    return own


class _BridgedServerSideTool(ServerSideTool):
    """A server-side tool of the `llm` package, for its own models.

    Attributes:
        theirs: that tool.
    """

    def __init__(self, theirs: llm.ServerSideTool) -> None:
        super().__init__()
        self.theirs = theirs
        self.name = theirs.name


@functools.cache
def server_side_class(theirs: Any) -> type[_BridgedServerSideTool]:
    """The class of ours that stands for a class of theirs; its bases stand for those of theirs."""
    if theirs is llm.ServerSideTool:
        return _BridgedServerSideTool
    bases = tuple(server_side_class(base) for base in theirs.__bases__ if issubclass(base, llm.ServerSideTool))
    return type(theirs.__name__, bases, {"__doc__": theirs.__doc__, "__module__": theirs.__module__})
