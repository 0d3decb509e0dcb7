"""`require_approval`, the mark on a tool that has a human asked before it runs.

The mark is an ApprovalPolicy in an attribute of the function, the Toolbox object or the Toolbox class. Nothing is enforced here: a marked
function can be called directly as before. It is the driver of a chain that looks for the mark before it runs a call.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import TypeVar, cast, overload

from llm_notebook.approvals.running import tool_running
from llm_notebook.tools.callables import is_coroutine_callable
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = ["ApprovalPolicy", "approved", "inside_tool", "policy_of", "require_approval", "under_approval"]

_POLICY = "__llm_approval__"
# True or False while a tool's body runs, None outside of tools.
_under_approval: ContextVar[bool | None] = ContextVar("llm_notebook_approved", default=None)


@dataclass(slots=True, frozen=True)
class ApprovalPolicy:
    """The mark of a tool that needs approval.

    Attributes:
        when: a condition that is called with the arguments by name; a human is asked if it returns true. None means always.
        destructive: whether the tool does something that cannot be undone. Such a tool can never be "always allowed".
    """

    when: Callable[..., bool] | None = None
    destructive: bool = False


def approved() -> bool:
    """Return whether a human has approved the call that is running. Call it inside a tool; elsewhere it returns False."""
    return bool(_under_approval.get())


def inside_tool() -> bool:
    """Return whether the calling code runs inside a tool."""
    return _under_approval.get() is not None


@contextlib.contextmanager
def under_approval(consent: bool | None) -> Iterator[None]:
    """Set what `approved()` returns while the body of a tool runs.

    Args:
        consent: whether a human has approved the call; None if the body is not that of a tool, but that of a hook.
    """
    token = _under_approval.set(consent)
    try:
        with contextlib.nullcontext() if consent is None else tool_running():
            yield
    finally:
        _under_approval.reset(token)


def policy_of(tool: Tool) -> ApprovalPolicy | None:
    """Return the tool's policy, from its function, its Toolbox object or that Toolbox's class; None if none of them is marked."""
    policy: ApprovalPolicy | None = getattr(tool.implementation, _POLICY, None) or getattr(tool.toolbox, _POLICY, None)
    return policy


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
    coroutine functions, methods, Tools, Toolbox objects and Toolbox classes can be marked, by a call or with a decorator. Your own code
    can still call a marked function directly, without being asked.

    Args:
        tool: what to mark; leave it out to use the result as a decorator with arguments.
        when: a condition that is called with the tool's arguments by name; a human is asked only if it returns true.
        destructive: whether the tool does something that cannot be undone. Such a tool can never be "always allowed".

    Returns:
        The marked tool. Functions and Tools are marked in a copy; Toolbox objects and classes are marked in place.

    Raises:
        TypeError: `tool` is none of these, or is a Tool without an implementation.
    """
    policy = ApprovalPolicy(when, destructive)
    if tool is None:
        return lambda marked: _mark(marked, policy)
    return _mark(tool, policy)


def _mark(tool: T, policy: ApprovalPolicy) -> T:
    if isinstance(tool, Tool):
        if tool.implementation is None:
            raise TypeError(f"{tool.name} has no implementation, so there is nothing to approve.")
        return replace(tool, implementation=_mark(tool.implementation, policy))
    if isinstance(tool, Toolbox) or (isinstance(tool, type) and issubclass(tool, Toolbox)):
        setattr(tool, _POLICY, policy)
        return tool
    if not callable(tool):
        raise TypeError(f"require_approval() takes a tool, a function or a Toolbox, not {type(tool).__name__}.")
    if isinstance(tool, staticmethod | classmethod):
        return cast("T", type(tool)(_mark(tool.__func__, policy)))
    if inspect.ismethod(tool):
        # A bound method takes no attributes. Its function does, so that is marked and bound to the same object.
        return _mark(tool.__func__, policy).__get__(tool.__self__)
    return cast("T", _wrap(tool, policy))


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

    setattr(wrapper, _POLICY, policy)
    return wrapper
