"""A transaction of the writer, and the writes that it stores."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.columns import text_of
from llm_notebook.journal.sqlite.search import index_texts

if TYPE_CHECKING:
    from llm_notebook.journal.sqlite.columns import Column, Contents, Row
    from llm_notebook.journal.sqlite.reads import IsHeld

__all__ = ["Transaction", "Write", "is_taken"]

A_co = TypeVar("A_co", covariant=True)


@dataclass(slots=True, frozen=True)
class Transaction:
    """A transaction that may write.

    Each statement lets other threads run and then waits until it may go on, which costs more than the statement does while an event loop is
    busy. So a write takes as few as it can, and the words of all turns are added to the search index together.

    Attributes:
        connection: the connection, on which the transaction has begun.
        is_held: says whether the owner of a call is alive.
        uses_index: whether there is a search index to update.
    """

    connection: sqlite3.Connection
    is_held: IsHeld
    uses_index: bool
    _texts: list[tuple[int, str]] = field(default_factory=list)

    def row(self, select: str, *parameters: Column) -> Row | None:
        """Return the first row of a query, or None if there is none."""
        return cast("Row | None", self.connection.execute(select, parameters).fetchone())

    def insert(self, table: str, columns: Mapping[str, Column]) -> int:
        """Add a row and return its number.

        Raises:
            sqlite3.IntegrityError: there is such a row already; see `is_taken()`.
        """
        done = self.connection.execute(_insertion(table, *columns), tuple(columns.values()))
        return cast("int", done.lastrowid)

    def index(self, *texts: tuple[int, str]) -> None:
        """Add texts to the search index, by their rows in it, when the transaction is finished."""
        self._texts.extend(texts)

    def finish(self) -> None:
        """Store what was left until the end of the transaction. The caller commits it afterwards."""
        index_texts(self.connection, self._texts, uses_index=self.uses_index)

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


def is_taken(error: sqlite3.IntegrityError) -> bool:
    """Return whether a row could not be added because there is one with the same key."""
    return error.sqlite_errorcode in (sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)


@functools.lru_cache(maxsize=32)
def _insertion(table: str, *columns: str) -> str:
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
