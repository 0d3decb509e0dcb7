"""Records the turns and tool calls of one chain as it runs: in the journal, or in this process if no journal is open.

Its generators yield the operations as steps; `drivers` submits them and waits until they are durable. If the journal fails, the chain
continues and `not_saved` says why, with one exception: a call whose approval is in the journal runs only if its start can be recorded there as
well. Otherwise nobody could tell after a crash that it had begun.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llm_notebook.approvals.policy import ApprovalPolicy, ChainPolicy
from llm_notebook.approvals.requests import SETTLED, ApprovalRequest, CallState, Decision
from llm_notebook.approvals.running import in_tool
from llm_notebook.errors import JournalError
from llm_notebook.journal.grants import Grant, Scope
from llm_notebook.journal.memory import MemoryJournal
from llm_notebook.journal.operations import (
    CallEntry,
    CallMoved,
    CallProposed,
    Decided,
    DecidedTogether,
    Granted,
    Operation,
    TurnBegun,
    TurnEnded,
)
from llm_notebook.journal.protocol import Journal
from llm_notebook.journal.runs import RowAsked
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.turns.calls.noting import Note, Noting, moved_call, seen_from_outside
from llm_notebook.turns.calls.printing import Output
from llm_notebook.turns.calls.told import decided_result
from llm_notebook.turns.origin import Origin

if TYPE_CHECKING:
    from concurrent.futures import Future

    from llm_notebook.journal.memory import Done
    from llm_notebook.turns.turn import Turn

__all__ = ["ChainLog"]


@dataclass(slots=True, eq=False)
class ChainLog:
    """Records one chain, or one single prompt.

    Attributes:
        journal: where it is recorded; None if no journal is open.
        origin: where it is asked.
        conversation_id: the conversation that it belongs to.
        latest_kept: returns the turn that the first one continues, in a conversation: the latest that is in the journal.
        chain_id: the id of the chain's first turn; empty before that.
        parent: the turn that the next one continues.
        parent_id, known: the id of that turn if it is only in the journal, and the history that ends with it.
        not_saved: why the chain is not in the journal although it should be; empty if it is.
        on_call: called with every change of a call.
        output: receives what the calls print; None leaves their output where it usually goes.
        settings: how the chain is asked, for a later process that continues it.
        policy: about which calls the chain asks, for another chain that continues it in this process; None for a single prompt.
        memory: keeps the calls that are not, or could not be, kept in the journal.
        unwaited: done once the journal has recorded how the latest failed turn ended; None if none has failed.
        inside, asked_inside: the call whose tool asks, empty outside of tools; and the same in words, for the human who is asked.
    """

    journal: Journal | None = None
    origin: Origin = field(default_factory=Origin)
    conversation_id: str = ""
    latest_kept: Callable[[], Turn | None] | None = None
    chain_id: str = ""
    parent: Turn | None = None
    parent_id: str | None = None
    known: Sequence[Message] = ()
    not_saved: str = ""
    on_call: Callable[[CallEntry], None] | None = None
    output: Output | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    policy: ChainPolicy | None = None
    memory: MemoryJournal = field(default_factory=MemoryJournal)
    unwaited: Future[Any] | None = None
    inside: str = ""
    asked_inside: str = ""
    _row_begun: TurnBegun | None = None
    _lost: list[tuple[CallEntry, CallMoved, Future[bool] | Done[bool]]] = field(default_factory=list)

    def nest_in(self, outer: ChainLog, call_id: str, request: str, words: str) -> None:
        """Record a tool's chain with the call for which the tool runs, before the chain's first turn has begun.

        Args:
            outer: keeps the call.
            call_id: the call.
            request, words: a digest of what is asked, and the words that tell a human where a question comes from.
        """
        self.inside, self.origin, self.asked_inside = call_id, replace(outer.origin, request=request), words
        self.memory = outer.memory
        if outer.journal is None or call_id in outer.memory.entries:
            self.journal = None
        # Questions from inside a call are shown where the call is shown.
        self.on_call = lambda entry: outer.tell(seen_from_outside(entry)) if entry.request is not None else None

    def begin(self, turn: Turn) -> Noting:
        """Record that a turn is about to be sent."""
        if not self.chain_id:
            self.chain_id = turn.turn_id
        if self.journal is None or self.not_saved:
            return
        if self.parent is None and self.parent_id is None and self.latest_kept is not None:
            self.parent = self.latest_kept()
        yield from self._begin(turn.turn_id, turn.model_id, turn.prompt.said)
        turn.is_kept = not self.not_saved
        self.parent = turn

    def end(self, turn: Turn) -> Noting:
        """Record how a turn ended: complete, interrupted or failed."""
        if turn.is_kept and self.journal is not None:
            yield from self._keep(self._ending(turn))

    def end_unwaited(self, turn: Turn) -> None:
        """Record how a turn ended, for a reader that cannot wait, such as one who pressed ■. `unwaited` is for those that can."""
        if turn.is_kept and self.journal is not None:
            self.unwaited = self.journal.submit(self._ending(turn))

    def import_history(self, turn_id: str, model_id: str, history: Sequence[Message]) -> Noting:
        """Record a history that came from elsewhere and ends in calls, so that these calls have a turn that asked for them."""
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
        self.continue_from(turn_id, history[:end])

    def continue_from(self, turn_id: str, known: Sequence[Message]) -> None:
        """Let the next turn continue one that is only in the journal, with the history up to it."""
        self.parent, self.parent_id, self.known = None, turn_id, known

    def propose(
        self, turn_id: str, call: ToolCall, arguments: bytes, policy: ApprovalPolicy | None = None
    ) -> Generator[Note, Any, tuple[CallEntry, bool]]:
        """Record that a model asks for a call. Returns its entry, which also says what has already been done about it, and whether it is new.

        Args:
            arguments: what the model wrote, in canonical JSON.
            policy: when a human is asked about the call; a later process asks at least as often.
        """
        assert call.tool_call_id is not None
        operation = CallProposed(new_id(), turn_id, call.tool_call_id, call.name, arguments, datetime.now(UTC), policy)
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
        return entry, entry.call_id == operation.call_id

    def move(
        self,
        entry: CallEntry,
        to: CallState,
        *expected: CallState,
        request: ApprovalRequest | None = None,
        result: ToolResult | None = None,
        decision: Decision | None = None,
        note: str = "",
    ) -> Generator[Note, Any, bool]:
        """Move a call to another state if it is in an expected one. Returns whether it was.

        Raises:
            JournalError: the start of an approved call cannot be recorded. The call must not run.
        """
        home = self._home(entry.call_id)
        details: dict[str, Any] = {"request": request, "result": result, "decision": decision, "note": note}
        details["printed"] = self._printed(entry)
        try:
            operation = moved_call(home, entry, to, expected, **details)
            moved: bool = yield Note(home, operation)
        except JournalError as error:
            # An approved call must not run without a record of its start; any other one runs, and the record is this process's.
            if to == "started" and entry.decision is not None:
                raise
            self.not_saved = str(error)
            self.memory.adopt(entry)
            operation = moved_call(self.memory, entry, to, expected, **details)
            moved = yield Note(self.memory, operation)
        if moved:
            self._apply(entry, operation)
        return moved

    def lose(self, entry: CallEntry) -> None:
        """Record that the call was interrupted, if it runs. This does not wait, because somebody has just pressed ■."""
        home = self._home(entry.call_id)
        stopped: dict[str, Any] = {"note": "It was stopped while it ran.", "printed": self._printed(entry)}
        operation = moved_call(home, entry, "unknown", ("started",), **stopped)
        self._lost.append((entry, operation, home.submit(operation)))

    def find_lost(self) -> bool:
        """Report the state of the calls that were stopped. Returns whether one was interrupted while it ran."""
        stopped, self._lost, is_lost = self._lost, [], False
        for entry, operation, kept in stopped:
            # If the journal fails, nothing is known about the call.
            with suppress(JournalError):
                if kept.result():
                    is_lost = True
                    self._apply(entry, operation)
        return is_lost

    def call(self, call_id: str) -> CallEntry | None:
        """Return a call in its current state, whichever process moved it; None if nothing is known about it."""
        return self._home(call_id).call(call_id)

    def calls_of(self, turn_id: str) -> Iterator[CallEntry]:
        """Yield the calls of a turn in their current state, those of the journal last.

        Raises:
            JournalError: the journal cannot be read.
        """
        yield from (call for call in self.memory.calls() if call.turn_id == turn_id)
        turn = self.journal.turn(turn_id) if self.journal is not None else None
        yield from (call for call in turn.calls if call.call_id not in self.memory.entries) if turn is not None else ()

    def decide(
        self,
        decisions: Mapping[str, Decision],
        *,
        replaces: bool = True,
        by: Grant | None = None,
        gives: Grant | None = None,
    ) -> bool:
        """Record in one transaction what a human decided about calls, by their ids. Returns whether the decisions count: all of them, or none.

        Args:
            replaces: whether the decisions also count if there are others that have had no effect yet.
            by: the grant that decides instead of a human.
            gives: what the human allows for later calls too, if the decisions count.

        Raises:
            RuntimeError: a tool is deciding.
            ValueError: the calls are kept in different places, or what is allowed is.
            JournalError: the decisions cannot be kept, so they do not count.
        """
        if in_tool.get() is not None:
            raise RuntimeError("A tool cannot decide about a call: only a human can.")
        homes = [self._home(call_id) for call_id in decisions]
        if any(home is not homes[0] for home in homes):
            raise ValueError("Not all of these calls are in the journal, so decide each of them by itself.")
        if gives is not None and homes[0] is not self.journal:
            raise ValueError("This call is not in the journal, so nothing can be allowed with it: approve it once.")
        at, who, grant_id = datetime.now(UTC), self.origin.who, None if by is None else by.grant_id
        each = [Decided(call_id, decision, who, at, grant_id, replaces) for call_id, decision in decisions.items()]
        granted = None if gives is None else Granted(gives)
        counts: bool = homes[0].submit(DecidedTogether(each, granted)).result()
        for call in map(self.call, decisions) if counts and self.on_call is not None else ():
            if call is not None:
                self.tell(call)
        return counts

    def conclude(self, call_id: str) -> bool:
        """Give a call its result, which a human decided without a tool or which is suspended, without a chain that tells the model.

        Returns:
            False where the call has another state, or has a result already.

        Raises:
            JournalError: the result cannot be recorded.
        """
        home = self._home(call_id)
        call = home.call(call_id)
        if call is None or call.state not in (*SETTLED, "suspended") or call.result is not None:
            return False
        to: CallState = "cancelled" if call.state == "suspended" else call.state
        operation = moved_call(home, call, to, (call.state,), result=decided_result(call))
        concluded: bool = home.submit(operation).result()
        if concluded:
            self._apply(call, operation)
        return concluded

    def ask_anew(self, entry: CallEntry, request: ApprovalRequest) -> bool:
        """Record a new question about a waiting call. Returns whether it was still waiting."""
        home = self._home(entry.call_id)
        operation = moved_call(home, entry, entry.state, (entry.state,), request=request)
        moved: bool = home.submit(operation).result()
        if moved:
            self._apply(entry, operation)
        return moved

    def allow(self, entry: CallEntry, grant: Grant, digest: str) -> Generator[Note, Any, bool]:
        """Record that a grant approves a waiting call. Returns whether it does."""
        decision = Decision("approved", digest)
        operation = Decided(entry.call_id, decision, grant.who, datetime.now(UTC), grant.grant_id)
        counts: bool = yield Note(self._home(entry.call_id), operation)
        if counts:
            entry.state, entry.decision = "approved", decision
            entry.decided_by, entry.decided_at = operation.who, operation.at
            entry.grant_id, entry.grant_scope = grant.grant_id, grant.scope
            self.tell(entry)
        return counts

    def grant_for(self, identity: str) -> Grant | None:
        """Return the valid "always allow" that covers a tool here."""
        if self.journal is None or self.not_saved:
            return None
        try:
            in_force = self.journal.grants()
        except JournalError as error:
            self.not_saved = str(error)
            return None
        return next(
            (g for g in in_force if g.identity == identity and g.place and g.place == self.origin.reach(g.scope)), None
        )

    def take_up(self, turn: Turn) -> bool:
        """Let the chain take the place of a turn whose calls wait. Returns whether both are recorded in the same place."""
        if turn.is_kept != (self.journal is not None):
            return False
        self.chain_id, self.parent = turn.log.chain_id or turn.turn_id, turn if turn.is_kept else None
        self.memory = turn.log.memory
        return True

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that an "always allow" can have here."""
        return self.origin.scopes if self.journal is not None else ()

    def tell(self, entry: CallEntry) -> None:
        """Call `on_call` with the state of a call."""
        if self.on_call is not None:
            self.on_call(entry)

    def _begin(self, turn_id: str, model_id: str, sent: Sequence[Message]) -> Noting:
        parent_id = self.parent.turn_id if self.parent is not None else self.parent_id
        known = self.parent.messages() if self.parent is not None else list(self.known)
        is_whole = parent_id is None or list(sent[: len(known)]) != known
        # A turn inside a tool does not belong to the cell, only the call does: with `-c`, the cell continues what it said itself.
        origin = Origin(request=self.origin.request) if self.inside else self.origin
        begun = TurnBegun(
            turn_id,
            self.conversation_id or self.chain_id,
            self.chain_id,
            parent_id,
            model_id,
            list(sent if is_whole else sent[len(known) :]),
            self.settings | origin.settings(),
            origin.cell_id or None,
            origin.notebook or None,
            datetime.now(UTC),
            is_whole=is_whole,
            started_in=origin.started_in or None,
            place=origin.place,
            request=origin.request,
            inside=self.inside or None,
            rows=origin.rows or None,
        )
        # A row is recorded when it has ended, with its beginning and its end together.
        self._row_begun = begun if origin.rows else None
        if not origin.rows:
            yield from self._keep(begun)

    def _ending(self, turn: Turn) -> TurnEnded | RowAsked:
        return turn.ended() if self._row_begun is None else RowAsked(self._row_begun, turn.ended())

    def _apply(self, entry: CallEntry, operation: CallMoved) -> None:
        entry.move(operation)
        if self.on_call is not None:
            self.on_call(entry)

    def _printed(self, entry: CallEntry) -> str:
        """Return what a running call has printed, shortened; empty if nobody listens to it, and for other calls, which print nothing new."""
        return "" if self.output is None or entry.state != "started" else self.output.text_of(entry.call_id)

    def _home(self, call_id: str) -> Journal | MemoryJournal:
        """Where a call is recorded: in the journal, or in the memory of this process if the journal failed."""
        return self.memory if self.journal is None or call_id in self.memory.entries else self.journal

    def _keep(self, operation: Operation | RowAsked) -> Noting:
        assert self.journal is not None
        try:
            yield Note(self.journal, operation)
        except JournalError as error:
            self.not_saved = str(error)
