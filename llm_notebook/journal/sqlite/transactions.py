"""A transaction of the writer, and the writes that it stores."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.columns import text_of
from llm_notebook.journal.sqlite.search import index_texts, row_of_answer, row_of_prompt

if TYPE_CHECKING:
    from llm_notebook.journal.sqlite.columns import Column, Contents, Row
    from llm_notebook.journal.sqlite.reads import IsHeld

__all__ = ["Transaction", "WholeTurn", "Write", "is_taken"]

A_co = TypeVar("A_co", covariant=True)

# Some versions of SQLite accept no more than 999 parameters in one statement, and a connection keeps only so many statements for their next
# use: there is one for each number of rows.
_MOST_AT_ONCE = 32


@dataclass(slots=True)
class WholeTurn:
    """A turn that is recorded when it has ended: the columns of its beginning and its end, and its words for the search index."""

    beginning: Mapping[str, Column]
    ending: Mapping[str, Column]
    prompt: str
    answer: str


@dataclass(slots=True, frozen=True)
class Transaction:
    """A transaction that may write.

    Each statement lets other threads run and then waits until it may go on, which costs more than the statement does while an event loop is
    busy. So a write takes as few as it can, whole turns are added together, and so are the words of all turns to the search index.

    Attributes:
        connection: the connection, on which the transaction has begun.
        is_held: says whether the owner of a call is alive.
        uses_index: whether there is a search index to update.
    """

    connection: sqlite3.Connection
    is_held: IsHeld
    uses_index: bool
    _texts: list[tuple[int, str]] = field(default_factory=list)
    _turns: list[WholeTurn] = field(default_factory=list)

    def row(self, select: str, *parameters: Column) -> Row | None:
        """Return the first row of a query, or None if there is none."""
        return cast("Row | None", self.connection.execute(select, parameters).fetchone())

    def insert(self, table: str, columns: Mapping[str, Column]) -> int:
        """Add a row and return its number.

        Raises:
            sqlite3.IntegrityError: there is such a row already; see `is_taken()`.
        """
        done = self.connection.execute(_insertion(table, 1, *columns), tuple(columns.values()))
        return cast("int", done.lastrowid)

    def add(self, turn: WholeTurn) -> None:
        """Add a turn that has ended, at the latest when the transaction is finished."""
        self._turns.append(turn)

    def index(self, *texts: tuple[int, str]) -> None:
        """Add texts to the search index, by their rows in it, when the transaction is finished."""
        self._texts.extend(texts)

    def finish(self) -> None:
        """Store what was left until the end of the transaction. The caller commits it afterwards.

        Raises:
            ValueError: a turn has begun already.
        """
        self._store_turns()
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
        self._store_turns()
        row = self.row("SELECT number FROM turns WHERE turn_id = ?", turn_id)
        if row is None:
            raise JournalError(f"Turn {text_of(turn_id)} is not in the journal: its beginning was not saved.")
        return cast("int", row[0])

    def _store_turns(self) -> None:
        turns = self._turns[:]
        self._turns.clear()
        for start in range(0, len(turns), _MOST_AT_ONCE):
            part = turns[start : start + _MOST_AT_ONCE]
            try:
                last = self._insert_together("turns", [turn.beginning for turn in part])
            except sqlite3.IntegrityError as error:
                # The writer stores the writes of a failed transaction one by one, so that this is the turn at fault.
                said = f"Turn {text_of(cast('str', part[0].beginning['turn_id']))} has begun already."
                raise (ValueError(said) if is_taken(error) else error) from None
            # Nobody else adds turns in the meantime, so their numbers follow each other.
            numbered = list(enumerate(part, last - len(part) + 1))
            self._insert_together("turn_endings", [{"number": number, **turn.ending} for number, turn in numbered])
            for number, turn in numbered:
                self.index((row_of_prompt(number), turn.prompt), (row_of_answer(number), turn.answer))

    def _insert_together(self, table: str, rows: Sequence[Mapping[str, Column]]) -> int:
        """Add rows that have the same columns, and return the number of the last."""
        values = [value for row in rows for value in row.values()]
        return cast("int", self.connection.execute(_insertion(table, len(rows), *rows[0]), values).lastrowid)


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


@functools.lru_cache(maxsize=128)
def _insertion(table: str, count: int, *columns: str) -> str:
    """Return the statement that adds so many rows."""
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)}"
