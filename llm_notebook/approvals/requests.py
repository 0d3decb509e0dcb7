"""The values of an approval: what a human is asked, what the human decides, and the states that a tool call goes through.

A call is always in exactly one state, and TRANSITIONS lists the states that may follow. The journal changes a state only by compare-and-set
along one of these edges, so two browser tabs, two clicks or a replay cannot move the same call twice.

Most edges are obvious. These are not:

- `started → unknown` is written by the process that runs the call if somebody stops the call there. Otherwise a reader sees it in place of
  `started` if the process that owned the call has died. An `unknown` call is never run again automatically; a human has to decide.
- `approved → waiting` happens when the tool is not the one that was approved: its code, its schema or its arguments have changed.
- `waiting → started` needs no decision when the body of the tool paused by itself. Such a body runs again when it resumes.
- `started → suspended` happens when a chain inside the tool's body waits for a human. The question is about a call of that chain, so nobody
  decides about this one: its body runs again when the inner chain continues, and an earlier consent stays in force.
- `failed` can follow without `started`. In that case the call cannot run at all, for instance because the tool does not exist.
- `denied`, `answered` and `abandoned` may be followed by themselves, which records the result that the model then reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from llm_notebook.parts.checked import checked

__all__ = ["ASKED", "DECIDED", "SETTLED", "TRANSITIONS", "ApprovalRequest", "CallState", "Decision", "Verdict"]

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
    "suspended",
    "finished",
    "failed",
    "unknown",
]
ASKED: tuple[CallState, ...] = ("waiting", "unknown")
"""The states in which a call waits for a human."""
DECIDED: tuple[Verdict, ...] = ("approved", "denied", "answered", "abandoned")
"""The verdicts. Each of them is also the state to which it moves a call."""
SETTLED: tuple[Verdict, ...] = ("denied", "answered", "abandoned")
"""The verdicts that give a call a result without running the tool."""
# The states that may follow each state.
TRANSITIONS: dict[CallState, frozenset[CallState]] = {
    "proposed": frozenset({"waiting", "started", "cancelled", "failed"}),
    "waiting": frozenset({"waiting", "approved", "denied", "answered", "abandoned", "started", "cancelled", "failed"}),
    "approved": frozenset({"waiting", "started", "cancelled", "failed"}),
    "denied": frozenset({"denied"}),
    "answered": frozenset({"answered"}),
    "abandoned": frozenset({"abandoned"}),
    "cancelled": frozenset(),
    "started": frozenset({"finished", "failed", "waiting", "suspended", "unknown"}),
    "suspended": frozenset({"waiting", "started", "cancelled", "failed"}),
    "finished": frozenset(),
    "failed": frozenset(),
    "unknown": frozenset({"unknown", "waiting", "approved", "answered", "abandoned", "denied"}),
}

# The types of the optional values that `ApprovalRequest.to_dict()` writes.
_MORE_OF_A_QUESTION = {
    **dict.fromkeys(("destructive", "outcome_unknown", "is_required"), bool),
    **dict.fromkeys(("id", "description", "changed"), str),
    **dict.fromkeys(("source", "input_schema", "facts", "state", "policy"), dict),
    "origin": list,
}


@dataclass(slots=True)
class ApprovalRequest:
    """The question that a human is asked about one tool call.

    Attributes:
        tool_name: the name under which the model calls the tool.
        arguments: the arguments of the call, a fresh copy of the frozen ones.
        tool_call_id: the call's id as the provider gave it.
        reason: the sentence that the tool gave when it paused; empty if there is none.
        digest: the digest to which an approval is bound, as 64 hexadecimal digits.
        destructive: whether the tool is marked as destructive.
        id: the call's id in the journal, which `resume()` and `%llm approve` take.
        outcome_unknown: whether the call was interrupted while it ran, so that nobody knows how far it got.
        description: what the tool says it does.
        origin: where the tool comes from, as a list of short phrases.
        source: the loaded code of the tool and a title for it, as `{"title": …, "code": …}`, if the code is known. Where the file
            that it was loaded from differs from it, a `"note"` says so.
        input_schema: the JSON Schema of the tool's arguments.
        facts: a digest of each fact about the tool, by the fact's name; together they are the tool's identity.
        state: what the tool holds, by name: the text of the value, if it may be shown, and a digest of it.
        policy: when calls of the tool are asked about, as `ApprovalPolicy.to_dict()` writes it; None if the tool or a hook asks by itself.
        is_required: whether the policy asks, and not the tool or a hook by itself. Such a call waits until it is decided.
        changed: a sentence that says what has changed since the last decision; empty if the human is asked for the first time.
    """

    tool_name: str
    arguments: dict[str, Any]
    tool_call_id: str
    reason: str
    digest: str
    destructive: bool = False
    id: str = ""
    outcome_unknown: bool = False
    description: str = ""
    origin: list[str] = field(default_factory=list)
    source: dict[str, str] | None = None
    input_schema: dict[str, Any] | None = None
    facts: dict[str, str] = field(default_factory=dict)
    changed: str = ""
    state: dict[str, list[str]] = field(default_factory=dict)
    policy: dict[str, Any] | None = None
    is_required: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-safe dict."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> ApprovalRequest:
        """Return the request that `to_dict()` wrote.

        Raises:
            ValueError: the dict lacks what a question needs, or a value in it is of another type.
        """
        needed = {"tool_name": str, "arguments": dict, "tool_call_id": str, "reason": str, "digest": str}
        given = checked(data, "a question", needed, _MORE_OF_A_QUESTION)
        return ApprovalRequest(**{name: given[name] for name in ApprovalRequest.__dataclass_fields__ if name in given})


@dataclass(slots=True, frozen=True)
class Decision:
    """A human's decision about one tool call.

    Attributes:
        verdict: whether the call is to be run, is refused, is answered by the human, or is given up.
        digest: the digest of the request that was decided; the decision does not count for any other.
        arguments: the arguments to run with if the human edited them, otherwise None.
        text: the reason for a denial, or the answer.
    """

    verdict: Verdict
    digest: str
    arguments: dict[str, Any] | None = None
    text: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-safe dict."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @staticmethod
    def from_dict(data: dict[str, Any]) -> Decision:
        """Return the decision that `to_dict()` wrote.

        Raises:
            ValueError: the dict lacks the verdict or the digest, or a value in it is of another type.
        """
        given = checked(data, "a decision", {"verdict": str, "digest": str}, {"arguments": dict, "text": str})
        if given["verdict"] not in DECIDED:
            raise ValueError(f"In the dict of a decision, 'verdict' is one of {', '.join(DECIDED)}.")
        return Decision(**{name: given[name] for name in Decision.__dataclass_fields__ if name in given})
