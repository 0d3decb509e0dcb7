"""Asking a human before a tool runs: requests, decisions, the states of a call, and the mark on a tool. Values only."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, cast, overload

from llm_notebook.tools import Tool, Toolbox

__all__ = [
    "TRANSITIONS",
    "ApprovalPolicy",
    "ApprovalRequest",
    "CallState",
    "Decision",
    "approved",
    "policy_of",
    "require_approval",
    "under_approval",
]

Verdict = Literal["approved", "denied", "answered", "abandoned"]
CallState = Literal[
    "proposed",
    "waiting",
    "approved",
    "denied",
    "answered",
    "abandoned",
    "cancelled",
    "started",
    "finished",
    "failed",
    "unknown",
]
# From each state the states that may follow. `unknown` is what `started` reads as once its owner has died. An approval goes back
# to `waiting` where the tool is not the one that was approved. A call that cannot be run at all fails without having started.
# From `waiting` a body that pauses by itself may be entered again without a decision. A decision that stays says what came of it.
TRANSITIONS: dict[CallState, frozenset[CallState]] = {
    "proposed": frozenset({"waiting", "started", "cancelled", "failed"}),
    "waiting": frozenset({"waiting", "approved", "denied", "answered", "abandoned", "started", "cancelled", "failed"}),
    "approved": frozenset({"waiting", "started", "cancelled", "failed"}),
    "denied": frozenset({"denied"}),
    "answered": frozenset({"answered"}),
    "abandoned": frozenset({"abandoned"}),
    "cancelled": frozenset(),
    "started": frozenset({"finished", "failed", "waiting", "unknown"}),
    "finished": frozenset(),
    "failed": frozenset(),
    "unknown": frozenset({"unknown", "waiting", "approved", "answered", "abandoned", "denied"}),
}
_POLICY = "__llm_approval__"
_under_approval: ContextVar[bool] = ContextVar("llm_notebook_approved", default=False)


@dataclass(slots=True, frozen=True)
class ApprovalPolicy:
    """A tool's mark that a human is asked first.

    Attributes:
        when: called with the arguments by name; approval is needed where it returns true. None means always.
        destructive: what the tool does cannot be undone; such a tool can never be allowed once and for all.
    """

    when: Callable[..., bool] | None = None
    destructive: bool = False


@dataclass(slots=True)
class ApprovalRequest:
    """What a human is asked.

    Attributes:
        tool_name: the tool, as the model calls it.
        arguments: its arguments, a fresh copy of what was frozen.
        tool_call_id: the call, as its provider names it.
        reason: the sentence that the tool gave, if it gave one.
        digest: what an approval is bound to, 64 hexadecimal digits.
        destructive: the tool is marked destructive.
        id: the call's own name: what `resume()` and `%llm approve` take.
        outcome_unknown: the call was interrupted while it ran, and nobody knows how far it came.
        origin: where the tool comes from, in a few words each.
        source: its code, where that is known, under a title.
        input_schema: JSON Schema of its arguments.
        facts: what the tool is, as digests by the name of the fact; together they are its identity.
        changed: why it is asked again: what about the tool has changed since it was decided.
    """

    tool_name: str
    arguments: dict[str, Any]
    tool_call_id: str
    reason: str
    digest: str
    destructive: bool = False
    id: str = ""
    outcome_unknown: bool = False
    origin: list[str] = field(default_factory=list)
    source: dict[str, str] | None = None
    input_schema: dict[str, Any] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    changed: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe dict."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> ApprovalRequest:
        """The request that `to_dict()` wrote."""
        return ApprovalRequest(**data)


@dataclass(slots=True, frozen=True)
class Decision:
    """What a human decided about one call.

    Attributes:
        verdict: run it, do not run it, take the human's answer in its place, or give it up.
        digest: what the decision is about; for any other digest it counts for nothing.
        arguments: edited arguments to run with, where they were edited.
        text: the reason of a denial, or the answer.
    """

    verdict: Verdict
    digest: str
    arguments: dict[str, Any] | None = None
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-safe dict."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Decision:
        """The decision that `to_dict()` wrote."""
        return Decision(**data)


def approved() -> bool:
    """Inside a tool: a human has approved this very call."""
    return _under_approval.get()


@contextlib.contextmanager
def under_approval(consent: bool) -> Iterator[None]:
    """While a tool's body is entered: what `approved()` says in it."""
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
