"""`require_approval`, which marks a tool so that a human is asked before it runs, and `policy_of`, which finds every mark of a tool.

The mark is an ApprovalPolicy in an attribute. Nothing is enforced here: a marked function can still be called directly. A chain looks for marks
before it runs a call.

A tool is rarely the very object that was marked. It may be a `functools.partial` of a marked function, a decorated function, an object whose
class has a marked `__call__`, or a method that overrides a marked one. So `policy_of` follows everything that a call of the tool passes
through, and every base class of its object, and combines the marks that it finds. It cannot see the function behind a decorator that does not
use `functools.wraps`.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar, cast, overload

from llm_notebook.approvals.policy import ApprovalPolicy, strictest
from llm_notebook.tools.callables import CARRIED, MARK, attributes_of, is_coroutine_callable, marks_in, marks_on
from llm_notebook.tools.collecting import adopt_tool
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = ["policy_of", "require_approval"]

T = TypeVar("T")


@overload
def require_approval(
    tool: None = None, *, when: Callable[..., bool] | None = None, destructive: bool = False
) -> Callable[[T], T]: ...


@overload
def require_approval(tool: T, *, when: Callable[..., bool] | None = None, destructive: bool = False) -> T: ...


def require_approval(
    tool: T | None = None, *, when: Callable[..., bool] | None = None, destructive: bool = False
) -> T | Callable[[T], T]:
    """Mark a tool so that a human is asked before it runs.

    A chain pauses at a call of a marked tool unless there is a matching decision; with one it runs the tool exactly once. Functions,
    coroutine functions, methods, Tools, Toolbox objects and classes can be marked, those of the `llm` package and of MCP servers too, by a
    call or with a decorator. Your own code can still call a marked function directly, without being asked.

    Marks add up: a tool that is marked twice asks if either mark does, a method that overrides a marked one asks, and a Toolbox's mark applies
    to all its tools. A decorator without `functools.wraps` around a marked function hides the mark; put the mark outermost.

    Args:
        tool: what to mark; leave it out to use the result as a decorator with arguments.
        when: a condition that is called with the tool's arguments by name; a human is asked only if it returns true. After a restart, the
            condition of the tool as it is then defined applies; if it has none, every call is asked about.
        destructive: whether the tool does something that cannot be undone. Such a tool can never be "always allowed".

    Returns:
        The marked tool. Functions and Tools are marked in a copy; classes and Toolbox objects are marked in place.

    Raises:
        TypeError: `tool` is none of these, or cannot be marked so that every call asks.
    """
    policy = (
        ApprovalPolicy(destructive=destructive) if when is None else ApprovalPolicy("sometimes", destructive, (when,))
    )
    if tool is None:
        return lambda marked: _mark(marked, policy)
    return _mark(tool, policy)


def policy_of(tool: Tool) -> ApprovalPolicy | None:
    """Return the policy that combines all marks of a tool; None if there is no mark."""
    found = [*marks_in(tool.implementation), *tool.carried_marks]
    for toolbox in tool.toolboxes:
        for box in (toolbox, *toolbox._represented()):
            method = tool.name.removeprefix(f"{type(box).__name__}_")
            found += marks_on(box, {method})
            carried = attributes_of(box).get(CARRIED, {})
            found += (*carried.get("", ()), *carried.get(method, ()))
    return strictest(*{id(mark): mark for mark in found if isinstance(mark, ApprovalPolicy)}.values())


def _own_mark(marked: object) -> ApprovalPolicy | None:
    mark = attributes_of(marked).get(MARK)
    return mark if isinstance(mark, ApprovalPolicy) else None


def _mark(tool: T, policy: ApprovalPolicy) -> T:
    if isinstance(tool, type):
        return _mark_in_place(tool, policy)
    if isinstance(tool, staticmethod | classmethod):
        return cast("T", type(tool)(_mark(tool.__func__, policy)))
    if isinstance(tool, functools.partialmethod):
        return cast("T", functools.partialmethod(_mark(tool.func, policy), *tool.args, **tool.keywords))
    own = adopt_tool(tool)
    if isinstance(own, Toolbox):
        return _mark_in_place(tool, policy)
    if isinstance(own, Tool):
        # A tool of the `llm` package keeps its class: ours and theirs are dataclasses with the same fields.
        theirs: Any = tool
        if theirs.implementation is None:
            raise TypeError(f"{own.name} has no implementation, so there is nothing to approve.")
        return cast("T", replace(theirs, implementation=_mark(theirs.implementation, policy)))
    if not callable(tool):
        raise TypeError(f"require_approval() takes a tool, a function or a Toolbox, not {type(tool).__name__}.")
    # Bound methods are wrapped too: a marked function that is bound to the object would be pickled as the object and a name, without the mark.
    return cast("T", _wrap(tool, policy))


def _mark_in_place(target: T, policy: ApprovalPolicy) -> T:
    """Mark a class or a Toolbox, in addition to its earlier marks."""
    name = target.__name__ if isinstance(target, type) else type(target).__name__
    kinds = target.__mro__ if isinstance(target, type) else ()
    # By name, because the `llm` package has a class of this kind as well.
    if any(kind.__name__ == "ServerSideTool" for kind in kinds):
        raise TypeError(f"{name} runs at the provider, where nobody can be asked.")
    known = _own_mark(target)
    try:
        setattr(target, MARK, strictest(policy, known))
    except (AttributeError, TypeError) as error:
        raise TypeError(f"{name} cannot be marked ({error}): mark a function that calls it.") from None
    if _own_mark(target) is None:
        raise TypeError(f"{name} does not keep the mark: mark a function that calls it.")
    return target


def _wrap(function: Callable[..., object], policy: ApprovalPolicy) -> Callable[..., object]:
    """Return a marked function that calls the given one. The given function stays unmarked."""
    if is_coroutine_callable(function):

        @functools.wraps(function)
        async def wrapper(*args: object, **kwargs: object) -> object:
            return await cast("Awaitable[object]", function(*args, **kwargs))
    else:

        @functools.wraps(function)
        def wrapper(*args: object, **kwargs: object) -> object:
            return function(*args, **kwargs)

    setattr(wrapper, MARK, policy)
    return wrapper
