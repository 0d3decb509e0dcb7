"""Reading runs over rows, and how their rows were answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from llm_notebook.journal.runs import RowEntry, RowsBegun, RowsEntry
from llm_notebook.journal.sqlite.columns import UNREADABLE, messages_of, text_of, time_of, value_of
from llm_notebook.journal.sqlite.failures import UnreadableValue
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import Usage

if TYPE_CHECKING:
    from llm_notebook.journal.sqlite.columns import Column, Row
    from llm_notebook.journal.sqlite.reads import IsHeld

__all__ = ["read_rows", "read_runs"]

# Every SQLite accepts this many parameters in one statement.
_MOST_AT_ONCE = 500
# Good answers come last, and later ones after earlier ones, so that the last entry of a request is the one that counts.
_ROWS = """
SELECT request, rows, turn_id, status, output, usage, finish_reason, finish_said, failure, error, began_at
FROM turns JOIN turn_endings USING (number)
WHERE rows IS NOT NULL AND request IN ({}) AND ? IN ('', rows)
ORDER BY status = 'complete', turns.number
"""
# Runs of earlier versions have recorded no counts, so their requests are counted.
_RUNS = """
SELECT rows_id, same, model_id, prompt, count, notebook, began_at, ended_at, status, owner,
    coalesce(answered, (SELECT count(DISTINCT request) FROM turns JOIN turn_endings AS ending USING (number) WHERE rows = rows_id AND ending.status = 'complete')),
    coalesce(failed, (SELECT count(DISTINCT request) FROM turns JOIN turn_endings AS ending USING (number) WHERE rows = rows_id AND ending.status = 'failed'
        AND request NOT IN (
            SELECT request FROM turns JOIN turn_endings AS ending USING (number) WHERE rows = rows_id AND ending.status = 'complete'
        ))),
    coalesce(known, 0),
    (SELECT total(json_extract(usage, '$.input')) FROM turns JOIN turn_endings USING (number) WHERE rows = rows_id),
    (SELECT total(json_extract(usage, '$.output')) FROM turns JOIN turn_endings USING (number) WHERE rows = rows_id),
    cost
FROM runs ORDER BY number DESC LIMIT ?
"""


def read_rows(
    connection: sqlite3.Connection, requests: Sequence[str], rows_id: str, content: Callable[[str], bytes]
) -> dict[str, RowEntry]:
    """Return how rows were answered, by the digests of what they were sent.

    Args:
        connection: a connection in a transaction.
        requests: the digests.
        rows_id: count only what this run has asked; empty for all runs.
        content: returns the bytes of an attachment.
    """
    found: dict[str, RowEntry] = {}
    for start in range(0, len(requests), _MOST_AT_ONCE):
        part = list(requests[start : start + _MOST_AT_ONCE])
        parameters: list[Column] = [*part, rows_id]
        rows = connection.execute(_ROWS.format(", ".join("?" * len(part))), parameters).fetchall()
        try:
            found |= {row[0]: _row_from(row, content) for row in rows}
        except UNREADABLE as error:
            raise UnreadableValue(str(error)) from error
    return found


def read_runs(connection: sqlite3.Connection, limit: int, is_held: IsHeld) -> list[RowsEntry]:
    """Return the latest runs, newest first.

    Args:
        connection: a connection in a transaction.
        limit: the largest number of runs.
        is_held: tells whether the process that began a run is alive.
    """
    rows = connection.execute(_RUNS, (limit,)).fetchall()
    try:
        return [_run_from(row, is_held) for row in rows]
    except UNREADABLE as error:
        raise UnreadableValue(str(error)) from error


def _row_from(row: Row, content: Callable[[str], bytes]) -> RowEntry:
    request, rows_id, turn_id, status, output, usage, finish_reason, finish_said, failure, error, began_at = row
    return RowEntry(
        request,
        text_of(rows_id),
        text_of(turn_id),
        status,
        messages_of(output, content),
        value_of(Usage, usage),
        None if finish_reason is None else Finish(finish_reason, text_of(finish_said)),
        failure,
        text_of(error) or "",
        time_of(began_at),
    )


def _run_from(row: Row, is_held: IsHeld) -> RowsEntry:
    rows_id, same, model_id, prompt, count, notebook, began_at, ended_at, status, owner = row[:10]
    answered, failed, known, input_tokens, output_tokens = map(int, row[10:15])
    cost = None if row[15] is None else float(row[15])
    begun = RowsBegun(
        text_of(rows_id),
        text_of(same),
        text_of(model_id),
        text_of(prompt),
        count,
        time_of(began_at),
        text_of(notebook),
    )
    if status is None:
        status = "streaming" if is_held(owner) else "interrupted"
    return RowsEntry(begun, status, time_of(ended_at), answered, failed, known, cost, input_tokens, output_tokens)
