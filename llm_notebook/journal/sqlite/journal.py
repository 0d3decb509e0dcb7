"""The SQLite journal itself: it hands operations to the writer and queries to readers, and starts afresh in a forked child."""

from __future__ import annotations

import atexit
import os
import weakref
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar, cast

from llm_notebook.errors import JournalError
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
from llm_notebook.journal.protocol import Journal
from llm_notebook.journal.runs import RowAsked, RowsBegun, RowsEnded, RowsMoved
from llm_notebook.journal.sqlite.call_writes import call_moved, call_proposed, calls_decided, calls_left_by
from llm_notebook.journal.sqlite.connections import Connections
from llm_notebook.journal.sqlite.grant_writes import grant_given, grant_revoked, notebook_renamed
from llm_notebook.journal.sqlite.location import default_path, resolve
from llm_notebook.journal.sqlite.migrations import open_file
from llm_notebook.journal.sqlite.ownership import Ownership
from llm_notebook.journal.sqlite.reads import Reader
from llm_notebook.journal.sqlite.rows_writes import run_moved
from llm_notebook.journal.sqlite.transactions import Write
from llm_notebook.journal.sqlite.turn_writes import turn_begun, turn_ended
from llm_notebook.journal.sqlite.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llm_notebook.journal.grants import Grant
    from llm_notebook.journal.operations import AnsweredWith, CallEntry, TurnEntry
    from llm_notebook.journal.runs import RowEntry, RowsEntry
    from llm_notebook.journal.uses import TurnUse
    from llm_notebook.parts.messages import Message

__all__ = ["SQLiteJournal", "open_sqlite_journal"]


# Another process may hold the journal's lock for long, and then runs are listed as they were.
_LONGEST_WAIT = 1.0  # seconds

A = TypeVar("A")
P = ParamSpec("P")


class SQLiteJournal(Journal):
    """A Journal in a SQLite file. `open_sqlite_journal()` creates one; close it to release the file before the process ends.

    Methods without a docstring do what `Journal` says.

    Attributes:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin()
        self._connections.open()
        self._record_calls_of_dead_processes()
        atexit.register(self.close)
        if hasattr(os, "register_at_fork"):
            # Fork hooks cannot be removed, so a strong reference here would keep the journal alive forever.
            this = weakref.ref(self)
            os.register_at_fork(
                before=lambda: _call_hook(this, SQLiteJournal.before_fork),
                after_in_parent=lambda: _call_hook(this, SQLiteJournal.after_fork_in_parent),
                after_in_child=lambda: _call_hook(this, SQLiteJournal.after_fork_in_child),
            )

    def _begin(self) -> None:
        self._is_closed = self._is_quiet = False
        self._owner = ""
        self._latest: Future[object] | None = None
        self._connections = Connections(self.path, open_file)
        self._ownership = Ownership(self.path)
        self._writer = Writer(self._connections, self._ownership.is_held)

    def before_fork(self) -> None:
        """Wait until no thread is using SQLite, and close all connections."""
        self._is_quiet = False
        self._is_quiet = self._connections.pause()

    def after_fork_in_parent(self) -> None:
        """Allow the use of connections again."""
        self._connections.resume()

    def after_fork_in_child(self) -> None:
        """Start afresh: the writer's thread, the writes in its queue and the lock belong to the parent.

        If a thread of the parent was still using SQLite, the journal is closed in the child.
        """
        is_usable = self._is_quiet and not self._is_closed
        self._connections.leave_to_parent()
        self._ownership.leave_to_parent()
        self._begin()
        if not is_usable:
            self.close()

    @property
    def owner(self) -> str:
        """The name of the OS lock that this process holds while it streams and runs calls, and while its grants are in force.

        The lock is taken on first access.
        """
        self._assert_open()
        if not self._owner:
            self._owner = self._ownership.name
        return self._owner

    def submit(self, operation: AnsweredWith[A]) -> Future[A]:
        """Hand over an operation, and return at once. The future is done when the operation is durable.

        An operation that cannot be recorded, such as a second end of a turn, gives a future with a ValueError.
        """
        try:
            submitted = self._writer.submit(cast("Write[A]", self._write_for(operation)))
            self._latest = cast("Future[object]", submitted)
            return submitted
        except Exception as error:
            failed: Future[A] = Future()
            failed.set_exception(error)
            return failed

    def _write_for(self, operation: AnsweredWith[object]) -> Write[object]:
        """Return the write that records an operation. Its values are encoded here, so that later changes to them are not recorded.

        Raises:
            ValueError: the operation cannot be recorded, such as a transition that is not in TRANSITIONS.
            TypeError: the operation has values that cannot be written as JSON, or is no operation.
        """
        match operation:
            case TurnBegun():
                return turn_begun(operation, self._owner_if_any())
            case TurnEnded():
                return turn_ended(operation)
            case CallProposed():
                return call_proposed(operation)
            case CallMoved():
                return call_moved(operation)
            case Decided() | DecidedTogether():
                return calls_decided(DecidedTogether([operation]) if isinstance(operation, Decided) else operation)
            case Granted() | Revoked():
                return grant_given(operation) if isinstance(operation, Granted) else grant_revoked(operation)
            case NotebookRenamed():
                return notebook_renamed(operation)
            case RowsBegun() | RowAsked() | RowsMoved() | RowsEnded():
                return run_moved(operation, self._owner_if_any())
        raise TypeError(f"A journal takes operations, not {type(operation).__name__}.")

    def _owner_if_any(self) -> str | None:
        """Return the name of this process's lock; None if it cannot hold one, so that nobody can tell whether its turns still run."""
        try:
            return self.owner
        except JournalError:
            return None

    def call(self, call_id: str) -> CallEntry | None:
        return self._read(Reader.call, call_id)

    def waiting(self) -> list[CallEntry]:
        return self._read(Reader.waiting)

    def turn(self, turn_id: str) -> TurnEntry | None:
        return self._read(Reader.turn, turn_id)

    def chain(self, chain_id: str) -> list[TurnEntry]:
        return self._read(Reader.chain, chain_id)

    def conversation(self, conversation_id: str) -> list[TurnEntry]:
        return self._read(Reader.conversation, conversation_id)

    def has_gone_on(self, conversation_id: str, turn_id: str, chain_id: str) -> bool:
        return self._read(Reader.has_gone_on, conversation_id, turn_id, chain_id)

    def history(self, query: str = "", *, limit: int = 50, rows: bool = True) -> list[TurnEntry]:
        """Return the latest turns, newest first. With a query, only turns whose prompt or answer contains all its words.

        A word of the query also matches words that begin with it.
        """
        return self._read(Reader.history, query, limit, rows=rows)

    def uses(self, *, since: datetime | None = None) -> list[TurnUse]:
        return self._read(Reader.uses, since)

    def messages(self, turn_id: str) -> list[Message]:
        """Return the whole history up to and including the answer of this turn.

        Raises:
            JournalError: the journal cannot be read, or a turn of the history is missing.
        """
        return self._read(Reader.messages, turn_id)

    def latest_turn(
        self,
        *,
        cell_id: str | None = None,
        notebook: str | None = None,
        started_in: str | None = None,
        place: int | None = None,
    ) -> TurnEntry | None:
        return self._read(Reader.latest_turn, cell_id, notebook, started_in, place)

    def open_turns(self, cell_id: str) -> list[TurnEntry]:
        return self._read(Reader.open_turns, cell_id)

    def turns_inside(self, call_id: str) -> list[TurnEntry]:
        return self._read(Reader.turns_inside, call_id)

    def rows(self, requests: Sequence[str], rows_id: str = "") -> dict[str, RowEntry]:
        return self._read(Reader.rows, requests, rows_id)

    def runs(self, *, limit: int = 50) -> list[RowsEntry]:
        # Whoever asks has just begun or stopped a run, and the writer may not have got to that yet.
        if self._latest is not None:
            futures.wait([self._latest], _LONGEST_WAIT)
        return self._read(Reader.runs, limit)

    def grants(self) -> list[Grant]:
        return self._read(Reader.grants)

    def flush(self) -> None:
        """Wait until every operation that was handed over is durable, or its future has an error."""
        if not self._is_closed:
            # When a write that stores nothing is done, so are all writes that were submitted before it.
            self._writer.submit(Write(lambda _: None)).exception()

    def close(self) -> None:
        """Store everything that was handed over and release the file. The journal cannot be used afterwards."""
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

    def _read(self, query: Callable[Concatenate[Reader, P], A], *args: P.args, **keywords: P.kwargs) -> A:
        self._assert_open()
        with self._connections.reading() as (connection, opened):
            return query(Reader(connection, self._ownership.is_held, opened.uses_index), *args, **keywords)

    def _assert_open(self) -> None:
        if self._is_closed:
            raise JournalError(f"The journal {self.path} is closed: open it again.")

    def _record_calls_of_dead_processes(self) -> None:
        dead = self._ownership.find_dead()

        def forget(recorded: Future[None]) -> None:
            for name in dead if recorded.exception() is None else ():
                self._ownership.forget(name)

        if dead:
            self._writer.submit(calls_left_by(dead, datetime.now(UTC))).add_done_callback(forget)

    def _is_running_calls(self) -> bool:
        """Return whether calls of this process are recorded as running. Then its lock must be kept until the process ends."""
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
    """Open a journal, and create its file if it is missing.

    Args:
        path: the file; by default the user's own journal (see `default_path()`).

    Raises:
        JournalError: the journal cannot be opened. The message says which file, why, and what to do.
    """
    return SQLiteJournal(resolve(default_path() if path is None else path))


def _call_hook(journal: weakref.ref[SQLiteJournal], hook: Callable[[SQLiteJournal], None]) -> None:
    known = journal()
    if known is not None:
        hook(known)
