"""Grants, and the notebooks to which grants and turns belong, as changes to the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.journal.grants import renamed_cell_place
from llm_notebook.journal.sqlite.columns import text_column, text_of, time_column
from llm_notebook.journal.sqlite.transactions import Transaction, Write

if TYPE_CHECKING:
    from llm_notebook.journal.operations import Granted, NotebookRenamed, Revoked

__all__ = ["grant_given", "grant_revoked", "notebook_renamed"]


def grant_given(granted: Granted) -> Write[None]:
    """Return the write that records a grant."""
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


def grant_revoked(revoked: Revoked) -> Write[bool]:
    """Return the write that revokes a grant, and whose answer says whether it was in force."""
    values = (text_column(revoked.who), time_column(revoked.at), text_column(revoked.grant_id))

    def store(transaction: Transaction) -> bool:
        done = transaction.connection.execute(
            "UPDATE grants SET revoked_by = ?, revoked_at = ? WHERE grant_id = ? AND revoked_at IS NULL", values
        )
        return done.rowcount == 1

    return Write(store, must_last=True)


def notebook_renamed(renamed: NotebookRenamed) -> Write[None]:
    """Return the write that lets turns and grants follow a notebook whose file was renamed."""
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
