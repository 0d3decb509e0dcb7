"""The tools that a notebook defines, found again by the names that models call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from llm_notebook.plugins import get_tools
from llm_notebook.tools import Tool, Toolbox

__all__ = ["defined_tools", "missing_sentence"]


def defined_tools(names: Iterable[str], variables: Mapping[str, Any]) -> dict[str, Any]:
    """What is found of these tools: functions, Tools, Toolbox objects, by the name of the tool.

    Args:
        names: as models call them.
        variables: the user's.
    """
    offered = get_tools()
    toolboxes = [value for value in list(variables.values()) if isinstance(value, Toolbox)]
    in_toolboxes = {tool.name: toolbox for toolbox in toolboxes for tool in toolbox.tools()}
    renamed = {value.name: value for value in list(variables.values()) if isinstance(value, Tool)}
    found: dict[str, Any] = {}
    for name in names:
        variable = variables.get(name)
        own = (
            variable if isinstance(variable, Tool) or (callable(variable) and not isinstance(variable, type)) else None
        )
        tool = renamed.get(name) or own or in_toolboxes.get(name) or offered.get(name)
        if tool is not None and not isinstance(tool, type):
            found[name] = tool
    return found


def missing_sentence(name: str) -> str:
    """What to do where the tool that waits is not defined."""
    if "_" in name and name[0].isupper():
        return f"Run the cell that makes the {name.partition('_')[0]} with the tool `{name}`, then decide."
    return f"Run the cell that defines `{name}`, then decide."
