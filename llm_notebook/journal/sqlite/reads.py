"""Reading a journal: queries, and rows as the entries of the protocol."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar, cast

from llm_notebook.approvals.policy import ApprovalPolicy
from llm_notebook.approvals.requests import ApprovalRequest, Decision
from llm_notebook.errors import JournalError
from llm_notebook.journal.grants import Grant
from llm_notebook.journal.operations import CallEntry, TurnBegun, TurnEntry, is_open
from llm_notebook.journal.sqlite import search
from llm_notebook.journal.sqlite.columns import (
    UNREADABLE,
    json_of,
    messages_of,
    result_of,
    runs_of,
    text_column,
    text_of,
    time_column,
    time_of,
    value_of,
)
from llm_notebook.journal.sqlite.failures import UnreadableValue
from llm_notebook.journal.sqlite.rows_reads import read_rows, read_runs
from llm_notebook.journal.sqlite.schema import OPEN_CALLS
from llm_notebook.journal.uses import TurnUse
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import Message, ToolCallPart, Usage

if TYPE_CHECKING:
    from datetime import datetime

    from llm_notebook.approvals.requests import CallState
    from llm_notebook.journal.grants import Scope
    from llm_notebook.journal.runs import RowEntry, RowsEntry
    from llm_notebook.journal.sqlite.columns import Column, Row

__all__ = ["PROCESS_ENDED", "Reader", "state_now"]

PROCESS_ENDED = "Its process ended while it ran."
"""The note of a call that was running when its process died."""

T = TypeVar("T")
IsHeld = Callable[[str | None], bool]
"""Says whether the process whose lock has this name is alive."""

_TURNS = """
SELECT turns.number, turn_id, conversation_id, chain_id, parent_id, model_id, messages, is_whole, settings, cell_id, notebook,
    began_at, started_in, place, request, inside, rows, turns.owner, status, output, usage, duration_ms, resolved_model, error,
    finish_reason, finish_said
FROM turns LEFT JOIN turn_endings USING (number)
"""
_USES = """
SELECT began_at, model_id, coalesce(notebook, started_in), usage, duration_ms
FROM turns JOIN turn_endings USING (number) WHERE began_at >= ? ORDER BY turns.number
"""
_CALLS = """
SELECT call_id, turn_id, tool_call_id, calls.tool_name, state, arguments, request, decision, decided_by, decided_at,
    calls.grant_id, scope, result, printed, note, changed_at, calls.owner, policy,
    (SELECT group_concat(step, ' ') FROM (
        SELECT to_state || '=' || at || '=' || (note = '') AS step FROM call_transitions
        WHERE call_transitions.call_id = calls.call_id AND 'started' IN (from_state, to_state) ORDER BY number
    ))
FROM calls LEFT JOIN grants USING (grant_id)
"""
# The turns from a turn back to the beginning of its conversation, oldest first: a turn's number is larger than its parent's. UNION
# drops repeated rows, so that the recursion ends even if a damaged file has turns that continue each other in a circle.
_LINE = """
WITH RECURSIVE line (number, parent_id, is_whole) AS (
    SELECT number, parent_id, is_whole FROM turns WHERE turn_id = ?
    UNION
    SELECT turns.number, turns.parent_id, turns.is_whole
    FROM line JOIN turns ON turns.turn_id = line.parent_id WHERE NOT line.is_whole
)
SELECT messages, output, line.parent_id, line.is_whole
FROM line JOIN turns USING (number) LEFT JOIN turn_endings USING (number) ORDER BY line.number
"""
# Every SQLite accepts this many parameters in one statement.
_MOST_AT_ONCE = 500


class Reader:
    """A reader on one connection, which sees one state of the journal.

    Args:
        connection: a connection in a transaction.
        is_held: a function that tells whether the owner of a started call is still alive.
        uses_index: the file has a search index.
    """

    def __init__(self, connection: sqlite3.Connection, is_held: IsHeld, uses_index: bool = False) -> None:
        self._connection = connection
        self._is_held = is_held
        self._uses_index = uses_index
        self._contents: dict[str, bytes] = {}

    def call(self, call_id: str) -> CallEntry | None:
        """Return the call with this id, or the only one whose id contains it."""
        found = self._find_id("SELECT DISTINCT call_id FROM calls WHERE {}", "call_id", call_id)
        calls = self._calls("WHERE call_id = ?", (found,))
        return calls[0] if calls else None

    def call_of(self, turn_id: str, tool_call_id: str) -> CallEntry | None:
        """Return the call of a turn with this id of the provider."""
        key = (text_column(turn_id), text_column(tool_call_id))
        calls = self._calls("WHERE turn_id = ? AND tool_call_id = ?", key)
        return calls[0] if calls else None

    def waiting(self) -> list[CallEntry]:
        """Return the calls that need a human or a resumed chain, oldest first."""
        calls = self._calls(f"WHERE {OPEN_CALLS} ORDER BY calls.number", ())
        # Calls that are still `started` here are running in a process that is alive.
        return [call for call in calls if call.state != "started"]

    def turn(self, turn_id: str) -> TurnEntry | None:
        """Return the turn with this id, or the only one whose id contains it."""
        found = self._find_id("SELECT DISTINCT turn_id FROM turns WHERE {}", "turn_id", turn_id)
        turns = self._turns("WHERE turn_id = ?", (found,))
        return turns[0] if turns else None

    def chain(self, chain_id: str) -> list[TurnEntry]:
        """Return the turns of a chain, oldest first."""
        return self._turns("WHERE chain_id = ? ORDER BY turns.number", (text_column(chain_id),))

    def conversation(self, conversation_id: str) -> list[TurnEntry]:
        """Return the turns of the conversation with this id, or of the only one whose id contains it, oldest first."""
        found = self._find_id("SELECT DISTINCT conversation_id FROM turns WHERE {}", "conversation_id", conversation_id)
        return self._turns("WHERE conversation_id = ? ORDER BY turns.number", (found,))

    def has_gone_on(self, conversation_id: str, turn_id: str, chain_id: str) -> bool:
        """Return whether a complete turn of another chain continues a turn of a conversation."""
        following = """
            SELECT 1 FROM turns JOIN turn_endings USING (number)
            WHERE conversation_id = ? AND parent_id = ? AND chain_id != ? AND status = 'complete' LIMIT 1
        """
        ids = tuple(map(text_column, (conversation_id, turn_id, chain_id)))
        return self._connection.execute(following, ids).fetchone() is not None

    def history(self, query: str, limit: int, *, rows: bool) -> list[TurnEntry]:
        """Return the latest turns, newest first, with or without those of rows; with a query, all turns that contain all its words."""
        limit = max(0, limit)
        if not query.strip():
            return self._turns(f"{'' if rows else 'WHERE rows IS NULL '}ORDER BY turns.number DESC LIMIT ?", (limit,))
        turns: list[TurnEntry] = []
        numbers = search.find_turns(self._connection, query, uses_index=self._uses_index)[:limit]
        for chunk in _chunks(numbers):
            turns += self._turns(f"WHERE turns.number IN ({_marks(chunk)}) ORDER BY turns.number DESC", chunk)
        return turns

    def uses(self, since: datetime | None) -> list[TurnUse]:
        """Return what each turn used that began at a time or later, oldest first."""
        rows = self._connection.execute(_USES, (time_column(since) or "",)).fetchall()
        try:
            return [
                TurnUse(
                    time_of(at),
                    text_of(model_id),
                    text_of(notebook) or "",
                    value_of(Usage, usage),
                    None if duration_ms is None else int(duration_ms),
                )
                for at, model_id, notebook, usage, duration_ms in rows
            ]
        except UNREADABLE as error:
            raise UnreadableValue(str(error)) from error

    def messages(self, turn_id: str) -> list[Message]:
        """Return the history up to and including the answer of a turn.

        Raises:
            JournalError: the turn, or one that it continues, is not in the journal.
        """
        rows = self._connection.execute(_LINE, (text_column(turn_id),)).fetchall()
        if not rows:
            raise JournalError(f"The journal has no turn {turn_id}.")
        _, _, parent_id, is_whole = rows[0]
        if parent_id is not None and not is_whole:
            raise JournalError(
                f"The history of turn {turn_id} is not whole: turn {text_of(parent_id)}, which it continues, was not saved. "
                "Ask anew."
            )
        messages: list[Message] = []
        for asked, answered, *_ in rows:
            messages += messages_of(asked, self._content)
            messages += messages_of(answered or "[]", self._content)
        return messages

    def latest_turn(
        self, cell_id: str | None, notebook: str | None, started_in: str | None, place: int | None
    ) -> TurnEntry | None:
        """Return the latest turn that has all the given attributes."""
        named = {"cell_id": cell_id, "notebook": notebook, "started_in": started_in}
        wanted: dict[str, Column] = {column: text_column(value) for column, value in named.items() if value is not None}
        if place is not None:
            wanted["place"] = place
        condition = " AND ".join(f"{column} = ?" for column in wanted) or "1"
        turns = self._turns(f"WHERE {condition} ORDER BY turns.number DESC LIMIT 1", tuple(wanted.values()))
        return turns[0] if turns else None

    def open_turns(self, cell_id: str) -> list[TurnEntry]:
        """Return the turns with calls that need a human or a resumed chain, in all cells with this id, oldest first."""
        states = f"{OPEN_CALLS} OR state = 'suspended'"
        has_one = f"EXISTS (SELECT 1 FROM calls WHERE calls.turn_id = turns.turn_id AND ({states}))"
        turns = self._turns(f"WHERE cell_id = ? AND {has_one} ORDER BY turns.number", (text_column(cell_id),))
        # Calls that are still `started` here are running in a process that is alive.
        return [turn for turn in turns if any(is_open(call) for call in turn.calls)]

    def turns_inside(self, call_id: str) -> list[TurnEntry]:
        """Return the turns that the tool of a call asked, oldest first."""
        return self._turns("WHERE inside = ? ORDER BY turns.number", (text_column(call_id),))

    def rows(self, requests: Sequence[str], rows_id: str) -> dict[str, RowEntry]:
        """Return how rows were answered, by the digests of what they were sent."""
        return read_rows(self._connection, requests, rows_id, self._content)

    def runs(self, limit: int) -> list[RowsEntry]:
        """Return the latest runs over rows, newest first."""
        return read_runs(self._connection, limit, self._is_held)

    def grants(self) -> list[Grant]:
        """Return the grants in force, oldest first. Grants of a process that has ended are not in force."""
        rows = self._connection.execute(
            "SELECT grant_id, tool_name, identity, scope, place, granted_by, granted_at, notebook, owner FROM grants "
            "WHERE revoked_at IS NULL ORDER BY number"
        ).fetchall()
        if not rows:
            return []
        try:
            grants = [_grant_from(row) for row in rows]
        except UNREADABLE as error:
            raise UnreadableValue(str(error)) from error
        return [grant for grant in grants if not grant.owner or self._is_held(grant.owner)]

    def _find_id(self, select: str, column: str, part: str) -> str | bytes | None:
        """Return the id that equals `part`, or else the only id that contains it in any case; None if there is no such id."""
        stored = text_column(part)
        if self._connection.execute(select.format(f"{column} = ?"), (stored,)).fetchone():
            return stored
        if not part:
            return None
        found = self._connection.execute(
            select.format(f"instr(lower({column}), lower(?)) > 0") + " LIMIT 2", (stored,)
        ).fetchall()
        return cast("str | bytes", found[0][0]) if len(found) == 1 else None

    def _turns(self, condition: str, parameters: Sequence[Column]) -> list[TurnEntry]:
        rows = self._connection.execute(_TURNS + condition, parameters).fetchall()
        if not rows:
            return []
        try:
            turns = [self._turn_from(row) for row in rows]
        except UNREADABLE as error:
            raise UnreadableValue(str(error)) from error
        calls: dict[str, list[CallEntry]] = {}
        for chunk in _chunks([row[1] for row in rows]):
            for call in self._calls(f"WHERE turn_id IN ({_marks(chunk)}) ORDER BY calls.number", chunk):
                calls.setdefault(call.turn_id, []).append(call)
        for turn in turns:
            turn.calls = _in_order(calls.get(turn.begun.turn_id, []), turn.output)
        return turns

    def _turn_from(self, row: Row) -> TurnEntry:
        _, turn_id, conversation_id, chain_id, parent_id, model_id = row[:6]
        messages, is_whole, settings, cell_id, notebook, began_at = row[6:12]
        started_in, place, request, inside, rows, owner = row[12:18]
        status, output, usage, duration_ms, resolved_model, error = row[18:24]
        finish_reason, finish_said = row[24:]
        begun = TurnBegun(
            turn_id=text_of(turn_id),
            conversation_id=text_of(conversation_id),
            chain_id=text_of(chain_id),
            parent_id=text_of(parent_id),
            model_id=text_of(model_id),
            messages=messages_of(messages, self._content),
            settings=json_of(settings),
            cell_id=text_of(cell_id),
            notebook=text_of(notebook),
            at=time_of(began_at),
            is_whole=bool(is_whole),
            started_in=text_of(started_in),
            place=place,
            request=text_of(request),
            inside=text_of(inside),
            rows=text_of(rows),
        )
        if status is None:
            is_cut_off = owner is not None and not self._is_held(owner)
            return TurnEntry(begun, "interrupted" if is_cut_off else "streaming", is_cut_off=is_cut_off)
        return TurnEntry(
            begun,
            status,
            messages_of(output, self._content),
            value_of(Usage, usage),
            None if duration_ms is None else int(duration_ms),
            text_of(resolved_model),
            text_of(error) or "",
            finish=None if finish_reason is None else Finish(finish_reason, text_of(finish_said)),
        )

    def _calls(self, condition: str, parameters: Sequence[Column]) -> list[CallEntry]:
        rows = self._connection.execute(_CALLS + condition, parameters).fetchall()
        if not rows:
            return []
        try:
            return [self._call_from(row) for row in rows]
        except UNREADABLE as error:
            raise UnreadableValue(str(error)) from error

    def _call_from(self, row: Row) -> CallEntry:
        call_id, turn_id, tool_call_id, tool_name = row[:4]
        state, arguments, request, decision, decided_by, decided_at, grant_id, scope = row[4:12]
        result, printed, note, changed_at, owner, policy, steps = row[12:]
        now = state_now(state, owner, self._is_held)
        return CallEntry(
            call_id=text_of(call_id),
            turn_id=text_of(turn_id),
            tool_call_id=text_of(tool_call_id),
            tool_name=text_of(tool_name),
            state=now,
            arguments=arguments,
            request=value_of(ApprovalRequest, request),
            decision=value_of(Decision, decision),
            decided_by=text_of(decided_by) or "",
            decided_at=time_of(decided_at),
            grant_id=text_of(grant_id) or "",
            grant_scope=scope or "",
            result=result_of(result, self._content),
            note=PROCESS_ENDED if now != state else text_of(note) or "",
            changed_at=time_of(changed_at),
            printed=text_of(printed) or "",
            runs=runs_of(text_of(steps) or ""),
            policy=None if policy is None else ApprovalPolicy.from_dict(json_of(policy)),
        )

    def _content(self, sha256: str) -> bytes:
        if sha256 not in self._contents:
            row = self._connection.execute("SELECT content FROM attachments WHERE sha256 = ?", (sha256,)).fetchone()
            if row is None:
                raise JournalError(f"The journal has lost the attachment {sha256}.")
            self._contents[sha256] = row[0]
        return self._contents[sha256]


def state_now(state: CallState, owner: str | None, is_held: IsHeld) -> CallState:
    """Return the state of a call: `unknown` if it is stored as `started` and the process that started it has died."""
    return "unknown" if state == "started" and not is_held(owner) else state


def _grant_from(row: Row) -> Grant:
    grant_id, tool_name, identity, scope, place, who, granted_at, notebook, owner = row
    return Grant(
        text_of(grant_id),
        text_of(tool_name),
        text_of(identity),
        cast("Scope", text_of(scope)),
        text_of(place),
        text_of(who),
        time_of(granted_at),
        notebook=text_of(notebook) or "",
        owner=text_of(owner) or "",
    )


def _in_order(calls: list[CallEntry], output: list[Message]) -> list[CallEntry]:
    """Sort calls in the order of the answer that requested them. Calls that the answer does not have come last."""
    asked = [part.tool_call_id for message in output for part in message.parts if isinstance(part, ToolCallPart)]
    places = {tool_call_id: place for place, tool_call_id in reversed(list(enumerate(asked)))}
    return sorted(calls, key=lambda call: places.get(call.tool_call_id, len(places)))


def _chunks(values: list[T]) -> Iterator[list[T]]:
    for start in range(0, len(values), _MOST_AT_ONCE):
        yield values[start : start + _MOST_AT_ONCE]


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
