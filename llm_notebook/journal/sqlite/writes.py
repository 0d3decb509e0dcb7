"""Operations as writes to the tables.

Values are encoded when an operation is handed over, so that later changes to its messages or arguments are not recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from llm_notebook.journal.grants import renamed_cell_place
from llm_notebook.journal.operations import (
    CallMoved,
    CallProposed,
    Decided,
    DecidedTogether,
    Granted,
    NotebookRenamed,
    Revoked,
    TurnBegun,
    TurnEnded,
)
from llm_notebook.journal.sqlite.call_writes import call_moved, call_proposed, calls_decided
from llm_notebook.journal.sqlite.columns import text_column, text_of, time_column
from llm_notebook.journal.sqlite.transactions import Transaction, Write
from llm_notebook.journal.sqlite.turn_writes import turn_begun, turn_ended

if TYPE_CHECKING:
    from llm_notebook.journal.operations import AnsweredWith

__all__ = ["empty_write", "write_for"]

A = TypeVar("A")


def write_for(operation: AnsweredWith[A], owner: str | None = None) -> Write[A]:
    """Return the write that records an operation.

    Args:
        operation: the operation.
        owner: the lock of this process, for a turn that begins; None if there is none.

    Raises:
        ValueError: the operation cannot be recorded, such as a transition that is not in TRANSITIONS.
        TypeError: the operation has values that cannot be written as JSON, or is no operation.
    """
    return cast("Write[A]", _write_for(operation, owner))


def _write_for(operation: AnsweredWith[object], owner: str | None) -> Write[object]:
    match operation:
        case TurnBegun():
            return turn_begun(operation, owner)
        case TurnEnded():
            return turn_ended(operation)
        case CallProposed():
            return call_proposed(operation)
        case CallMoved():
            return call_moved(operation)
        case Decided() | DecidedTogether():
            return calls_decided([operation] if isinstance(operation, Decided) else operation.decisions)
        case Granted():
            return _grant_given(operation)
        case Revoked():
            return _grant_revoked(operation)
        case NotebookRenamed():
            return _notebook_renamed(operation)
    raise TypeError(f"A journal takes operations, not {type(operation).__name__}.")


def empty_write() -> Write[None]:
    """Return a write that stores nothing. When it is done, so are all writes that were submitted before it."""
    return Write(lambda _: None)


def _grant_given(granted: Granted) -> Write[None]:
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
        "notebook": text_column(grant.notebook or None),
        "owner": text_column(grant.owner or None),
    }

    def store(transaction: Transaction) -> None:
        if transaction.row("SELECT 1 FROM grants WHERE grant_id = ?", columns["grant_id"]):
            raise ValueError(f"Grant {grant.grant_id} is in the journal already.")
        transaction.insert("grants", columns)

    return Write(store, must_last=True)


def _grant_revoked(revoked: Revoked) -> Write[bool]:
    values = (text_column(revoked.who), time_column(revoked.at), text_column(revoked.grant_id))

    def store(transaction: Transaction) -> bool:
        done = transaction.connection.execute(
            "UPDATE grants SET revoked_by = ?, revoked_at = ? WHERE grant_id = ? AND revoked_at IS NULL", values
        )
        return done.rowcount == 1

    return Write(store, must_last=True)


def _notebook_renamed(renamed: NotebookRenamed) -> Write[None]:
    before, after = text_column(renamed.before), text_column(renamed.after)

    def store(transaction: Transaction) -> None:
        run = transaction.connection.execute
        run("UPDATE turns SET notebook = ? WHERE notebook = ?", (after, before))
        run("UPDATE grants SET notebook = ? WHERE notebook = ?", (after, before))
        run("UPDATE grants SET place = ? WHERE scope = 'notebook' AND place = ?", (after, before))
        of_cells = "SELECT number, place FROM grants WHERE scope = 'cell' AND revoked_at IS NULL"
        for number, place in run(of_cells).fetchall():
            moved = renamed_cell_place(text_of(place), renamed.before, renamed.after)
            run("UPDATE grants SET place = ? WHERE number = ?", (text_column(moved), number))

    return Write(store, must_last=True)
