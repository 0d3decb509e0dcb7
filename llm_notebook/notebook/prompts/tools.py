"""Finds the tools that a notebook defines: those that `-T` names, and those that a paused chain needs to continue."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from IPython.core.getipython import get_ipython

from llm_notebook.approvals.identity import short_identity
from llm_notebook.approvals.marks import policy_of
from llm_notebook.approvals.policy import ChainPolicy
from llm_notebook.approvals.running import as_tool
from llm_notebook.notebook.errors import CellError, nearest
from llm_notebook.plugins.own import get_tools
from llm_notebook.tools.callables import described_callable
from llm_notebook.tools.collecting import adopt_tool, as_tools
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = [
    "NotebookTools",
    "define_functions",
    "find_defined_tools",
    "find_tools",
    "read_policy",
    "toolbox_key",
    "tools_by_name",
]

_LONGEST_LIST = 100


def find_tools(wanted: Iterable[str], variables: Mapping[str, Any]) -> list[Any]:
    """Find the tools that `-T` names: variables, plugins' tools, and expressions that make a Toolbox, such as `Files("/tmp")`.

    Args:
        wanted: the names and expressions.
        variables: the user's variables.

    Raises:
        CellError: there is nothing with that name, or it is not a tool.
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
    # The name of a Toolbox class means an object that is created without arguments.
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
    # Anything else is not an attempt to make a Toolbox: `-T my-tool` is a mistake, not a subtraction.
    if not isinstance(tree.body, ast.Call | ast.Attribute):
        return None
    try:
        return eval(compile(tree, "<-T>", "eval"), {**offered, **variables})
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
    # IPython keeps the source of cells in the same way. Consent to a tool is bound to its source; without a source, it would hold
    # only in this kernel.
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


def read_policy(tools: Sequence[object], approve: Iterable[str], *, always: bool) -> ChainPolicy:
    """Return the policy that says which calls `--ta` and `--approve` ask about.

    Args:
        tools: functions, Tools and Toolboxes.
        approve: the names of the tools whose calls are asked about.
        always: whether all calls are asked about.

    Raises:
        CellError: a named tool is not among them, or runs at the provider, where nobody can be asked.
    """
    names = list(approve)
    given = as_tools(tools) if always or names else []
    for tool in given:
        if isinstance(tool, ServerSideTool) and (always or tool.name in names):
            option = "--ta" if always else f"--approve {tool.name}"
            raise CellError(
                f"{option}: {tool.name} runs at the provider, where nobody can be asked. Leave out one of the two. Nothing was sent."
            )
    if not names:
        return ChainPolicy(always)
    known = [tool.name for tool in given]
    # A Toolbox that is not set up yet, such as an MCP server, may still add a tool of this name. The chain finds out later.
    is_whole = not any(isinstance(tool, Toolbox) and tool.pending_preparations() for tool in map(adopt_tool, tools))
    for name in names if is_whole else ():
        if name not in known:
            among = f" The tools are {', '.join(known)}." if known else " Give tools with -T."
            raise CellError(
                f"--approve {name}: no such tool is given.{nearest(name, known) or among} Nothing was sent."
            )
    return ChainPolicy(always, frozenset(names))


def tools_by_name(tools: Sequence[object]) -> dict[str, Any]:
    """Return functions, Tools and Toolboxes by the names of their tools, and Toolboxes also by the name of their class.

    If there are several Toolboxes of a class, such as two servers, each also has a key with its class's name and identity; see `toolbox_key`.
    """
    named = {tool.name: item for item in tools for tool in as_tools([item])}
    for item in tools:
        if isinstance(item, Toolbox):
            kind = type(item).__name__
            named |= {kind: item, toolbox_key(kind, as_tool(short_identity, item)): item}
    return named


def toolbox_key(kind: str, identity: str) -> str:
    """Return the key under which `tools_by_name()` lists a Toolbox of this class and this identity."""
    return f"{kind} {identity}"


def find_defined_tools(settings: Mapping[str, Any], called: Iterable[str], variables: Mapping[str, Any]) -> list[Any]:
    """Find the tools that a chain of another kernel used: in the notebook, or else among the plugins' tools.

    Args:
        settings: the settings of its turn: the names of the tools, and of the classes of the Toolboxes, that the chain was given, with what
            `short_identity()` and `maker_of()` returned for them at the time. These decide if several tools have the name.
        called: the names of the tools that it is to call.
        variables: the user's variables.

    Returns:
        Functions, Tools and Toolbox objects, each only once. Those that are not found are left out.
    """
    given = settings.get("tools", [])
    candidates = _Candidates(variables, settings.get("makers", {}))
    wanted = zip_longest(given, settings.get("identities", [])[: len(given)], fillvalue="")
    found = [candidates.find(name, identity) for name, identity in wanted]
    if not found or any(tool is None for tool in found):
        # A tool that is gone may be found under the name that the model called. Otherwise, another tool of that name is not the one given.
        tools = [tool for tool in found if tool is not None]
        missing = [name for name in called if not any(name in _names_of(tool) for tool in tools)]
        found += [candidates.find(name, "") for name in missing]
    return list({id(tool): tool for tool in found if tool is not None}.values())


class NotebookTools:
    """Finds the tools of the notebook whose kernel this is, for Python code that names none."""

    def find(self, settings: Mapping[str, Any], called: Iterable[str]) -> list[Any]:
        """Return what `find_defined_tools()` finds among the user's variables; nothing if there is no IPython shell."""
        shell = get_ipython()
        return [] if shell is None else find_defined_tools(settings, called, shell.user_ns)


class _Candidates:
    """The objects in a notebook that may be tools.

    Args:
        variables: the user's variables.
        makers: what `maker_of()` returned when the tools were given, by the names of the tools.
    """

    def __init__(self, variables: Mapping[str, Any], makers: Mapping[str, Any]) -> None:
        self._variables = {name: adopt_tool(value) for name, value in list(variables.items())}
        self._makers = makers
        self._offered: Mapping[str, Any] | None = None

    def find(self, name: str, identity: str) -> object:
        """Return the object with this name, preferably one that also has this identity; None if there is none."""
        # `-T` takes a list of tools as well.
        values = [item for value in self._variables.values() for item in _listed(value)]
        named = [value for value in values if _may_be_tool(value) and name in _names_of(value)]
        # A Tool may have another name than the variable that holds it, and a variable another name than its function.
        variable = self._variables.get(name)
        own = [variable] if _may_be_tool(variable) and not isinstance(variable, Toolbox) else []
        found = [*(value for value in named if isinstance(value, Tool)), *own, *reversed(named)]
        if found:
            # The first of those that fit best.
            return max(found, key=lambda value: self._fit(value, identity))
        if self._offered is None:
            # Plugins are loaded only for what the notebook itself does not define.
            self._offered = get_tools()
        offered = self._offered.get(name)
        return None if isinstance(offered, type) else offered

    def _fit(self, value: object, identity: str) -> tuple[int, bool, bool]:
        """Return how well an object fits what was given: it is that very tool, or one that holds another thing without a description.

        If two are the same tool, the marked one was given. Otherwise, the prompt may have named the variable.
        """
        is_own = any(
            name in self._makers and self._variables.get(str(self._makers[name].get("word"))) is value
            for name in _names_of(value)
        )
        found = _identity_of(value) if identity else ""
        degree = 2 if found and found == identity else int(bool(found) and _described(found) == _described(identity))
        return degree, degree > 0 and _is_marked(value), is_own


def _described(identity: str) -> str:
    """Return the part of what `short_identity()` returned that is the same in another process."""
    return identity.partition("-")[0]


def _listed(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) and len(value) <= _LONGEST_LIST else [value]


def _may_be_tool(value: object) -> bool:
    return isinstance(value, Tool | Toolbox) or (callable(value) and not isinstance(value, type))


def _names_of(value: Any) -> set[str]:
    """Return the names by which models know a tool; for a Toolbox, the name of its class too."""
    if isinstance(value, Toolbox):
        return {type(value).__name__, *(tool.name for tool in value.tools())}
    if isinstance(value, Tool):
        return {value.name}
    described = described_callable(value)
    return {str(getattr(described, "__name__", type(described).__name__))}


def _identity_of(value: object) -> str:
    try:
        return as_tool(short_identity, value if isinstance(value, Toolbox) else as_tools([value])[0])
    except (TypeError, ValueError):
        return ""


def _is_marked(value: object) -> bool:
    return any(isinstance(tool, Tool) and policy_of(tool) is not None for tool in as_tools([value]))
