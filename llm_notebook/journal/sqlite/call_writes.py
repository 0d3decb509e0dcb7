"""Tool calls as changes to the tables: each transition is a compare-and-set and leaves a row in `call_transitions`.

How it works. Two browser tabs, two kernels or two clicks may try to decide about the same call, and it must still run only once. So no
transition is written blindly. A function here encodes an operation into columns at once, in the thread that submits it, and returns a
`Write` whose `store()` runs later in the writer's transaction. `store()` first reads the call's present state and then writes only if
the operation expects that state; its answer says whether it did. Nothing can change in between, because the transaction has taken
SQLite's lock for writing (`BEGIN IMMEDIATE`), which excludes the writers of all other processes.

Every transition touches two tables. `calls` has the present state of each call, which is what readers want. `call_transitions` gets
one more row, which is never changed: who moved the call from which state to which, when, and for which digest.

One transition is special: a process that dies cannot record that the outcome of its calls is `unknown`. Readers therefore work it out
(`state_now()`: the call is `started` and the lock of its owner is free), and the first writer to touch such a call records it before
its own transition, so that the rows of `call_transitions` never have a gap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, cast

from llm_notebook.approvals.requests import ASKED, DECIDED, TRANSITIONS, CallState, Decision
from llm_notebook.journal.sqlite.columns import (
    Column,
    Contents,
    json_column,
    json_of,
    result_column,
    text_column,
    time_column,
    value_of,
)
from llm_notebook.journal.sqlite.grant_writes import grant_given
from llm_notebook.journal.sqlite.reads import PROCESS_ENDED, Reader, state_now
from llm_notebook.journal.sqlite.transactions import Transaction, Write

if TYPE_CHECKING:
    from llm_notebook.journal.operations import CallEntry, CallMoved, CallProposed, Decided, DecidedTogether

__all__ = ["call_moved", "call_proposed", "calls_decided", "calls_left_by"]


@dataclass(slots=True)
class _Step:
    """One row of `call_transitions`, as columns."""

    call_id: Column
    from_state: str | None
    to_state: str
    at: Column
    who: Column = ""
    grant_id: Column = None
    digest: Column = None
    request: Column = None
    decision: Column = None
    owner: Column = None
    note: Column = ""

    def store(self, transaction: Transaction) -> None:
        transaction.insert("call_transitions", {name: getattr(self, name) for name in self.__dataclass_fields__})


def call_proposed(call: CallProposed) -> Write[CallEntry]:
    """Return the write that records a proposed call. It changes nothing if the turn's call is already recorded."""
    policy = None if call.policy is None else call.policy.to_dict()
    turn_id = text_column(call.turn_id)
    columns: dict[str, Column] = {
        "call_id": text_column(call.call_id),
        "turn_id": turn_id,
        "tool_call_id": text_column(call.tool_call_id),
        "tool_name": text_column(call.tool_name),
        "arguments": bytes(call.arguments),
        "state": "proposed",
        "changed_at": time_column(call.at),
        "policy": None if policy is None else json_column(policy),
    }

    def store(transaction: Transaction) -> CallEntry:
        reader = Reader(transaction.connection, transaction.is_held)
        known = reader.call_of(call.turn_id, call.tool_call_id)
        if known is not None:
            return known
        transaction.number_of_turn(turn_id)
        if transaction.row("SELECT 1 FROM calls WHERE call_id = ?", columns["call_id"]):
            raise ValueError(f"Another call has the id {call.call_id} already.")
        transaction.insert("calls", columns)
        _Step(columns["call_id"], None, "proposed", columns["changed_at"]).store(transaction)
        return cast("CallEntry", reader.call_of(call.turn_id, call.tool_call_id))

    return Write(store)


def call_moved(move: CallMoved) -> Write[bool]:
    """Return the write that moves a call to another state.

    Raises:
        ValueError: the transition is not in TRANSITIONS, or a call that is started has no owner.
    """
    forbidden = [state for state in move.expected if move.to not in TRANSITIONS.get(state, ())]
    if forbidden or not move.expected:
        raise ValueError(f"A call does not go from {' or '.join(forbidden) or 'no state'} to {move.to}.")
    if move.to == "started" and move.owner is None:
        raise ValueError("A call that is started names its owner, or nobody could tell whether it still runs.")
    contents = Contents()
    request = None if move.request is None else move.request.to_dict()
    step = _Step(
        text_column(move.call_id),
        None,
        move.to,
        time_column(move.at),
        digest=text_column(move.digest),
        request=None if request is None else json_column(request),
        owner=text_column(move.owner) if move.to == "started" else None,
        note=text_column(move.note),
    )
    # Values that the operation has replace the recorded ones; others stay. A call has an owner only while it runs.
    given = {
        "digest": step.digest,
        "request": step.request,
        "result": result_column(move.result, contents),
        "printed": text_column(move.printed) or None,
    }
    changes: dict[str, Column] = {"state": move.to, "changed_at": step.at, "owner": step.owner}
    for name, value in given.items():
        if value is not None:
            changes[name] = value
    if move.note:
        changes["note"] = step.note
    if move.to == "waiting":
        changes |= {"decision": None, "decided_by": "", "decided_at": None, "grant_id": None}

    def store(transaction: Transaction) -> bool:
        state = _settle_state(transaction, step.call_id, step.at)
        if state not in move.expected or not _is_decided(transaction, step.call_id, move.decision):
            return False
        transaction.keep(contents)
        _update(transaction, step.call_id, changes)
        replace(step, from_state=state).store(transaction)
        return True

    return Write(store, must_last=move.to in ("waiting", "started", "suspended"))


def _is_decided(transaction: Transaction, call_id: Column, decision: Decision | None) -> bool:
    """Return whether a decision is the recorded one; always true for None."""
    if decision is None:
        return True
    row = transaction.row("SELECT decision FROM calls WHERE call_id = ?", call_id)
    return row is not None and value_of(Decision, row[0]) == decision


def calls_decided(together: DecidedTogether) -> Write[bool]:
    """Return the write that records decisions, and what is allowed with them, if all of them count, and otherwise nothing.

    Raises:
        ValueError: two of the decisions are about one call.
    """
    decisions, granted = together.decisions, together.granted
    if len({decided.call_id for decided in decisions}) < len(decisions):
        raise ValueError("Two of these decisions are about the same call: decide about each call once.")
    steps = [(decided, _step_of(decided)) for decided in decisions]
    allowed = None if granted is None else grant_given(granted)

    def store(transaction: Transaction) -> bool:
        states = [_state_to_decide(transaction, decided, step) for decided, step in steps]
        if None in states:
            return False
        for (_, step), state in zip(steps, states, strict=True):
            changes: dict[str, Column] = {
                "state": step.to_state,
                "decision": step.decision,
                "decided_by": step.who,
                "decided_at": step.at,
                "grant_id": step.grant_id,
                "owner": None,
                "changed_at": step.at,
            }
            _update(transaction, step.call_id, changes)
            replace(step, from_state=state).store(transaction)
        if allowed is not None:
            allowed.store(transaction)
        return True

    return Write(store, must_last=True)


def _step_of(decided: Decided) -> _Step:
    decision = decided.decision
    what = decision.to_dict()
    return _Step(
        text_column(decided.call_id),
        None,
        decision.verdict,
        time_column(decided.at),
        who=text_column(decided.who),
        grant_id=text_column(decided.grant_id),
        digest=text_column(decision.digest),
        decision=json_column(what),
    )


def _state_to_decide(transaction: Transaction, decided: Decided, step: _Step) -> CallState | None:
    """Return the state of a call if a decision about it counts, otherwise None."""
    row = transaction.row("SELECT request, result FROM calls WHERE call_id = ?", step.call_id)
    request = None if row is None or row[0] is None else json_of(row[0])
    if row is None or request is None or request["digest"] != decided.decision.digest:
        return None
    state = _settle_state(transaction, step.call_id, step.at)
    if state == "unknown" and not request["outcome_unknown"]:
        # The call was interrupted after the question, and the human who decides does not know this.
        return None
    is_asked = state in ASKED
    # As long as a decision has had no effect, another one may replace it.
    counts = is_asked or (decided.replaces and state in DECIDED and row[1] is None)
    return state if counts else None


def calls_left_by(owners: list[str], at: datetime) -> Write[None]:
    """Return the write that moves the calls that dead processes left running to `unknown`."""

    def store(transaction: Transaction) -> None:
        for owner in owners:
            running = "SELECT call_id FROM calls WHERE owner = ? AND state = 'started'"
            for (call_id,) in transaction.connection.execute(running, (owner,)).fetchall():
                _record_unknown(transaction, call_id, owner, time_column(at))

    return Write(store)


def _settle_state(transaction: Transaction, call_id: Column, at: Column) -> CallState | None:
    """Return the present state of a call, or None if there is no such call.

    If the call was running in a process that has died, this records that the call is `unknown`.
    """
    row = transaction.row("SELECT state, owner FROM calls WHERE call_id = ?", call_id)
    if row is None:
        return None
    state = state_now(row[0], row[1], transaction.is_held)
    if state != row[0]:
        _record_unknown(transaction, call_id, row[1], at)
    return state


def _record_unknown(transaction: Transaction, call_id: Column, owner: Column, at: Column) -> None:
    _update(transaction, call_id, {"state": "unknown", "owner": None, "changed_at": at, "note": PROCESS_ENDED})
    _Step(call_id, "started", "unknown", at, owner=owner, note=PROCESS_ENDED).store(transaction)


def _update(transaction: Transaction, call_id: Column, columns: dict[str, Column]) -> None:
    changes = ", ".join(f"{name} = ?" for name in columns)
    transaction.connection.execute(f"UPDATE calls SET {changes} WHERE call_id = ?", (*columns.values(), call_id))
