"""What the core asks of a journal: its operations, what is read back, and the protocol in between. Values only.

An operation is durable when its future is done. The core yields operations from its generators; drivers submit and await them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from concurrent.futures import Future

    from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
    from llm_notebook.parts.messages import Message, Usage
    from llm_notebook.tools.calls import ToolResult

__all__ = [
    "CallEntry",
    "CallMoved",
    "CallProposed",
    "Decided",
    "Grant",
    "Granted",
    "Journal",
    "Operation",
    "Revoked",
    "Scope",
    "TurnBegun",
    "TurnEnded",
    "TurnEntry",
    "TurnStatus",
]

TurnStatus = Literal["streaming", "complete", "interrupted", "failed"]
Scope = Literal["cell", "notebook", "session"]


@dataclass(slots=True, frozen=True)
class TurnBegun:
    """A turn (one prompt and its response) is about to be sent. Answered with None.

    Attributes:
        turn_id: a ULID.
        conversation_id: the ULID of the conversation; a chain's rounds and a conversation's turns share one.
        chain_id: the `turn_id` of the chain's first round, which the chain's other rounds share.
        parent_id: the turn that this one continues, None where it begins a conversation.
        model_id: who is asked.
        messages: what is sent beyond what the parent turn ends with.
        is_whole: `messages` is all that is sent: the history was changed, and the parent's is not part of it.
        settings: how it was asked, JSON-safe: `options`, `schema`, `hide_reasoning`, `chain_limit`, `tools` (their names), `text`
            (what the user typed in the cell).
        cell_id, notebook: where it was asked, where that is known.
        at: when.
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


@dataclass(slots=True, frozen=True)
class TurnEnded:
    """A turn is over. Answered with None.

    Attributes:
        status: how it ended.
        messages: what the model said, as far as it came.
        error: why it failed, for a reader.
    """

    turn_id: str
    status: TurnStatus
    messages: Sequence[Message]
    usage: Usage | None
    duration_ms: int | None
    resolved_model: str | None = None
    error: str = ""


@dataclass(slots=True, frozen=True)
class CallProposed:
    """A model asks for a tool call. Answered with its CallEntry: the one on record where (turn_id, tool_call_id) is known already.

    Attributes:
        call_id: a ULID, the name of this call in the journal and on approval cards.
        turn_id: the turn whose answer asked for it.
        tool_call_id: the provider's id.
        arguments: as the model gave them, canonical JSON.
    """

    call_id: str
    turn_id: str
    tool_call_id: str
    tool_name: str
    arguments: bytes
    at: datetime


@dataclass(slots=True, frozen=True)
class CallMoved:
    """A call goes from one state to another, if it is in one of the expected ones. Answered with whether it did.

    A call that comes to `waiting` has no decision any more.

    Attributes:
        call_id: the call.
        expected: the states it may be in.
        to: the state it goes to.
        request: what a human is asked, for `waiting`.
        digest: what runs, for `started`: the digest of tool, arguments and call.
        result: what the model is told, once that is known. A decided call that has one was gone on with.
        note: a sentence for the record, such as that a hook changed the arguments.
        owner: for `started`: the name of the lock that the running process holds; see `Journal.owner`.
    """

    call_id: str
    expected: Sequence[CallState]
    to: CallState
    at: datetime
    request: ApprovalRequest | None = None
    digest: str | None = None
    result: ToolResult | None = None
    note: str = ""
    owner: str | None = None


@dataclass(slots=True, frozen=True)
class Decided:
    """A human decides about a waiting or unknown call. Answered with whether the decision counts: the first one does.

    A decision counts only if the call is `waiting` or `unknown` and its request has this decision's digest. The call then comes to
    the state that the verdict names.

    Attributes:
        who: whoever decided: the user's name, or how it was decided.
        grant_id: the grant that decided in the human's place.
        replaces: it counts as well where the call is decided but nothing has come of that yet: no result, and not started.
    """

    call_id: str
    decision: Decision
    who: str
    at: datetime
    grant_id: str | None = None
    replaces: bool = False


@dataclass(slots=True, frozen=True)
class Granted:
    """A human allows a tool from now on. Answered with None; the grant holds from then on."""

    grant: Grant


@dataclass(slots=True, frozen=True)
class Revoked:
    """A human takes a grant back. Answered with whether it was in force."""

    grant_id: str
    who: str
    at: datetime


Operation = TurnBegun | TurnEnded | CallProposed | CallMoved | Decided | Granted | Revoked


@dataclass(slots=True, frozen=True)
class Grant:
    """An "always allow": calls of one tool run without being asked about.

    Attributes:
        grant_id: a ULID.
        tool_name: the tool, for a reader.
        identity: the tool identity that it is bound to (`approvals.tool_identity`).
        scope: how far it reaches.
        place: what the scope is: a cell's id, a notebook's identity, or a session's (kernel's) id.
        who, at: who allowed it, and when.
        revoked_at: when it was taken back; None while it is in force.
    """

    grant_id: str
    tool_name: str
    identity: str
    scope: Scope
    place: str
    who: str
    at: datetime
    revoked_at: datetime | None = None


@dataclass(slots=True)
class CallEntry:
    """A call as it stands in the journal.

    Attributes:
        arguments: canonical JSON, as proposed.
        request: what a human was last asked, None if nobody was.
        decision: what was decided, None if nothing was.
        decided_by, decided_at: who decided, and when.
        grant_id, grant_scope: the grant that decided, if one did.
        result: what the model was or will be told, once that is known.
        changed_at: when it came to this state.
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


@dataclass(slots=True)
class TurnEntry:
    """A turn as it stands in the journal: what began it, how it ended, and its tool calls.

    Attributes:
        output: what the model said, as far as it came.
        calls: its tool calls, in the model's order.
    """

    begun: TurnBegun
    status: TurnStatus
    output: list[Message] = field(default_factory=list)
    usage: Usage | None = None
    duration_ms: int | None = None
    resolved_model: str | None = None
    error: str = ""
    calls: list[CallEntry] = field(default_factory=list)


class Journal(Protocol):
    """Keeps what was said, asked, decided and run. Safe to use from several threads and processes at once.

    Everything may raise JournalError: the journal cannot be reached. A call whose owner has died reads as `unknown`.
    """

    @property
    def owner(self) -> str:
        """The name of the OS lock that this process holds while it runs calls."""

    def submit(self, operation: Operation) -> Future[Any]:
        """Hand over an operation. Returns at once; the future is done when the operation is durable."""

    def call(self, call_id: str) -> CallEntry | None:
        """One call. `call_id` may be any part of the id that fits one call only."""

    def waiting(self) -> list[CallEntry]:
        """The calls that wait for a human, oldest first: `waiting` ones, `unknown` ones, and decided ones not yet gone on with."""

    def turn(self, turn_id: str) -> TurnEntry | None:
        """One turn with its calls. `turn_id` may be any part of the id that fits one turn only."""

    def chain(self, chain_id: str) -> list[TurnEntry]:
        """The rounds of one chain, oldest first; empty where there is no such chain."""

    def conversation(self, conversation_id: str) -> list[TurnEntry]:
        """All turns of one conversation, oldest first. `conversation_id` may be any part that fits one conversation only."""

    def history(self, query: str = "", *, limit: int = 50) -> list[TurnEntry]:
        """The latest turns, newest first; those whose prompt or answer holds all words of `query`, where one is given."""

    def messages(self, turn_id: str) -> list[Message]:
        """The whole history up to and including what this turn answered."""

    def latest_turn(self, *, cell_id: str | None = None, notebook: str | None = None) -> TurnEntry | None:
        """The turn that was last begun in a cell, or in a notebook."""

    def grants(self) -> list[Grant]:
        """The grants in force, oldest first."""

    def flush(self) -> None:
        """Wait until everything that was handed over is durable."""

    def close(self) -> None:
        """Make everything durable and let go of the file."""
