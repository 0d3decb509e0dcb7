"""One thread that stores operations in the order in which they come, those that are waiting together in one transaction."""

from __future__ import annotations

import queue
import sqlite3
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.failures import explained, is_busy
from llm_notebook.journal.sqlite.transactions import Transaction, Write

if TYPE_CHECKING:
    from llm_notebook.journal.sqlite.connections import Connections, Opened
    from llm_notebook.journal.sqlite.reads import IsHeld

__all__ = ["Writer"]

_MOST_AT_ONCE = 256
_Item = tuple[Write, "Future[Any]"]


class Writer:
    """Stores what is handed over, in a thread that begins with the first operation.

    Args:
        connections: where to.
        is_held: says whether the owner of a call lives.
    """

    def __init__(self, connections: Connections, is_held: IsHeld) -> None:
        self._connections = connections
        self._is_held = is_held
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._guard = threading.RLock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._connection: sqlite3.Connection | None = None

    def submit(self, write: Write) -> Future[Any]:
        """Hand over a write. The future is done once it is stored; it cannot be cancelled."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        with self._guard:
            if self._is_closed:
                future.set_exception(_closed(self._connections))
                return future
            if self._thread is None:
                self._start()
            self._queue.put((write, future))
        return future

    def close(self) -> None:
        """Store what was handed over, and stop."""
        with self._guard:
            thread, was_closed, self._is_closed = self._thread, self._is_closed, True
            if thread is not None and not was_closed:
                self._queue.put(None)
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _start(self) -> None:
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
            self._store(batch)
        if self._connection is not None:
            self._connections.give_back(self._connection)

    def _next_batch(self) -> tuple[list[_Item], bool]:
        """What waits now, at least one item; and whether nothing will follow."""
        batch: list[_Item] = []
        item = self._queue.get()
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
            answers = self._committed([write for write, _ in batch])
        except Exception as error:
            if len(batch) > 1 and not is_busy(error) and not isinstance(error, _Unreachable):
                # One of them is at fault: alone, it takes no other with it.
                for item in batch:
                    self._store([item])
                return
            shown = error.reason if isinstance(error, _Unreachable) else explained(error, self._connections.path)
            for _, future in batch:
                future.set_exception(shown)
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                future.set_result(answer)

    def _committed(self, writes: list[Write]) -> list[Any]:
        with ExitStack() as stack:
            try:
                connection, opened = stack.enter_context(self._connections.writing(self._connection))
                self._connection = connection
                must_last = any(write.must_last for write in writes)
                connection.execute(f"PRAGMA synchronous = {_synchronous(opened, must_last)}").close()
                connection.execute("BEGIN IMMEDIATE").close()
            except (JournalError, sqlite3.Error) as error:
                raise _Unreachable(explained(error, self._connections.path)) from error
            transaction = Transaction(connection, self._is_held, opened.uses_index)
            try:
                answers = [write.store(transaction) for write in writes]
                connection.execute("COMMIT").close()
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK").close()
                raise
        return answers


class _Unreachable(Exception):
    """No transaction could be begun: it is no single operation's fault."""

    def __init__(self, reason: Exception) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _synchronous(opened: Opened, must_last: bool) -> str:
    """How long SQLite waits for the disk.

    In WAL mode NORMAL survives the end of the process and FULL that of the machine. With a rollback journal EXTRA is what
    makes it last: it also waits until the journal's removal is on disk.
    """
    if opened.uses_wal:
        return "FULL" if must_last else "NORMAL"
    return "EXTRA" if must_last else "FULL"


def _closed(connections: Connections) -> JournalError:
    return JournalError(f"The journal {connections.path} is closed: open it again.")
