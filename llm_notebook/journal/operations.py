"""What a journal can do: the operations that it records, the entries that it returns, and the protocol of a journal.

An operation is a value that says what has happened or is about to. It is handed to `Journal.submit()` and is durable when the returned
future is done. A chain yields operations from its generator, and the drivers submit and await them.

The type parameter of `AnsweredWith` is the type of the future's result: `submit(CallMoved(…))` returns a `Future[bool]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from llm_notebook.approvals.requests import ASKED, DECIDED
from llm_notebook.journal.grants import Grant

if TYPE_CHECKING:
    from llm_notebook.approvals.policy import ApprovalPolicy
    from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
    from llm_notebook.parts.finishes import Finish
    from llm_notebook.parts.messages import Message, Usage
    from llm_notebook.tools.calls import ToolResult

__all__ = [
    "AnsweredWith",
    "CallEntry",
    "CallMoved",
    "CallProposed",
    "Decided",
    "DecidedTogether",
    "Granted",
    "NotebookRenamed",
    "Operation",
    "Revoked",
    "Run",
    "TurnBegun",
    "TurnEnded",
    "TurnEntry",
    "TurnStatus",
    "is_open",
    "needs_human",
]

TurnStatus = Literal["streaming", "complete", "interrupted", "failed"]

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class AnsweredWith(Generic[A_co]):
    """An operation, by the type of the journal's answer."""

    __slots__ = ()


@dataclass(slots=True, frozen=True)
class TurnBegun(AnsweredWith[None]):
    """A turn (one prompt and its response) is about to be sent. Answered with None.

    Attributes:
        turn_id: a ULID.
        conversation_id: the ULID of the conversation. All turns of a conversation and all rounds of a chain share it.
        chain_id: the `turn_id` of the chain's first round. All rounds of a chain share it.
        parent_id: the turn that this one continues; None if it begins a conversation.
        model_id: the model that is prompted.
        messages: the messages that are sent in addition to the history at the end of the parent turn.
        is_whole: whether `messages` is everything that is sent, because the history was changed and does not include the parent's.
        settings: how the model was prompted, JSON-safe: `options`, `schema`, `hide_reasoning`, `chain_limit`, `tools` (their
            names), `approval` (when a human is asked about calls, as `ChainPolicy.to_dict()` writes it), `identities` (the beginning of each
            tool's identity), `text` (what the user typed in the cell), `cell_text` (a digest of the cell's whole text), `cell_number` (the
            number beside the cell), `makers` (which cells define the tools), `sent` (what was sent with the prompt, as `Sent.to_dict()` writes
            it).
        cell_id, notebook: where the prompt comes from, as the front end said when it ran the cell; None if it did not.
        at: when the turn began.
        started_in: the path with which the kernel was started, if the front end did not say which notebook runs.
        place: how many prompts the execution of the cell had asked before this one.
        request: a digest of the request as rendered, by which it is recognized when it is made again; empty outside of cells and tools.
        inside: the call whose tool asks; None outside of tools.
        rows: the run over rows to which this turn belongs; None elsewhere.
    """

    turn_id: str
    conversation_id: str
    chain_id: str
    parent_id: str | None
    model_id: str
    messages: Sequence[Message]
    settings: dict[str, Any]
    cell_id: str | None
    notebook: str | None
    at: datetime
    is_whole: bool = False
    started_in: str | None = None
    place: int = 0
    request: str = ""
    inside: str | None = None
    rows: str | None = None


@dataclass(slots=True, frozen=True)
class TurnEnded(AnsweredWith[None]):
    """A turn has ended. Answered with None.

    Attributes:
        status: how the turn ended.
        messages: the messages of the model that arrived.
        error: why the turn failed, as a sentence for people; empty if it did not.
        finish: why the model stopped; None if it has not said so.
        failure: what kind of failure it was, as `errors.failure_kind()` says; empty if it did not fail.
    """

    turn_id: str
    status: TurnStatus
    messages: Sequence[Message]
    usage: Usage | None
    duration_ms: int | None
    resolved_model: str | None = None
    error: str = ""
    finish: Finish | None = None
    failure: str = ""


@dataclass(slots=True, frozen=True)
class CallProposed(AnsweredWith["CallEntry"]):
    """A model has requested a tool call. Answered with the call's CallEntry.

    If a call with the same turn_id and tool_call_id is already recorded, nothing changes and its entry is the answer.

    Attributes:
        call_id: a ULID that identifies the call in the journal and on approval cards.
        turn_id: the turn in which the model requested the call.
        tool_call_id: the provider's id of the call.
        arguments: the arguments that the model gave, as canonical JSON.
        policy: when a human is asked about the call; None if nobody is. Its conditions are not recorded.
    """

    call_id: str
    turn_id: str
    tool_call_id: str
    tool_name: str
    arguments: bytes
    at: datetime
    policy: ApprovalPolicy | None = None


@dataclass(slots=True, frozen=True)
class CallMoved(AnsweredWith[bool]):
    """A call moves to another state if it is in one of the expected states. Answered with whether it moved.

    A call that moves to `waiting` loses its earlier decision.

    Attributes:
        call_id: the call.
        expected: the states that the call may be in.
        to: the state that the call moves to.
        request: the question to a human, for `waiting`.
        digest: the digest of the tool, the arguments and the call that run, for `started`.
        decision: the decision that is carried out, for `started`. The call does not move if another decision has replaced it.
        result: the result that the model reads, once there is one. A decided call that has a result needs no further action.
        note: a sentence for the record, such as that a hook changed the arguments.
        owner: for `started`, the name of the lock that the running process holds; see `Journal.owner`.
        printed: what the tool has printed so far; empty if that is not known.
    """

    call_id: str
    expected: Sequence[CallState]
    to: CallState
    at: datetime
    request: ApprovalRequest | None = None
    digest: str | None = None
    decision: Decision | None = None
    result: ToolResult | None = None
    note: str = ""
    owner: str | None = None
    printed: str = ""


@dataclass(slots=True, frozen=True)
class Decided(AnsweredWith[bool]):
    """A human has decided about a call. Answered with whether the decision counts.

    A decision counts only if the call is `waiting` or `unknown` and its request has the decision's digest. If the call is `unknown`, the
    request must say so. Of several decisions the first one counts. The call then moves to the state that the verdict names.

    Attributes:
        who: the name of the user who decided, or a description of what decided.
        grant_id: the grant that decided in place of a human, if one did.
        replaces: the decision also counts if it replaces one that has had no effect yet: the call has no result and has not
            started.
    """

    call_id: str
    decision: Decision
    who: str
    at: datetime
    grant_id: str | None = None
    replaces: bool = False


@dataclass(slots=True, frozen=True)
class DecidedTogether(AnsweredWith[bool]):
    """A human has decided several calls at once. Answered with whether the decisions count.

    Either all of them count, each as `Decided` says, or none of them is recorded.

    Attributes:
        decisions: the decisions.
        granted: what is allowed from then on, if the decisions count.
    """

    decisions: Sequence[Decided]
    granted: Granted | None = None


@dataclass(slots=True, frozen=True)
class Granted(AnsweredWith[None]):
    """A human has chosen "always allow" for a tool. Answered with None, after which the grant is in force."""

    grant: Grant


@dataclass(slots=True, frozen=True)
class Revoked(AnsweredWith[bool]):
    """A human has revoked a grant. Answered with whether it was in force."""

    grant_id: str
    who: str
    at: datetime


@dataclass(slots=True, frozen=True)
class NotebookRenamed(AnsweredWith[None]):
    """A notebook's file was renamed. Its turns, and the grants for it and its cells, follow it. Answered with None."""

    before: str
    after: str


Operation = (
    TurnBegun | TurnEnded | CallProposed | CallMoved | Decided | DecidedTogether | Granted | Revoked | NotebookRenamed
)


Run = tuple[datetime, datetime | None]
"""When a tool was started, and when it stopped; None if the time is not known."""


@dataclass(slots=True)
class CallEntry:
    """The present state of a call in the journal.

    Attributes:
        arguments: the arguments that the model gave, as canonical JSON.
        request: the latest question to a human; None if there was none.
        decision: the decision that counts; None if there is none.
        decided_by, decided_at: who decided, and when.
        grant_id, grant_scope: the grant that decided, if one did.
        result: the result that the model has read or will read; None while it is not known.
        note: a sentence for the record, such as that a hook changed the arguments.
        changed_at: when the call moved to this state.
        policy: when a human is asked about the call, without conditions; None if nobody is.
        printed: what the tool has printed. Like `runs`, only a call that is read from a file has it.
        runs: when the tool was started and when it stopped, for each time; None for a time that is not known.
    """

    call_id: str
    turn_id: str
    tool_call_id: str
    tool_name: str
    state: CallState
    arguments: bytes
    request: ApprovalRequest | None = None
    decision: Decision | None = None
    decided_by: str = ""
    decided_at: datetime | None = None
    grant_id: str = ""
    grant_scope: str = ""
    result: ToolResult | None = None
    note: str = ""
    changed_at: datetime | None = None
    policy: ApprovalPolicy | None = None
    printed: str = ""
    runs: tuple[Run, ...] = ()

    def move(self, operation: CallMoved) -> None:
        """Apply what a move has changed. A question that is asked again has no decision yet."""
        self.state, self.changed_at = operation.to, operation.at
        self.request = operation.request or self.request
        self.result = operation.result or self.result
        self.note = operation.note or self.note
        if operation.to == "waiting":
            self.decision, self.decided_by, self.decided_at = None, "", None
            self.grant_id = self.grant_scope = ""


def needs_human(call: CallEntry) -> bool:
    """Return whether a call waits for a human, or was decided but has no result yet."""
    return call.state in ASKED or (call.state in DECIDED and call.result is None)


def is_open(call: CallEntry) -> bool:
    """Return whether a call needs a human or a resumed chain, for itself or because of a chain inside its tool."""
    return needs_human(call) or call.state == "suspended"


@dataclass(slots=True)
class TurnEntry:
    """The present state of a turn in the journal: how it began, how it ended, and its tool calls.

    Attributes:
        begun: the operation that began the turn.
        status: how the turn ended, or `streaming`. If its process ended first, the turn reads as `interrupted`.
        output: the messages of the model that arrived.
        error: why the turn failed; empty if it did not.
        calls: the turn's tool calls, in the model's order.
        is_cut_off: whether the turn's process ended before the turn did, so that nothing of the answer is known.
        finish: why the model stopped; None if it is not known.
    """

    begun: TurnBegun
    status: TurnStatus
    output: list[Message] = field(default_factory=list)
    usage: Usage | None = None
    duration_ms: int | None = None
    resolved_model: str | None = None
    error: str = ""
    calls: list[CallEntry] = field(default_factory=list)
    is_cut_off: bool = False
    finish: Finish | None = None
