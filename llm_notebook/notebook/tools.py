"""The tools that a notebook defines: those that `-T` names, and those of a chain that is gone on with."""

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

__all__ = ["defined_tools", "functions_in", "mark_for_approval", "missing_sentence", "named_tools"]


def named_tools(wanted: Iterable[str], variables: Mapping[str, Any]) -> list[Any]:
    """What `-T` names: variables, plugins' tools, and expressions that make a Toolbox, such as `Files("/tmp")`.

    Raises:
        CellError: there is no such tool, or it is none.
    """
    return [tool for name in wanted for tool in _named(name, variables)]


def _named(name: str, variables: Mapping[str, Any]) -> list[Any]:
    value = variables.get(name)
    # Plugins are loaded only for what the notebook itself does not define.
    offered = get_tools() if value is None else {}
    value = offered.get(name) if value is None else value
    if value is None and not name.isidentifier():
        value = _made_by(name, variables, offered)
    if value is None:
        known = [known for known, found in variables.items() if callable(found) and not known.startswith("_")]
        raise CellError(
            f"-T {name}: no function, Tool or Toolbox of that name is defined here."
            f"{nearest(name, [*known, *offered])} Nothing was sent."
        )
    if isinstance(value, type) and issubclass(value, Toolbox):
        value = _made_by(f"{name}()", variables, offered)
    tools = list(value) if isinstance(value, list | tuple) else [value]
    try:
        as_tools(tools)
    except (TypeError, ValueError) as error:
        raise CellError(f"-T {name}: {error} Nothing was sent.") from None
    return tools


def _made_by(expression: str, variables: Mapping[str, Any], offered: Mapping[str, Any]) -> Any:
    """The value of an expression that calls something, None where it is none."""
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError:
        return None
    if not isinstance(tree.body, ast.Call | ast.Attribute):
        return None
    try:
        return eval(compile(tree, "<-T>", "eval"), {**offered, **variables})  # noqa: S307  the user's own words
    except Exception as error:
        raise CellError(f"-T {expression}: {type(error).__name__}: {error} Nothing was sent.") from None


def functions_in(source: str, variables: Mapping[str, Any]) -> list[Any]:
    """The functions that `--functions` defines, whose code is known like that of a cell.

    Raises:
        CellError: it is no Python, fails, or defines no function.
    """
    name = f"<--functions {hash(source) & 0xFFFFFFFF:08x}>"
    # Without an entry of its own the source of these functions could not be read, and consent would end with this kernel.
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
    """The tools with those marked that a human is to be asked about: all of them, or the named ones.

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


def defined_tools(names: Iterable[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What is found of these tools: functions, Tools, Toolbox objects, by the name of the tool or of the Toolbox's class.

    Args:
        names: as models call them, or names of Toolbox classes.
        variables: the user's.
    """
    toolboxes = [value for value in list(variables.values()) if isinstance(value, Toolbox)]
    in_toolboxes = {tool.name: toolbox for toolbox in toolboxes for tool in toolbox.tools()}
    in_toolboxes |= {type(toolbox).__name__: toolbox for toolbox in toolboxes}
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
    """What to do where the tool that waits is not defined."""
    if "_" in name and name[0].isupper():
        return f"Run the cell that makes the {name.partition('_')[0]} with the tool {name}, then decide."
    return f"Run the cell that defines {name}, then decide."
