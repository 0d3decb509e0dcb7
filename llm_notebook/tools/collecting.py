"""`as_tools()`, which turns everything that a user may pass as a tool into Tools: functions, Toolboxes, tools of the `llm` package."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable
from typing import Protocol, cast

from llm_notebook.configuration.process import process
from llm_notebook.tools.callables import described_callable
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = ["ToolLike", "adopt_tool", "as_tools", "sources_of_tools"]

ToolLike = Tool | Toolbox | ServerSideTool | Callable[..., object]
"""What can be given as a tool: a function, a Tool, a Toolbox object or a tool that the provider runs."""

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class ToolSource(Protocol):
    """What serves the need "the llm package": it makes the tools of that package usable here.

    Only a room above this one knows that package; `llm_notebook/__init__.py` names it.
    """

    def adopt_tool(self, item: object) -> object:
        """Turn a tool of the package into one of ours, and return anything else as it is."""


def as_tools(items: Iterable[object] | None) -> list[Tool | ServerSideTool]:
    """Return the tools that a list describes, in the order of the list.

    A Toolbox adds the tools that it has at this moment, so prepare it first. A tool that is given twice counts once.

    Args:
        items: functions, Tools, Toolbox objects, ServerSideTools, and the tools of the `llm` package.

    Raises:
        TypeError: something in the list is not a tool.
        ValueError: two tools have the same name, or providers would refuse a name.
    """
    if items is None:
        return []
    if isinstance(items, str | Tool | Toolbox | ServerSideTool) or not isinstance(items, Iterable):
        raise TypeError(f"Give tools as a list: [{_called(items)}].")
    tools: dict[str, Tool | ServerSideTool] = {}
    sent: list[Tool | ServerSideTool] = []
    for tool in (tool for item in items for tool in _tools_of(item)):
        name = tool.sent_name if isinstance(tool, ServerSideTool) else tool.name
        known = tools.setdefault(name, tool)
        if known is not tool:
            # Equal tools are one tool. Of the provider's tools several may share a name, as their specifications differ.
            if known == tool or tool in sent:
                continue
            if isinstance(known, Tool) or isinstance(tool, Tool):
                raise ValueError(
                    f"Two tools are called {name!r}: {_origin(known)} and {_origin(tool)}. {_way_out(known, tool)}"
                )
        elif tool in sent:
            continue
        if isinstance(tool, Tool) and not _TOOL_NAME.fullmatch(tool.name):
            raise ValueError(
                f"A tool cannot be called {tool.name!r}: providers take up to 64 of the letters a to z and A to Z, digits, _ and -."
            )
        sent.append(tool)
    return sent


def adopt_tool(item: object) -> object:
    """Turn a Tool, Toolbox or server-side tool of the `llm` package into one of ours, and return anything else as it is."""
    # No object can be a tool of a package that has not been imported.
    if "llm" not in sys.modules or inspect.isroutine(item) or isinstance(item, Tool | Toolbox | ServerSideTool):
        return item
    package = cast("ToolSource | None", process.answer("the llm package"))
    return item if package is None else package.adopt_tool(item)


def sources_of_tools(tools: Iterable[object]) -> tuple[Tool | Toolbox | ServerSideTool, ...]:
    """Return what a list of tools names, checked, with each Toolbox left whole: its tools may change later."""
    if isinstance(tools, str | Tool | Toolbox | ServerSideTool) or not isinstance(tools, Iterable):
        as_tools(tools)  # says that a list is wanted
    adopted = map(adopt_tool, tools)
    sources = tuple(item if isinstance(item, Toolbox) else as_tools([item])[0] for item in adopted)
    if sources:
        as_tools(sources)  # checks that no two have the same name
    return sources


def _tools_of(item: object) -> list[Tool] | list[ServerSideTool]:
    item = adopt_tool(item)
    if isinstance(item, Tool):
        return [item]
    if isinstance(item, ServerSideTool):
        return [item]
    if isinstance(item, Toolbox):
        # A subclass may override `tools()` and forget to say which Toolbox they belong to.
        return [tool.moved_to(item) for tool in item.tools()]
    if isinstance(item, type) and issubclass(item, Toolbox | ServerSideTool):
        raise TypeError(f"Pass {item.__name__}(), not {item.__name__}: tools belong to an object, not to its class.")
    if callable(item):
        return [Tool.function(item)]
    raise TypeError(f"{item!r} is not a tool: pass a function, a Tool, a Toolbox object or a ServerSideTool.")


def _called(item: object) -> str:
    return str(getattr(item, "__name__", None) or getattr(item, "name", None) or repr(item))


def _way_out(*tools: Tool | ServerSideTool) -> str:
    boxes = [tool.toolbox for tool in tools if isinstance(tool, Tool) and tool.toolbox is not None]
    if len(boxes) == len(tools):
        name = type(boxes[-1]).__name__
        return f"Make a subclass of {name}, which gives its tools another name, or use one {name} for both."
    return "Give one of them another name with Tool.function(function, name=...)."


def _origin(tool: Tool | ServerSideTool) -> str:
    if isinstance(tool, ServerSideTool):
        return "a tool of the provider"
    if tool.toolbox is not None:
        return f"one of a {type(tool.toolbox).__name__} toolbox"
    if tool.implementation is None:
        return "one without a function"
    function = described_callable(tool.implementation)
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', type(function).__qualname__)}"
