"""Asking a human before a tool runs: requests, decisions, and the digest that binds one to the other. Values only.

Consent is to a digest of (what the tool is, its frozen arguments, the call's id). Arguments are frozen as canonical JSON bytes
after `before_call`; what runs is made from those bytes, so nothing that happens later can change it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, cast, overload

from llm_notebook.tools import Tool, Toolbox, ToolResult

__all__ = [
    "ApprovalPolicy",
    "TRANSITIONS",
    "ApprovalRequest",
    "CallState",
    "Decision",
    "Ledger",
    "approved",
    "canonical",
    "digest",
    "require_approval",
    "thawed",
    "tool_identity",
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
    "waiting": frozenset(
        {"waiting", "approved", "denied", "answered", "abandoned", "started", "cancelled", "failed"}
    ),
    "approved": frozenset({"waiting", "started", "cancelled", "failed"}),
    "denied": frozenset({"denied"}),
    "answered": frozenset({"answered"}),
    "abandoned": frozenset({"abandoned"}),
    "cancelled": frozenset(),
    "started": frozenset({"finished", "failed", "waiting", "unknown"}),
    "finished": frozenset(),
    "failed": frozenset(),
    "unknown": frozenset({"waiting", "approved", "answered", "abandoned", "denied"}),
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
        tool_call_id: the call.
        reason: the sentence that the tool gave, if it gave one.
        digest: what an approval is bound to, 64 hexadecimal digits.
        destructive: the tool is marked destructive.
    """

    tool_name: str
    arguments: dict[str, Any]
    tool_call_id: str
    reason: str
    digest: str
    destructive: bool = False

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
        verdict: run it, do not run it, or take the human's answer in its place.
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


@dataclass(slots=True)
class Ledger:
    """What was decided about the calls that a pause left waiting, and what came of them.

    All continuations of one pause share it, so that a call runs once however many of them are read, and in however many threads.

    Attributes:
        decisions: by call id; taken out when used.
    """

    decisions: dict[str, Decision] = field(default_factory=dict)
    _running: set[str] = field(default_factory=set)
    _unknown: set[str] = field(default_factory=set)
    _results: dict[str, ToolResult] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def decide(self, call_id: str, decision: Decision) -> None:
        """Note a decision; the last one before the call runs counts.

        Raises:
            ValueError: the call has a result already, so that it can only be approved once more, which changes nothing.
        """
        with self._lock:
            if call_id not in self._results:
                self._unknown.discard(call_id)
                self.decisions[call_id] = decision
            elif decision.verdict != "approved" or decision.arguments is not None:
                raise ValueError("This call has been settled already, so the decision comes too late.")

    def begin(self, call_id: str) -> ToolResult | None:
        """A call is about to run. Returns its result if it has one already.

        Raises:
            RuntimeError: it is running, or was interrupted while it ran: it is not run again unless a human says so.
        """
        with self._lock:
            if call_id in self._results:
                return self._results[call_id]
            if call_id in self._running:
                raise RuntimeError("Another continuation of this pause is running this call right now.")
            if call_id in self._unknown:
                raise RuntimeError(
                    "This call was interrupted while it ran, and nobody knows how far it came: "
                    "approve() it to run it again, or answer() in its place."
                )
            self._running.add(call_id)
            return None

    def taken(self, call_id: str | None, wanted: Callable[[], str]) -> Decision | None:
        """The decision about this very call, which is then used up; None if there is none or it was about something else.

        Args:
            call_id: the call.
            wanted: computes the digest that the decision must be about.
        """
        with self._lock:
            decision = self.decisions.get(call_id or "")
            if decision is None or decision.digest != wanted():
                return None
            return self.decisions.pop(call_id or "")

    def finished(self, call_id: str, result: ToolResult) -> None:
        """The call has this result."""
        with self._lock:
            self._running.discard(call_id)
            self._results[call_id] = result

    def stopped(self, call_id: str, *, is_known: bool) -> None:
        """The call ended without a result: it paused or a hook failed, or else, where nothing is known, it was interrupted."""
        with self._lock:
            self._running.discard(call_id)
            if not is_known:
                self._unknown.add(call_id)


def canonical(arguments: dict[str, Any]) -> bytes:
    """Arguments as canonical JSON: keys sorted, no white space, UTF-8.

    Raises:
        TypeError, ValueError: something in them has no JSON form.
    """
    text = json.dumps(arguments, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


def thawed(frozen: bytes) -> dict[str, Any]:
    """A fresh plain dict of frozen arguments."""
    return cast("dict[str, Any]", json.loads(frozen.decode("utf-8", "surrogatepass")))


def tool_identity(tool: Tool) -> str:
    """A digest of what the tool is: name, description, schema, plugin, source where there is any, Toolbox and its configuration.

    Globals and closures of its code are not covered.
    """
    function: Any = tool.implementation
    owner = tool.toolbox
    try:
        source = inspect.getsource(inspect.unwrap(function)) if function is not None else ""
    except (OSError, TypeError):
        source = ""
    described = {
        "name": tool.name,
        "description": tool.description,
        "schema": tool.input_schema,
        "plugin": tool.plugin,
        "source": source,
        "toolbox": None if owner is None else f"{type(owner).__module__}.{type(owner).__qualname__}",
        "configuration": None if owner is None else owner.configuration,
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True, default=repr).encode()).hexdigest()


def digest(tool: Tool, frozen: bytes, tool_call_id: str) -> str:
    """What consent to this very call is bound to, 64 hexadecimal digits."""
    parts = (tool_identity(tool).encode(), frozen, tool_call_id.encode())
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


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
