"""What is asked of a human and what is decided: values, and the states that a call goes through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["TRANSITIONS", "ApprovalRequest", "CallState", "Decision"]

Verdict = Literal["approved", "denied", "answered", "abandoned"]
CallState = Literal[
    "proposed",
    "waiting",
    "approved",
    "inside_tool",
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
