"""What is kept of one chain as it goes: its turns and its tool calls, in the journal or, where none is open, in this process.

Its generators yield the operations as steps; `drivers` submits them and waits until they are durable. Where the journal fails,
the chain goes on and `not_saved` says why. A call whose approval is in the journal runs only if its start can be kept there too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from llm_notebook.approvals.consent import frozen_or_repr
from llm_notebook.approvals.policy import inside_tool
from llm_notebook.approvals.requests import ApprovalRequest, CallState, Decision
from llm_notebook.errors import JournalError
from llm_notebook.journal.memory import MemoryJournal
from llm_notebook.journal.operations import (
    CallEntry,
    CallMoved,
    CallProposed,
    Decided,
    Grant,
    Granted,
    Journal,
    Operation,
    Scope,
    TurnBegun,
    TurnEnded,
    TurnStatus,
)
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message
from llm_notebook.tools.calls import ToolCall, ToolResult

__all__ = ["ChainLog", "Note", "Noting", "Origin"]

_STATUS: dict[str, TurnStatus] = {"done": "complete", "interrupted": "interrupted"}


@dataclass(slots=True)
class Note:
    """Have an operation kept. Sent: its answer, once it is durable; thrown: JournalError."""

    journal: Journal | MemoryJournal
    operation: Operation


Noting = Generator[Note, Any, Any]


@dataclass(slots=True, frozen=True)
class Origin:
    """Where something is asked. What is not known is empty.

    Attributes:
        cell_id, notebook: labels for the journal, and how far grants for them reach.
        session: the kernel, for grants that end with it.
        text: what the user typed in the cell.
        who: who decides here, for the record.
        keeps: what is asked here goes into the journal.
    """

    cell_id: str = ""
    notebook: str = ""
    session: str = ""
    text: str = ""
    who: str = "you"
    keeps: bool = True


@dataclass(slots=True, eq=False)
class ChainLog:
    """One chain's, or one single prompt's.

    Attributes:
        journal: where it is kept; None where no journal is open.
        origin: where it is asked.
        conversation_id: the conversation it belongs to.
        conversation: the conversation object, whose latest response is the parent of the first turn.
        chain_id: the id of its first turn; empty before that.
        parent: the response before the next turn; its turn is what the next one continues.
        parent_id, known: the same for a parent that is only in the journal: its id, and the history that it ends with.
        not_saved: why it is not in the journal although it should be; empty while all is well.
        on_call: told each change of a call.
        settings: how the chain is asked, for who goes on with it later.
        has_lost: a call was interrupted while it ran.
    """

    journal: Journal | None = None
    origin: Origin = field(default_factory=Origin)
    conversation_id: str = ""
    conversation: Any = None
    chain_id: str = ""
    parent: Any = None
    parent_id: str | None = None
    known: Sequence[Message] = ()
    not_saved: str = ""
    on_call: Callable[[CallEntry], None] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    memory: MemoryJournal = field(default_factory=MemoryJournal)
    has_lost: bool = False

    def begin(self, response: Any) -> Noting:
        """A turn is about to be sent."""
        if not self.chain_id:
            self.chain_id = response.turn_id
        if self.journal is None or self.not_saved:
            return
        if self.parent is None and self.parent_id is None and self.conversation is not None:
            self.parent = next((turn for turn in reversed(self.conversation.responses) if turn.is_kept), None)
        yield from self._begin(response.turn_id, response.model.model_id, response.prompt.messages)
        response.is_kept = not self.not_saved
        self.parent = response

    def end(self, response: Any) -> Noting:
        """The turn is over: complete, interrupted or failed."""
        if response.is_kept and self.journal is not None:
            yield from self._keep(self._ended(response))

    def end_unwaited(self, response: Any) -> None:
        """`end()` for a reader that cannot wait, as one who was interrupted."""
        if response.is_kept and self.journal is not None:
            self.journal.submit(self._ended(response))

    def import_history(self, turn_id: str, model_id: str, history: Sequence[Message]) -> Noting:
        """Keep a history that came from elsewhere and ends in calls, so that these have a turn that asked for them."""
        if self.journal is None or self.not_saved:
            return
        end = len(history)
        while end and history[end - 1].role == "tool":
            end -= 1
        start = end
        while start and history[start - 1].role == "assistant":
            start -= 1
        self.chain_id = self.chain_id or turn_id
        yield from self._begin(turn_id, model_id, history[:start])
        if not self.not_saved:
            yield from self._keep(TurnEnded(turn_id, "complete", history[start:end], None, None))
        self.parent, self.parent_id, self.known = None, turn_id, history[:end]

    def propose(self, turn_id: str, call: ToolCall) -> Generator[Note, Any, CallEntry]:
        """A model asks for a call: its entry, which says what has become of it already."""
        assert call.tool_call_id is not None
        operation = CallProposed(
            new_id(), turn_id, call.tool_call_id, call.name, frozen_or_repr(call.arguments), datetime.now(UTC)
        )
        entry: CallEntry | None = None
        if self.journal is not None and not self.not_saved:
            try:
                entry = yield Note(self.journal, operation)
            except JournalError as error:
                self.not_saved = str(error)
        if entry is None:
            entry = yield Note(self.memory, operation)
        assert entry is not None
        self.tell(entry)
        return entry

    def move(
        self,
        entry: CallEntry,
        to: CallState,
        *expected: CallState,
        request: ApprovalRequest | None = None,
        result: ToolResult | None = None,
        digest: str | None = None,
    ) -> Generator[Note, Any, bool]:
        """Bring a call to another state, if it is in an expected one; returns whether it was.

        Raises:
            JournalError: an approved call's start cannot be kept. It must not run then.
        """
        operation = self._moved(entry, to, expected, request=request, result=result, digest=digest)
        home = self._home(entry)
        try:
            moved: bool = yield Note(home, operation)
        except JournalError as error:
            if to == "started" and entry.decision is not None:
                raise
            self.not_saved = str(error)
            self.memory.adopt(entry)
            moved = yield Note(self.memory, operation)
        if moved:
            self._took(entry, operation)
        return moved

    def lose(self, entry: CallEntry) -> None:
        """The call was interrupted while it ran. Does not wait: whoever pressed stop does not want to."""
        self.has_lost = True
        operation = self._moved(entry, "unknown", ("started",))
        self._home(entry).submit(operation)
        self._took(entry, operation)

    def latest(self, entry: CallEntry) -> CallEntry:
        """The call as it stands now, whoever moved it."""
        return self._home(entry).call(entry.call_id) or entry

    def decide(self, entry: CallEntry, decision: Decision, *, who: str = "", replaces: bool = True) -> bool:
        """Keep what a human decided; returns whether it counts.

        Raises:
            JournalError: it cannot be kept, so it does not count.
        """
        operation = Decided(entry.call_id, decision, who or self.origin.who, datetime.now(UTC), None, replaces)
        counts: bool = self._home(entry).submit(operation).result()
        if counts:
            self.tell(self.latest(entry))
        return counts

    def allowed(self, entry: CallEntry, grant: Grant, digest: str) -> Generator[Note, Any, bool]:
        """Keep that a grant decides about a waiting call; returns whether it counts."""
        decision = Decision("approved", digest)
        operation = Decided(entry.call_id, decision, grant.who, datetime.now(UTC), grant.grant_id)
        counts: bool = yield Note(self._home(entry), operation)
        if counts:
            entry.state, entry.decision = "approved", decision
            entry.decided_by, entry.decided_at = operation.who, operation.at
            entry.grant_id, entry.grant_scope = grant.grant_id, grant.scope
            self.tell(entry)
        return counts

    def grant_for(self, identity: str) -> Grant | None:
        """The "always allow" in force that covers a tool here."""
        if self.journal is None or self.not_saved:
            return None
        try:
            in_force = self.journal.grants()
        except JournalError as error:
            self.not_saved = str(error)
            return None
        return next(
            (g for g in in_force if g.identity == identity and g.place and g.place == self._reach(g.scope)), None
        )

    def grant(self, tool_name: str, identity: str, scope: Scope) -> Grant:
        """Allow a tool from now on, as far as `scope` reaches from here.

        Raises:
            RuntimeError: a tool asks.
            ValueError: no journal is open, or it is not known what the scope is here.
            JournalError: it cannot be kept.
        """
        if inside_tool():
            raise RuntimeError("A tool cannot allow anything: only a human can.")
        place = self._reach(scope)
        if self.journal is None or not place:
            raise ValueError(f"Nothing can be allowed for a whole {scope} here: there is no journal or no {scope}.")
        grant = Grant(new_id(), tool_name, identity, scope, place, self.origin.who, datetime.now(UTC))
        self.journal.submit(Granted(grant)).result()
        return grant

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """How far an "always allow" can reach from here."""
        known: tuple[Scope, ...] = ("cell", "notebook", "session")
        return tuple(scope for scope in known if self._reach(scope)) if self.journal is not None else ()

    def tell(self, entry: CallEntry) -> None:
        """Tell whoever follows how a call stands."""
        if self.on_call is not None:
            self.on_call(entry)

    def _begin(self, turn_id: str, model_id: str, sent: Sequence[Message]) -> Noting:
        known = [*self.parent.prompt.messages, *self.parent.partial] if self.parent is not None else list(self.known)
        parent_id = self.parent.turn_id if self.parent is not None else self.parent_id
        is_whole = parent_id is None or list(sent[: len(known)]) != known
        origin, settings = self.origin, self.settings
        if origin.text:
            settings = settings | {"text": origin.text}
        yield from self._keep(
            TurnBegun(
                turn_id,
                self.conversation_id or self.chain_id,
                self.chain_id,
                parent_id,
                model_id,
                list(sent if is_whole else sent[len(known) :]),
                settings,
                origin.cell_id or None,
                origin.notebook or None,
                datetime.now(UTC),
                is_whole=is_whole,
            )
        )

    def _ended(self, response: Any) -> TurnEnded:
        record = response.record
        return TurnEnded(
            response.turn_id,
            _STATUS.get(record.status, "failed"),
            record.messages(),
            record.usage,
            record.duration_ms(),
            record.resolved_model,
            "" if record.status == "done" else str(record.error),
        )

    def _moved(self, entry: CallEntry, to: CallState, expected: Sequence[CallState], **details: Any) -> CallMoved:
        owner = self._home(entry).owner if to == "started" else None
        return CallMoved(entry.call_id, expected, to, datetime.now(UTC), owner=owner, **details)

    def _took(self, entry: CallEntry, operation: CallMoved) -> None:
        entry.state, entry.changed_at = operation.to, operation.at
        entry.request = operation.request or entry.request
        entry.result = operation.result or entry.result
        if operation.to == "waiting":
            entry.decision = None
        self.tell(entry)

    def _home(self, entry: CallEntry) -> Journal | MemoryJournal:
        if self.journal is None or self.memory.keeps(entry.call_id):
            return self.memory
        return self.journal

    def _keep(self, operation: Operation) -> Noting:
        assert self.journal is not None
        try:
            yield Note(self.journal, operation)
        except JournalError as error:
            self.not_saved = str(error)

    def _reach(self, scope: Scope) -> str:
        return {"cell": self.origin.cell_id, "notebook": self.origin.notebook, "session": self.origin.session}[scope]
