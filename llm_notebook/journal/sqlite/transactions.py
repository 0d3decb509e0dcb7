"""What operations are stored with: one transaction of the writer's, and what is to be done in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.columns import Contents, text_of

if TYPE_CHECKING:
    from llm_notebook.journal.sqlite.reads import IsHeld

__all__ = ["Transaction", "Write"]


@dataclass(slots=True, frozen=True)
class Transaction:
    """A transaction that may write.

    Attributes:
        connection: in that transaction.
        is_held: says whether the owner of a call lives.
        uses_index: there is a search index to be kept.
    """

    connection: sqlite3.Connection
    is_held: IsHeld
    uses_index: bool

    def row(self, select: str, *parameters: Any) -> tuple[Any, ...] | None:
        """The first row, None if there is none."""
        return cast("tuple[Any, ...] | None", self.connection.execute(select, parameters).fetchone())

    def insert(self, table: str, columns: dict[str, Any]) -> int:
        """Add a row; returns its number."""
        marks = ", ".join("?" * len(columns))
        done = self.connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608  names of our own
            tuple(columns.values()),
        )
        return cast("int", done.lastrowid)

    def keep(self, contents: Contents) -> None:
        """Store the bytes of attachments, as far as they are not there yet."""
        self.connection.executemany("INSERT OR IGNORE INTO attachments VALUES (?, ?)", contents.by_hash.items())

    def number_of_turn(self, turn_id: Any) -> int:
        """The number of a turn.

        Raises:
            JournalError: it is not in the journal.
        """
        row = self.row("SELECT number FROM turns WHERE turn_id = ?", turn_id)
        if row is None:
            raise JournalError(f"Turn {text_of(turn_id)} is not in the journal: its beginning was not saved.")
        return cast("int", row[0])


@dataclass(slots=True, frozen=True)
class Write:
    """An operation that is ready to be stored.

    Attributes:
        store: returns the operation's answer.
        must_last: it is to survive the machine losing power, not just this process.
    """

    store: Callable[[Transaction], Any]
    must_last: bool = False
