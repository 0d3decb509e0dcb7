"""Asking a human before a tool runs: requests, decisions, the states of a call, and the mark on a tool. Values only."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast, overload

from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

__all__ = ["ApprovalPolicy", "approved", "inside_tool", "policy_of", "require_approval", "under_approval"]

_POLICY = "__llm_approval__"
# None outside of tools.
_under_approval: ContextVar[bool | None] = ContextVar("llm_notebook_approved", default=None)


@dataclass(slots=True, frozen=True)
class ApprovalPolicy:
    """A tool's mark that a human is asked first.

    Attributes:
        when: called with the arguments by name; approval is needed where it returns true. None means always.
        destructive: what the tool does cannot be undone; such a tool can never be allowed once and for all.
    """

    when: Callable[..., bool] | None = None
    destructive: bool = False


def approved() -> bool:
    """Inside a tool: a human has approved this very call."""
    return bool(_under_approval.get())


def inside_tool() -> bool:
    """The code that asks is run by a tool."""
    return _under_approval.get() is not None


@contextlib.contextmanager
def under_approval(consent: bool | None) -> Iterator[None]:
    """While a tool's body is entered: what `approved()` says in it. None for what is no tool."""
    token = _under_approval.set(consent)
    try:
        yield
    finally:
        _under_approval.reset(token)


def policy_of(tool: Tool) -> ApprovalPolicy | None:
    """The tool's approval mark: on its function, its Toolbox object or that Toolbox's class; None if it has none."""
    return getattr(tool.implementation, _POLICY, None) or getattr(tool.toolbox, _POLICY, None)


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
    """Have a human asked before a tool runs: without a matching decision a chain pauses, with one the tool runs, once.

    Works on functions, coroutine functions, methods, Tools, Toolbox objects and Toolbox classes, as a call or as a decorator.
    Calling a marked function yourself just calls it.

    Args:
        tool: what to mark.
        when: called with the tool's arguments by name; a human is asked only where it returns true.
        destructive: what the tool does cannot be undone.

    Returns:
        The marked tool: a new one for functions and Tools; Toolbox objects and classes are marked themselves.
    """
    policy = ApprovalPolicy(when, destructive)
    if tool is None:
        return lambda marked: _marked(marked, policy)
    return _marked(tool, policy)


def _marked(tool: T, policy: ApprovalPolicy) -> T:
    if isinstance(tool, Tool):
        if tool.implementation is None:
            raise TypeError(f"{tool.name} has no implementation, so there is nothing to approve.")
        return replace(tool, implementation=_marked(tool.implementation, policy))
    if isinstance(tool, Toolbox) or (isinstance(tool, type) and issubclass(tool, Toolbox)):
        setattr(tool, _POLICY, policy)
        return tool
    if not callable(tool):
        raise TypeError(f"require_approval() takes a tool, a function or a Toolbox, not {type(tool).__name__}.")
    if isinstance(tool, staticmethod | classmethod):
        return cast("T", type(tool)(_marked(tool.__func__, policy)))
    if inspect.ismethod(tool):
        # A bound method takes no attributes; its function does, bound anew to the same object.
        return _marked(tool.__func__, policy).__get__(tool.__self__)
    return cast("T", _wrapped(tool, policy))


def _wrapped(function: Callable[..., Any], policy: ApprovalPolicy) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004  the method itself is asked

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await function(*args, **kwargs)
    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return function(*args, **kwargs)

    setattr(wrapper, _POLICY, policy)
    return wrapper
