"""Finds the tools that a notebook defines: those that `-T` names, and those that a paused chain needs to continue."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from llm_notebook.approvals.policy import require_approval
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.plugins.own import get_tools
from llm_notebook.tools.collecting import as_tools
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = [
    "define_functions",
    "find_defined_tools",
    "find_tools",
    "mark_for_approval",
    "missing_sentence",
    "tools_by_name",
]


def find_tools(wanted: Iterable[str], variables: Mapping[str, Any]) -> list[Any]:
    """Find what `-T` names: variables, plugins' tools, and expressions that make a Toolbox, such as `Files("/tmp")`.

    Args:
        wanted: the names and expressions.
        variables: the user's variables.

    Raises:
        CellError: nothing has that name, or it is not a tool.
    """
    return [tool for name in wanted for tool in _find(name, variables)]


def _find(name: str, variables: Mapping[str, Any]) -> list[Any]:
    value = variables.get(name)
    # Plugins are loaded only for what the notebook itself does not define.
    offered = get_tools() if value is None else {}
    value = offered.get(name) if value is None else value
    if value is None and not name.isidentifier():
        value = _evaluate(name, variables, offered)
    if value is None:
        known = [known for known, found in variables.items() if callable(found) and not known.startswith("_")]
        raise CellError(
            f"-T {name}: no function, Tool or Toolbox of that name is defined here."
            f"{nearest(name, [*known, *offered])} Nothing was sent."
        )
    # The name of a Toolbox class stands for an object that needs no arguments.
    if isinstance(value, type) and issubclass(value, Toolbox):
        value = _evaluate(f"{name}()", variables, offered)
    tools = list(value) if isinstance(value, list | tuple) else [value]
    try:
        as_tools(tools)
    except (TypeError, ValueError) as error:
        raise CellError(f"-T {name}: {error} Nothing was sent.") from None
    return tools


def _evaluate(expression: str, variables: Mapping[str, Any], offered: Mapping[str, Any]) -> object:
    """Return the value of an expression that calls something or reads an attribute; None if it is anything else."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        return None
    # Anything else is no attempt to make a Toolbox: `-T my-tool` is a slip, and not a subtraction.
    if not isinstance(tree.body, ast.Call | ast.Attribute):
        return None
    try:
        return eval(compile(tree, "<-T>", "eval"), {**offered, **variables})  # noqa: S307  the user's own words
    except Exception as error:
        raise CellError(f"-T {expression}: {type(error).__name__}: {error} Nothing was sent.") from None


def define_functions(source: str, variables: Mapping[str, Any]) -> list[Any]:
    """Run the code of `--functions` and return the functions that it defines.

    Args:
        source: Python code.
        variables: the user's variables, which the code sees and does not change.

    Raises:
        CellError: the code is not Python, fails, or defines no function.
    """
    name = f"<--functions {hash(source) & 0xFFFFFFFF:08x}>"
    # IPython keeps the source of cells in the same way. Consent to a tool is bound to its source; without one it would hold in
    # this kernel only.
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    scope = {**variables, "__name__": "__main__"}
    try:
        exec(compile(source, name, "exec"), scope)  # noqa: S102  the user's own code
    except Exception as error:
        raise CellError(f"--functions: {type(error).__name__}: {error} Nothing was sent.") from None
    defined = [
        value for value in scope.values() if getattr(getattr(value, "__code__", None), "co_filename", "") == name
    ]
    if not defined:
        raise CellError("--functions needs Python code that defines a function. Nothing was sent.")
    return defined


def mark_for_approval(tools: Sequence[Any], approve: Iterable[str], *, always: bool) -> list[Any]:
    """Return the tools, with those marked whose calls need a human's approval.

    Args:
        tools: functions, Tools and Toolboxes.
        approve: the names of the tools to mark.
        always: mark all of them.

    Raises:
        CellError: a named tool is not among them.
    """
    names = list(approve)
    known = [tool.name for tool in as_tools(tools)]
    for name in names:
        if name not in known:
            among = f" The tools are {', '.join(known)}." if known else " Give tools with -T."
            raise CellError(
                f"--approve {name}: no such tool is given.{nearest(name, known) or among} Nothing was sent."
            )
    if not always and not names:
        return list(tools)
    return [
        require_approval(tool) if isinstance(tool, Tool) and (always or tool.name in names) else tool
        for tool in as_tools(tools)
    ]


def tools_by_name(tools: Sequence[Any]) -> dict[str, Any]:
    """Return functions, Tools and Toolboxes by the names of their tools, and Toolboxes by their class's name too."""
    named = {tool.name: item for item in tools for tool in as_tools([item])}
    return named | {type(item).__name__: item for item in tools if isinstance(item, Toolbox)}


def find_defined_tools(names: Iterable[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """Find the tools that a chain of another kernel used, in the notebook or else among the plugins' tools.

    Args:
        names: names of tools as models call them, or names of Toolbox classes.
        variables: the user's variables.

    Returns:
        Functions, Tools and Toolbox objects by the given names; those that are not found are left out.
    """
    toolboxes = [value for value in list(variables.values()) if isinstance(value, Toolbox)]
    in_toolboxes = {tool.name: toolbox for toolbox in toolboxes for tool in toolbox.tools()}
    in_toolboxes |= {type(toolbox).__name__: toolbox for toolbox in toolboxes}
    # A Tool may have another name than the variable that holds it.
    renamed = {value.name: value for value in list(variables.values()) if isinstance(value, Tool)}
    found: dict[str, Any] = {}
    offered: Mapping[str, Any] | None = None
    for name in names:
        variable = variables.get(name)
        own = (
            variable if isinstance(variable, Tool) or (callable(variable) and not isinstance(variable, type)) else None
        )
        tool = renamed.get(name) or own or in_toolboxes.get(name)
        if tool is None:
            # Plugins are loaded only for what the notebook itself does not define.
            offered = get_tools() if offered is None else offered
            tool = offered.get(name)
        if tool is not None and not isinstance(tool, type):
            found[name] = tool
    return found


def missing_sentence(name: str) -> str:
    """Return what to do if the tool of a waiting call is not defined."""
    if "_" in name and name[0].isupper():
        return f"Run the cell that makes the {name.partition('_')[0]} with the tool {name}, then decide."
    return f"Run the cell that defines {name}, then decide."
