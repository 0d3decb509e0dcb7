"""Operations as what they do to the tables. Values are encoded when an operation is handed over; later changes do not reach it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, cast

from llm_notebook.approvals import TRANSITIONS, CallState
from llm_notebook.errors import JournalError
from llm_notebook.journal import search
from llm_notebook.journal.columns import (
    Contents,
    integer_column,
    json_column,
    json_of,
    messages_column,
    result_column,
    text_column,
    text_of,
    time_column,
    usage_column,
)
from llm_notebook.journal.reads import IsHeld, Reader, state_now
from llm_notebook.journals import (
    CallEntry,
    CallMoved,
    CallProposed,
    Decided,
    Granted,
    Operation,
    Revoked,
    TurnBegun,
    TurnEnded,
)

__all__ = ["Transaction", "Write", "calls_left_by", "nothing", "write_of"]

_UNSETTLED = ("approved", "denied", "answered", "abandoned")


@dataclass(slots=True, frozen=True)
class Transaction:
    """What an operation is stored with.

    Attributes:
        connection: in a transaction that may write.
        is_held: says whether the owner of a call lives.
        uses_index: there is a search index to be kept.
    """

    connection: sqlite3.Connection
    is_held: IsHeld
    uses_index: bool


@dataclass(slots=True, frozen=True)
class Write:
    """An operation that is ready to be stored.

    Attributes:
        store: returns the operation's answer.
        must_last: it is to survive the machine losing power, not just this process.
    """

    store: Callable[[Transaction], Any]
    must_last: bool = False


@dataclass(slots=True)
class _Step:
    """One row of `call_transitions`, as columns."""

    call_id: Any
    from_state: str | None
    to_state: str
    at: Any
    who: Any = ""
    grant_id: Any = None
    digest: Any = None
    request: Any = None
    decision: Any = None
    owner: Any = None
    note: Any = ""

    def store(self, connection: sqlite3.Connection) -> None:
        _insert(connection, "call_transitions", {name: getattr(self, name) for name in self.__dataclass_fields__})


def write_of(operation: Operation) -> Write:
    """What an operation stores.

    Raises:
        ValueError, TypeError: it is none that could be made: a transition that is not in TRANSITIONS, or values without a JSON form.
    """
    match operation:
        case TurnBegun():
            return _turn_begun(operation)
        case TurnEnded():
            return _turn_ended(operation)
        case CallProposed():
            return _call_proposed(operation)
        case CallMoved():
            return _call_moved(operation)
        case Decided():
            return _decided(operation)
        case Granted():
            return _granted(operation)
        case Revoked():
            return _revoked(operation)
    raise TypeError(f"A journal takes operations, not {type(operation).__name__}.")


def nothing() -> Write:
    """A write that stores nothing: when it is done, so are all that came before it."""
    return Write(lambda _: None)


def calls_left_by(owners: list[str], at: datetime) -> Write:
    """The calls that dead processes left running are `unknown` from now on."""

    def store(transaction: Transaction) -> None:
        connection = transaction.connection
        for owner in owners:
            rows = connection.execute(
                "SELECT call_id FROM calls WHERE owner = ? AND state = 'started'", (owner,)
            ).fetchall()
            for (call_id,) in rows:
                _settle_unknown(connection, call_id, owner, time_column(at))

    return Write(store)


def _turn_begun(turn: TurnBegun) -> Write:
    if turn.parent_id == turn.turn_id:
        raise ValueError(f"Turn {turn.turn_id} cannot continue itself.")
    contents = Contents()
    columns = {
        "turn_id": text_column(turn.turn_id),
        "conversation_id": text_column(turn.conversation_id),
        "chain_id": text_column(turn.chain_id),
        "parent_id": text_column(turn.parent_id),
        "model_id": text_column(turn.model_id),
        "messages": messages_column(turn.messages, contents),
        "is_whole": int(turn.is_whole),
        "settings": json_column(turn.settings),
        "cell_id": text_column(turn.cell_id),
        "notebook": text_column(turn.notebook),
        "began_at": time_column(turn.at),
    }
    prompt = search.prompt_text(turn.messages, turn.settings)

    def store(transaction: Transaction) -> None:
        connection = transaction.connection
        if _number_of(connection, columns["turn_id"]) is not None:
            raise ValueError(f"Turn {turn.turn_id} has begun already.")
        _keep(connection, contents)
        number = _insert(connection, "turns", columns)
        search.index_prompt(connection, number, prompt, uses_index=transaction.uses_index)

    return Write(store)


def _turn_ended(turn: TurnEnded) -> Write:
    if turn.status == "streaming":
        raise ValueError("A turn that has ended is not streaming.")
    contents = Contents()
    turn_id = text_column(turn.turn_id)
    columns = {
        "status": turn.status,
        "output": messages_column(turn.messages, contents),
        "usage": usage_column(turn.usage),
        "duration_ms": integer_column(turn.duration_ms),
        "resolved_model": text_column(turn.resolved_model),
        "error": text_column(turn.error),
    }
    answer = search.answer_text(turn.messages)

    def store(transaction: Transaction) -> None:
        connection = transaction.connection
        number = _known_number(connection, turn_id)
        if connection.execute("SELECT 1 FROM turn_endings WHERE number = ?", (number,)).fetchone():
            raise ValueError(f"Turn {turn.turn_id} has ended already.")
        _keep(connection, contents)
        _insert(connection, "turn_endings", {"number": number, **columns})
        search.index_answer(connection, number, answer, uses_index=transaction.uses_index)

    return Write(store, must_last=True)


def _call_proposed(call: CallProposed) -> Write:
    columns = {
        "call_id": text_column(call.call_id),
        "turn_id": text_column(call.turn_id),
        "tool_call_id": text_column(call.tool_call_id),
        "tool_name": text_column(call.tool_name),
        "arguments": bytes(call.arguments),
        "state": "proposed",
        "changed_at": time_column(call.at),
    }

    def store(transaction: Transaction) -> CallEntry:
        connection = transaction.connection
        reader = Reader(connection, transaction.is_held)
        known = reader.call_of(call.turn_id, call.tool_call_id)
        if known is not None:
            return known
        _known_number(connection, columns["turn_id"])
        if connection.execute("SELECT 1 FROM calls WHERE call_id = ?", (columns["call_id"],)).fetchone():
            raise ValueError(f"Another call has the id {call.call_id} already.")
        _insert(connection, "calls", columns)
        _Step(columns["call_id"], None, "proposed", columns["changed_at"]).store(connection)
        return cast("CallEntry", reader.call_of(call.turn_id, call.tool_call_id))

    return Write(store)


def _call_moved(move: CallMoved) -> Write:
    forbidden = [state for state in move.expected if move.to not in TRANSITIONS[state]]
    if forbidden or not move.expected:
        raise ValueError(f"A call does not go from {' or '.join(forbidden) or 'no state'} to {move.to}.")
    if move.to == "started" and move.owner is None:
        raise ValueError("A call that is started names its owner, or nobody could tell whether it still runs.")
    contents = Contents()
    step = _Step(
        text_column(move.call_id),
        None,
        move.to,
        time_column(move.at),
        digest=text_column(move.digest),
        request=None if move.request is None else json_column(move.request.to_dict()),
        owner=text_column(move.owner),
        note=text_column(move.note),
    )
    # What is given takes the place of what is there. An owner is there only while the call runs.
    given = {"digest": step.digest, "request": step.request, "result": result_column(move.result, contents)}
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {"state": move.to, "changed_at": step.at, "owner": step.owner} | (
        {"note": step.note} if move.note else {}
    )
    if move.to == "waiting":
        changes |= {"decision": None, "decided_by": "", "decided_at": None, "grant_id": None}

    def store(transaction: Transaction) -> bool:
        connection = transaction.connection
        state = _state(transaction, step.call_id, step.at)
        if state not in move.expected:
            return False
        _keep(connection, contents)
        _update(connection, step.call_id, changes)
        replace(step, from_state=state).store(connection)
        return True

    return Write(store, must_last=move.to in ("waiting", "started"))


def _decided(decided: Decided) -> Write:
    decision = decided.decision
    step = _Step(
        text_column(decided.call_id),
        None,
        decision.verdict,
        time_column(decided.at),
        who=text_column(decided.who),
        grant_id=text_column(decided.grant_id),
        digest=text_column(decision.digest),
        decision=json_column(decision.to_dict()),
    )
    changes = {
        "state": decision.verdict,
        "decision": step.decision,
        "decided_by": step.who,
        "decided_at": step.at,
        "grant_id": step.grant_id,
        "owner": None,
        "changed_at": step.at,
    }

    def store(transaction: Transaction) -> bool:
        connection = transaction.connection
        row = connection.execute("SELECT request, result FROM calls WHERE call_id = ?", (step.call_id,)).fetchone()
        if row is None or row[0] is None or _digest_of(row[0]) != decision.digest:
            return False
        state = _state(transaction, step.call_id, step.at)
        is_open = state in ("waiting", "unknown")
        if not is_open and not (decided.replaces and state in _UNSETTLED and row[1] is None):
            return False
        _update(connection, step.call_id, changes)
        replace(step, from_state=state).store(connection)
        return True

    return Write(store, must_last=True)


def _granted(granted: Granted) -> Write:
    grant = granted.grant
    columns = {
        "grant_id": text_column(grant.grant_id),
        "tool_name": text_column(grant.tool_name),
        "identity": text_column(grant.identity),
        "scope": text_column(grant.scope),
        "place": text_column(grant.place),
        "granted_by": text_column(grant.who),
        "granted_at": time_column(grant.at),
        "revoked_at": time_column(grant.revoked_at),
    }

    def store(transaction: Transaction) -> None:
        connection = transaction.connection
        if connection.execute("SELECT 1 FROM grants WHERE grant_id = ?", (columns["grant_id"],)).fetchone():
            raise ValueError(f"Grant {grant.grant_id} is in the journal already.")
        _insert(connection, "grants", columns)

    return Write(store, must_last=True)


def _revoked(revoked: Revoked) -> Write:
    values = (text_column(revoked.who), time_column(revoked.at), text_column(revoked.grant_id))

    def store(transaction: Transaction) -> bool:
        done = transaction.connection.execute(
            "UPDATE grants SET revoked_by = ?, revoked_at = ? WHERE grant_id = ? AND revoked_at IS NULL", values
        )
        return done.rowcount == 1

    return Write(store, must_last=True)


def _state(transaction: Transaction, call_id: Any, at: Any) -> CallState | None:
    """The state of a call now, None for one that is not there. That its owner has died is stored with this."""
    connection = transaction.connection
    row = connection.execute("SELECT state, owner FROM calls WHERE call_id = ?", (call_id,)).fetchone()
    if row is None:
        return None
    state = state_now(row[0], row[1], transaction.is_held)
    if state != row[0]:
        _settle_unknown(connection, call_id, row[1], at)
    return state


def _settle_unknown(connection: sqlite3.Connection, call_id: Any, owner: Any, at: Any) -> None:
    _update(connection, call_id, {"state": "unknown", "owner": None, "changed_at": at})
    _Step(call_id, "started", "unknown", at, owner=owner, note="Its process ended while it ran.").store(connection)


def _digest_of(request: str) -> Any:
    return json_of(request)["digest"]


def _number_of(connection: sqlite3.Connection, turn_id: Any) -> int | None:
    row = connection.execute("SELECT number FROM turns WHERE turn_id = ?", (turn_id,)).fetchone()
    return None if row is None else int(row[0])


def _known_number(connection: sqlite3.Connection, turn_id: Any) -> int:
    number = _number_of(connection, turn_id)
    if number is None:
        raise JournalError(f"Turn {text_of(turn_id)} is not in the journal: its beginning was not saved.")
    return number


def _keep(connection: sqlite3.Connection, contents: Contents) -> None:
    connection.executemany("INSERT OR IGNORE INTO attachments VALUES (?, ?)", contents.by_hash.items())


def _insert(connection: sqlite3.Connection, table: str, columns: dict[str, Any]) -> int:
    marks = ", ".join("?" * len(columns))
    done = connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608  names of our own
        tuple(columns.values()),
    )
    return cast("int", done.lastrowid)


def _update(connection: sqlite3.Connection, call_id: Any, columns: dict[str, Any]) -> None:
    changes = ", ".join(f"{name} = ?" for name in columns)
    connection.execute(
        f"UPDATE calls SET {changes} WHERE call_id = ?",  # noqa: S608  names of our own
        (*columns.values(), call_id),
    )
