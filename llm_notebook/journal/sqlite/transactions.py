"""A transaction of the writer, and the writes that it stores."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.columns import text_of

if TYPE_CHECKING:
    from llm_notebook.journal.sqlite.columns import Column, Contents, Row
    from llm_notebook.journal.sqlite.reads import IsHeld

__all__ = ["Transaction", "Write"]

A_co = TypeVar("A_co", covariant=True)


@dataclass(slots=True, frozen=True)
class Transaction:
    """A transaction that may write.

    Attributes:
        connection: the connection, on which the transaction has begun.
        is_held: says whether the owner of a call is alive.
        uses_index: whether there is a search index to update.
    """

    connection: sqlite3.Connection
    is_held: IsHeld
    uses_index: bool

    def row(self, select: str, *parameters: Column) -> Row | None:
        """Return the first row of a query, or None if there is none."""
        return cast("Row | None", self.connection.execute(select, parameters).fetchone())

    def insert(self, table: str, columns: Mapping[str, Column]) -> int:
        """Add a row and return its number."""
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        done = self.connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(columns.values()))
        return cast("int", done.lastrowid)

    def keep(self, contents: Contents) -> None:
        """Store the bytes of attachments that are not stored yet."""
        if contents.by_hash:
            self.connection.executemany("INSERT OR IGNORE INTO attachments VALUES (?, ?)", contents.by_hash.items())

    def number_of_turn(self, turn_id: str | bytes | None) -> int:
        """Return the number of a turn.

        Raises:
            JournalError: the turn is not in the journal.
        """
        row = self.row("SELECT number FROM turns WHERE turn_id = ?", turn_id)
        if row is None:
            raise JournalError(f"Turn {text_of(turn_id)} is not in the journal: its beginning was not saved.")
        return cast("int", row[0])


@dataclass(slots=True, frozen=True)
class Write(Generic[A_co]):
    """An operation that is encoded and ready to be stored.

    Attributes:
        store: stores the operation in a transaction and returns the operation's answer.
        must_last: whether the write has to survive a power failure of the machine, and not only the end of the process.
    """

    store: Callable[[Transaction], A_co]
    must_last: bool = False
