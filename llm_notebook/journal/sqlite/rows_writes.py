"""Runs over rows as additions to the tables. Their rows are turns."""

from __future__ import annotations

from llm_notebook.journal.runs import RowAsked, RowsBegun, RowsCounts, RowsEnded, RowsMoved
from llm_notebook.journal.sqlite.columns import Column, integer_column, text_column, time_column
from llm_notebook.journal.sqlite.transactions import Transaction, Write
from llm_notebook.journal.sqlite.turn_writes import whole_turn

__all__ = ["run_moved"]


def run_moved(operation: RowsBegun | RowAsked | RowsMoved | RowsEnded, owner: str | None) -> Write[object]:
    """Return the write that records the beginning or the end of a run, how far it has come, or one of its rows.

    Args:
        operation: the operation.
        owner: the lock of this process; None if it holds none.
    """
    if isinstance(operation, RowAsked):
        return whole_turn(operation.begun, operation.ended, owner)
    if isinstance(operation, RowsBegun):
        return _begun(operation, owner)
    columns = _counts(operation.counts)
    if isinstance(operation, RowsEnded):
        columns |= {"status": operation.status, "ended_at": time_column(operation.at)}
    return _changed(operation.rows_id, columns)


def _begun(run: RowsBegun, owner: str | None) -> Write[object]:
    columns = {
        "rows_id": text_column(run.rows_id),
        "same": text_column(run.same),
        "model_id": text_column(run.model_id),
        "prompt": text_column(run.prompt),
        "count": integer_column(run.count),
        "began_at": time_column(run.at),
        "notebook": text_column(run.notebook),
        "owner": text_column(owner),
    }

    def store(transaction: Transaction) -> str:
        running = transaction.connection.execute(
            "SELECT rows_id, owner FROM runs WHERE same = ? AND status IS NULL", (columns["same"],)
        )
        for rows_id, other in running.fetchall():
            if other != owner and transaction.is_held(other):
                return str(rows_id)
        transaction.insert("runs", columns)
        return ""

    return Write(store)


def _counts(counts: RowsCounts) -> dict[str, Column]:
    return {"answered": counts.answered, "failed": counts.failed, "known": counts.known, "cost": counts.cost}


def _changed(rows_id: str, columns: dict[str, Column]) -> Write[object]:
    sets = ", ".join(f"{name} = ?" for name in columns)
    values = (*columns.values(), text_column(rows_id))

    def store(transaction: Transaction) -> None:
        transaction.connection.execute(f"UPDATE runs SET {sets} WHERE rows_id = ?", values).close()

    return Write(store)
