"""The journal itself: hands operations to the writer and questions to readers, and begins anew in a forked child."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.call_writes import calls_left_by
from llm_notebook.journal.sqlite.connections import Connections, Opened
from llm_notebook.journal.sqlite.location import default_path, resolved
from llm_notebook.journal.sqlite.migrations import open_file
from llm_notebook.journal.sqlite.ownership import Ownership
from llm_notebook.journal.sqlite.reads import Reader
from llm_notebook.journal.sqlite.writer import Writer
from llm_notebook.journal.sqlite.writes import nothing, write_of

if TYPE_CHECKING:
    from llm_notebook.journal.operations import CallEntry, Grant, Operation, TurnEntry
    from llm_notebook.parts.messages import Message

__all__ = ["SQLiteJournal", "open_sqlite_journal"]


class SQLiteJournal:
    """A Journal in a SQLite file. Use `open_sqlite_journal()`; close it to let go of the file before the process ends.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin()
        self._connections.open()
        self._note_what_the_dead_left()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            this = weakref.ref(self)
            os.register_at_fork(
                before=lambda: _with(this, SQLiteJournal.before_fork),
                after_in_parent=lambda: _with(this, SQLiteJournal.after_fork_in_parent),
                after_in_child=lambda: _with(this, SQLiteJournal.after_fork_in_child),
            )

    def _begin(self) -> None:
        self._is_closed = self._is_quiet = False
        self._connections = Connections(self.path, open_file)
        self._ownership = Ownership(self.path)
        self._writer = Writer(self._connections, self._ownership.is_held)

    def before_fork(self) -> None:
        """Get every thread out of SQLite, and close all connections."""
        self._is_quiet = False
        self._is_quiet = self._connections.pause()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._connections.resume()

    def after_fork_in_child(self) -> None:
        """Begin anew: the thread, what was handed over and the lock are the parent's."""
        is_usable = self._is_quiet and not self._is_closed
        self._connections.leave_to_parent()
        self._ownership.leave_to_parent()
        self._begin()
        if not is_usable:
            self.close()

    @property
    def owner(self) -> str:
        """See `Journal.owner`. The lock is taken when this is first asked for."""
        self._assert_open()
        return self._ownership.name

    def submit(self, operation: Operation) -> Future[Any]:
        """See `Journal.submit()`. A ValueError in the future tells of an operation that the caller should not have made."""
        try:
            return self._writer.submit(write_of(operation))
        except Exception as error:
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed

    def call(self, call_id: str) -> CallEntry | None:
        """See `Journal.call()`."""
        with self._reading() as (reader, _):
            return reader.call(call_id)

    def waiting(self) -> list[CallEntry]:
        """See `Journal.waiting()`."""
        with self._reading() as (reader, _):
            return reader.waiting()

    def turn(self, turn_id: str) -> TurnEntry | None:
        """See `Journal.turn()`."""
        with self._reading() as (reader, _):
            return reader.turn(turn_id)

    def chain(self, chain_id: str) -> list[TurnEntry]:
        """See `Journal.chain()`."""
        with self._reading() as (reader, _):
            return reader.chain(chain_id)

    def conversation(self, conversation_id: str) -> list[TurnEntry]:
        """See `Journal.conversation()`."""
        with self._reading() as (reader, _):
            return reader.conversation(conversation_id)

    def history(self, query: str = "", *, limit: int = 50) -> list[TurnEntry]:
        """See `Journal.history()`. A word of the query also stands for the words that begin with it."""
        with self._reading() as (reader, opened):
            return reader.history(query, limit, uses_index=opened.uses_index)

    def messages(self, turn_id: str) -> list[Message]:
        """See `Journal.messages()`. A JournalError also tells that the history is not all there."""
        with self._reading() as (reader, _):
            return reader.messages(turn_id)

    def latest_turn(self, *, cell_id: str | None = None, notebook: str | None = None) -> TurnEntry | None:
        """See `Journal.latest_turn()`. With both, in that cell of that notebook."""
        with self._reading() as (reader, _):
            return reader.latest_turn(cell_id, notebook)

    def grants(self) -> list[Grant]:
        """See `Journal.grants()`."""
        with self._reading() as (reader, _):
            return reader.grants()

    def flush(self) -> None:
        """See `Journal.flush()`. What could not be stored is told by its own future."""
        if not self._is_closed:
            self._writer.submit(nothing()).exception()

    def close(self) -> None:
        """Store what was handed over and let go of the file. Nothing more can be asked of this object."""
        self._writer.close()
        if not self._is_closed:
            self._is_closed = True
            self._ownership.release(is_running=self._is_running_calls())
            self._connections.close()
        atexit.unregister(self.close)

    def __enter__(self) -> SQLiteJournal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<SQLiteJournal {self.path}>"

    @contextmanager
    def _reading(self) -> Iterator[tuple[Reader, Opened]]:
        self._assert_open()
        with self._connections.reading() as (connection, opened):
            yield Reader(connection, self._ownership.is_held), opened

    def _assert_open(self) -> None:
        if self._is_closed:
            raise JournalError(f"The journal {self.path} is closed: open it again.")

    def _note_what_the_dead_left(self) -> None:
        dead = self._ownership.dead()

        def forget(noted: Future[Any]) -> None:
            for name in dead if noted.exception() is None else ():
                self._ownership.forget(name)

        if dead:
            self._writer.submit(calls_left_by(dead, datetime.now(UTC))).add_done_callback(forget)

    def _is_running_calls(self) -> bool:
        """Whether calls of this process are on record as running: then its lock must not be freed before it ends."""
        held = self._ownership.held
        if held is None:
            return False
        try:
            with self._connections.reading() as (connection, _):
                running = connection.execute("SELECT 1 FROM calls WHERE owner = ? AND state = 'started'", (held,))
                return running.fetchone() is not None
        except JournalError:
            return True


def open_sqlite_journal(path: Path | str | None = None) -> SQLiteJournal:
    """Open a journal, made where it is missing.

    Args:
        path: its file; by default what `LLM_NOTEBOOK_JOURNAL` names, or `journal.db` in our folder under `LLM_USER_PATH`, or in the
            platform's folder for user data.

    Raises:
        JournalError: it cannot be opened; the message says which file, why, and what to do.
    """
    return SQLiteJournal(resolved(default_path() if path is None else path))


def _with(journal: weakref.ref[SQLiteJournal], hook: Callable[[SQLiteJournal], None]) -> None:
    known = journal()
    if known is not None:
        hook(known)
