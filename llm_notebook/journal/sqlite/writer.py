"""The one thread that writes: it stores writes in the order in which they are submitted, and commits many of them together.

How it works. A commit has to wait for the disk, and a hundred writes take about as long as one. While one commit is under
way, further writes queue up; the thread then takes all of them into its next transaction (group commit). A single write on an idle
journal waits only for its own commit, and under load the number of commits stays small. The future of a write is done only after the
commit, so that what is acknowledged is durable. While many writes are coming, the thread waits a moment before each transaction, because
a transaction costs more than a write, and each of its statements takes the interpreter away from the event loop that the writes come from.
How durable is decided per transaction: `_synchronous()` is strict as soon as one write of the batch has to survive a power failure.

When a batch fails, the whole transaction has been rolled back. If one of its writes is at fault, such as a transition of a turn that
does not exist, the writes are tried again one by one, so that only the faulty one fails. If no transaction could begin at all, or another
process held the lock for too long, no single write is at fault: then all of them fail at once, because each further attempt might have
to wait for half a minute.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from concurrent.futures import Future
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar, cast

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.failures import UnreadableValue, explained, is_busy
from llm_notebook.journal.sqlite.transactions import Transaction, Write

if TYPE_CHECKING:
    from llm_notebook.journal.sqlite.connections import Connections, Opened
    from llm_notebook.journal.sqlite.reads import IsHeld

__all__ = ["Writer"]

# Bounds how long a batch holds the lock for writing, for which other processes wait.
_MOST_AT_ONCE = 256
# After a transaction with so many writes more are coming, and they are worth waiting for.
_MANY = 4
_TO_GATHER = 0.008  # seconds
_Item = tuple["Write[object]", "Future[object]"]
A = TypeVar("A")


class Writer:
    """A thread that stores writes. It starts with the first write.

    Args:
        connections: the connections to the journal's file.
        is_held: tells whether the owner of a call is alive.
    """

    def __init__(self, connections: Connections, is_held: IsHeld) -> None:
        self._connections = connections
        self._is_held = is_held
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._guard = threading.RLock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._connection: sqlite3.Connection | None = None
        # The `synchronous` of this connection; empty before it is set.
        self._synchronous = ""
        # How many writes come together: as many as in the latest transaction, or half as many as there were before it.
        self._pace = 0

    def submit(self, write: Write[A]) -> Future[A]:
        """Hand over a write. The future is done when the write is stored, and cannot be cancelled."""
        future: Future[A] = Future()
        # A future that is running cannot be cancelled: by then the write may already be in a transaction.
        future.set_running_or_notify_cancel()
        with self._guard:
            if self._is_closed:
                future.set_exception(_closed(self._connections))
                return future
            if self._thread is None:
                self._start()
            self._queue.put((write, cast("Future[object]", future)))
        return future

    def close(self) -> None:
        """Store everything that was handed over, and stop the thread."""
        with self._guard:
            thread, was_closed, self._is_closed = self._thread, self._is_closed, True
            if thread is not None and not was_closed:
                self._queue.put(None)
        # A callback of a future runs in the writer's thread, and may close the journal.
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _start(self) -> None:
        # A daemon, so that the interpreter does not wait for it before it calls `atexit` functions, one of which closes the journal.
        self._thread = threading.Thread(target=self._run, name="llm_notebook-journal", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            self._thread = None
            raise JournalError(f"The journal {self._connections.path} was not written: {error}.") from error

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batch, is_over = self._next_batch()
            self._pace = max(len(batch), self._pace // 2)
            self._store(batch)
        if self._connection is not None:
            self._connections.give_back(self._connection)

    def _next_batch(self) -> tuple[list[_Item], bool]:
        """Wait for an item, and return everything that is queued, and whether the writer was closed after it."""
        batch: list[_Item] = []
        item = self._queue.get()
        if self._pace >= _MANY and self._queue.qsize() < _MOST_AT_ONCE and not self._is_closed:
            time.sleep(_TO_GATHER)
        while item is not None:
            batch.append(item)
            if len(batch) == _MOST_AT_ONCE:
                return batch, False
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _store(self, batch: list[_Item]) -> None:
        if not batch:
            return
        try:
            answers = self._commit([write for write, _ in batch])
        except Exception as error:
            if len(batch) > 1 and not is_busy(error) and not isinstance(error, _Unreachable):
                # One of the writes is at fault. Stored one by one, the others succeed.
                for item in batch:
                    self._store([item])
                return
            shown = error.reason if isinstance(error, _Unreachable) else explained(error, self._connections.path)
            for _, future in batch:
                future.set_exception(shown)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)

    def _commit(self, writes: list[Write[object]]) -> list[object]:
        """Store writes in one transaction and return their answers.

        Raises:
            _Unreachable: no transaction could begin.
        """
        with ExitStack() as stack:
            try:
                connection, opened = stack.enter_context(self._connections.writing(self._connection))
                if connection is not self._connection:
                    self._connection, self._synchronous = connection, ""
                wanted = _synchronous(opened, any(write.must_last for write in writes))
                if wanted != self._synchronous:
                    self._synchronous = ""
                    connection.execute(f"PRAGMA synchronous = {wanted}").close()
                    self._synchronous = wanted
                connection.execute("BEGIN IMMEDIATE").close()
            except (JournalError, sqlite3.Error, UnicodeDecodeError) as error:
                raise _Unreachable(explained(error, self._connections.path)) from error
            transaction = Transaction(connection, self._is_held, opened.uses_index)
            try:
                answers = [_stored(write, transaction) for write in writes]
                transaction.finish()
                connection.execute("COMMIT").close()
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK").close()
                raise
        return answers


def _stored(write: Write[object], transaction: Transaction) -> object:
    """Store a write and return its answer.

    Raises:
        UnreadableValue: the file contains something that was not written by this package.
    """
    try:
        return write.store(transaction)
    except (AttributeError, LookupError, OverflowError, TypeError) as error:
        raise UnreadableValue(str(error)) from error


class _Unreachable(Exception):
    """No transaction could begin, which is not the fault of any single write."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _synchronous(opened: Opened, must_last: bool) -> str:
    """Return the value of SQLite's `synchronous` setting, which says how long a commit waits for the disk.

    In WAL mode, a commit with NORMAL survives the end of the process, and one with FULL a power failure as well. With a rollback
    journal, surviving a power failure takes EXTRA, which also waits until the removal of the rollback journal is on disk. See
    https://www.sqlite.org/pragma.html#pragma_synchronous.
    """
    if opened.uses_wal:
        return "FULL" if must_last else "NORMAL"
    return "EXTRA" if must_last else "FULL"


def _closed(connections: Connections) -> JournalError:
    return JournalError(f"The journal {connections.path} is closed: open it again.")
