"""Tool calls as what they change in the tables: each transition by compare-and-set, and a row that says how it came about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.approvals.requests import TRANSITIONS, CallState
from llm_notebook.journal.sqlite.columns import Contents, json_column, json_of, result_column, text_column, time_column
from llm_notebook.journal.sqlite.reads import Reader, state_now
from llm_notebook.journal.sqlite.transactions import Transaction, Write

if TYPE_CHECKING:
    from llm_notebook.journal.operations import CallEntry, CallMoved, CallProposed, Decided

__all__ = ["call_moved", "call_proposed", "calls_left_by", "decided_call"]

_UNSETTLED = ("approved", "denied", "answered", "abandoned")


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

    def store(self, transaction: Transaction) -> None:
        transaction.insert("call_transitions", {name: getattr(self, name) for name in self.__dataclass_fields__})


def call_proposed(call: CallProposed) -> Write:
    """What a proposed call stores: nothing where the turn's call is on record."""
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
        reader = Reader(transaction.connection, transaction.is_held)
        known = reader.call_of(call.turn_id, call.tool_call_id)
        if known is not None:
            return known
        transaction.number_of_turn(columns["turn_id"])
        if transaction.row("SELECT 1 FROM calls WHERE call_id = ?", columns["call_id"]):
            raise ValueError(f"Another call has the id {call.call_id} already.")
        transaction.insert("calls", columns)
        _Step(columns["call_id"], None, "proposed", columns["changed_at"]).store(transaction)
        return cast("CallEntry", reader.call_of(call.turn_id, call.tool_call_id))

    return Write(store)


def call_moved(move: CallMoved) -> Write:
    """What a transition stores.

    Raises:
        ValueError: it is not in TRANSITIONS.
    """
    forbidden = [state for state in move.expected if move.to not in TRANSITIONS.get(state, ())]
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
        owner=text_column(move.owner) if move.to == "started" else None,
        note=text_column(move.note),
    )
    # What is given takes the place of what is there. An owner is there only while the call runs.
    given = {"digest": step.digest, "request": step.request, "result": result_column(move.result, contents)}
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {"state": move.to, "changed_at": step.at, "owner": step.owner}
    if move.note:
        changes["note"] = step.note
    if move.to == "waiting":
        changes |= {"decision": None, "decided_by": "", "decided_at": None, "grant_id": None}

    def store(transaction: Transaction) -> bool:
        state = _state(transaction, step.call_id, step.at)
        if state not in move.expected:
            return False
        transaction.keep(contents)
        _update(transaction, step.call_id, changes)
        replace(step, from_state=state).store(transaction)
        return True

    return Write(store, must_last=move.to in ("waiting", "started"))


def decided_call(decided: Decided) -> Write:
    """What a decision stores, if it counts."""
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
        row = transaction.row("SELECT request, result FROM calls WHERE call_id = ?", step.call_id)
        if row is None or row[0] is None or json_of(row[0])["digest"] != decision.digest:
            return False
        state = _state(transaction, step.call_id, step.at)
        is_open = state in ("waiting", "unknown")
        if not is_open and not (decided.replaces and state in _UNSETTLED and row[1] is None):
            return False
        _update(transaction, step.call_id, changes)
        replace(step, from_state=state).store(transaction)
        return True

    return Write(store, must_last=True)


def calls_left_by(owners: list[str], at: datetime) -> Write:
    """The calls that dead processes left running are `unknown` from now on."""

    def store(transaction: Transaction) -> None:
        for owner in owners:
            running = "SELECT call_id FROM calls WHERE owner = ? AND state = 'started'"
            for (call_id,) in transaction.connection.execute(running, (owner,)).fetchall():
                _settle_unknown(transaction, call_id, owner, time_column(at))

    return Write(store)


def _state(transaction: Transaction, call_id: Any, at: Any) -> CallState | None:
    """The state of a call now, None for one that is not there. That its owner has died is stored with this."""
    row = transaction.row("SELECT state, owner FROM calls WHERE call_id = ?", call_id)
    if row is None:
        return None
    state = state_now(row[0], row[1], transaction.is_held)
    if state != row[0]:
        _settle_unknown(transaction, call_id, row[1], at)
    return state


def _settle_unknown(transaction: Transaction, call_id: Any, owner: Any, at: Any) -> None:
    _update(transaction, call_id, {"state": "unknown", "owner": None, "changed_at": at})
    _Step(call_id, "started", "unknown", at, owner=owner, note="Its process ended while it ran.").store(transaction)


def _update(transaction: Transaction, call_id: Any, columns: dict[str, Any]) -> None:
    changes = ", ".join(f"{name} = ?" for name in columns)
    transaction.connection.execute(
        f"UPDATE calls SET {changes} WHERE call_id = ?",  # noqa: S608  names of our own
        (*columns.values(), call_id),
    )
