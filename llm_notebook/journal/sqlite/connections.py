"""Connections to a journal's file: one for the writer, and one for each thread that is reading.

How it works. A notebook runs for days, may fork (`multiprocessing` does), and its files may be moved in the meantime. SQLite leaves three
dangers to its users, and this module deals with them:

- **Forks.** A child that inherits an open connection takes the parent's file locks for its own, and closing the connection would release
  them. So no connection is open across a fork. Every use goes through a gate; `pause()` shuts it, waits until no thread is inside, and
  closes all connections; `resume()` opens it again in the parent. If a thread does not leave in time, the fork cannot be prevented: then
  the child never uses or closes the connections that it inherited (`leave_to_parent()`).
- **Moved files.** An open connection keeps writing to a file that has been moved or deleted, where its writes are lost. So the file's
  device and inode are compared before each use, and if they differ, the file is opened again or a new one is created. Connections
  to the old file are left open, because closing the last one would delete the -wal file by its name, which may by then belong to the
  new file.
- **Spoiled connections.** After some errors, what a connection has cached of the file may be wrong. Such a connection is not used again.

Readers take idle connections from a small pool. Each read is a transaction, so that a reader sees one state of the journal throughout.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from llm_notebook.journal.sqlite.failures import BUSY_SECONDS, UnreadableValue, explained, spoils_the_connection

__all__ = ["Connections", "Opened", "connect", "explaining", "identity"]

_MOST_IDLE = 4
_LONGEST_PAUSE_SECONDS = 5.0
# After a large transaction, SQLite cuts the -wal file down to this size.
_WAL_BYTES = 16 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Opened:
    """Facts about a file that has been opened and brought to the present version.

    Attributes:
        uses_wal: True for WAL mode, False for a rollback journal, as on network file systems.
        uses_index: True if this SQLite has FTS5, so that the file has a search index.
        identity: device and inode. If they change, somebody has moved the file away.
    """

    uses_wal: bool
    uses_index: bool
    identity: tuple[int, int]


def connect(path: Path) -> sqlite3.Connection:
    """Open a new connection.

    It is in no transaction until one is begun explicitly, and may be used by any thread, though only by one at a time.
    """
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # On macOS, only `fullfsync` makes SQLite wait for the disk's own cache.
    for pragma in ("temp_store = MEMORY", "fullfsync = ON", f"journal_size_limit = {_WAL_BYTES}"):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def identity(path: Path) -> tuple[int, int]:
    """Return the device and inode of a file."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the operating system in the `with` block into JournalErrors."""
    try:
        yield
    except (sqlite3.Error, OSError, UnicodeDecodeError, UnreadableValue) as error:
        raise explained(error, path) from error


class Gate:
    """A gate in front of SQLite that any number of threads may pass at a time. While it is shut, none may enter.

    A fork shuts it: a child would inherit the locks and mutexes of threads inside SQLite as held.
    """

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._is_shut = False

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Wait until the gate is open, and be inside for the length of the `with` block. A thread must not enter twice."""
        with self._condition:
            self._condition.wait_for(lambda: not self._is_shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    def shut(self, timeout: float) -> bool:
        """Shut the gate, and wait for the threads inside to leave. Returns whether they all left within `timeout` seconds."""
        with self._condition:
            self._is_shut = True
            return self._condition.wait_for(lambda: self._inside == 0, timeout)

    def open(self) -> None:
        """Open the gate again."""
        with self._condition:
            self._is_shut = False
            self._condition.notify_all()


class Connections:
    """The connections of this process to one journal.

    Args:
        path: the file.
        open_file: creates the file or brings it to the present version. It is called before the first use, and again if the
            file has been moved away.
    """

    def __init__(self, path: Path, open_file: Callable[[Path], Opened]) -> None:
        self.path = path
        self._open_file = open_file
        self._opened: Opened | None = None
        self._gate = Gate()
        self._belongs_to: dict[sqlite3.Connection, Opened] = {}
        self._idle: deque[sqlite3.Connection] = deque()
        self._is_closed = False

    @contextmanager
    def writing(self, connection: sqlite3.Connection | None) -> Iterator[tuple[sqlite3.Connection, Opened]]:
        """Give a connection to the writer, which passes it back the next time.

        Args:
            connection: the connection from the last time. It is used again if it is still usable.

        Raises:
            JournalError: the file cannot be opened.
        """
        with self._gate.enter():
            with explaining(self.path):
                opened = self._open()
                if connection is None or self._belongs_to.get(connection) is not opened:
                    if connection is not None:
                        self.release(connection)
                    connection = self._connect(opened)
            try:
                yield connection, opened
            except Exception as error:
                if spoils_the_connection(error):
                    self.release(connection)
                raise

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Close the writer's connection."""
        with self._gate.enter():
            self.release(connection)

    @contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, Opened]]:
        """Give a connection to a reader. During the `with` block it sees the journal as it was at the beginning.

        Raises:
            JournalError: the journal cannot be read.
        """
        with self._gate.enter(), explaining(self.path):
            opened = self._open()
            connection = self._take_idle_or_connect(opened)
            try:
                connection.execute("BEGIN")
                yield connection, opened
                connection.execute("ROLLBACK")
            except BaseException:
                self.release(connection)
                raise
            if self._is_closed or opened is not self._opened or len(self._idle) >= _MOST_IDLE:
                self.release(connection)
            else:
                self._idle.append(connection)

    def open(self) -> None:
        """Open the file at once, so that an error shows early.

        Raises:
            JournalError: the file cannot be opened.
        """
        with self._gate.enter(), explaining(self.path):
            self._open()

    def release(self, connection: sqlite3.Connection) -> None:
        """Close a connection, unless its file has been moved away; see the top of this module."""
        opened = self._belongs_to.pop(connection, None)
        with suppress(OSError):
            if opened is None or identity(self.path) == opened.identity:
                connection.close()
                return
        _keep_open(connection)

    def close(self) -> None:
        """Close all connections. Those in use are closed when they are given back."""
        self._is_closed = True
        with self._gate.enter():
            self._close_idle()

    def pause(self) -> bool:
        """Close all connections before a fork, and keep threads from opening new ones. Returns False if one is still in use."""
        is_quiet = self._gate.shut(_LONGEST_PAUSE_SECONDS)
        for connection in list(self._belongs_to) if is_quiet else ():
            self.release(connection)
        if is_quiet:
            self._idle.clear()
        return is_quiet

    def resume(self) -> None:
        """Allow the use of connections again, in the parent, after a fork."""
        self._gate.open()

    def leave_to_parent(self) -> None:
        """In a forked child, keep the connections that could not be closed before the fork from ever being closed here."""
        for connection in self._belongs_to:
            _keep_open(connection)

    def _open(self) -> Opened:
        """Return the facts about the file. It is opened if it has not been yet or has been moved away since."""
        known = self._opened
        if known is not None:
            with suppress(FileNotFoundError):
                if identity(self.path) == known.identity:
                    return known
            self._close_idle()
        self._opened = self._open_file(self.path)
        return self._opened

    def _take_idle_or_connect(self, opened: Opened) -> sqlite3.Connection:
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if self._belongs_to.get(connection) is opened:
                    return connection
                self.release(connection)
        connection = self._connect(opened)
        connection.execute("PRAGMA query_only = ON").close()
        return connection

    def _connect(self, opened: Opened) -> sqlite3.Connection:
        connection = connect(self.path)
        self._belongs_to[connection] = opened
        return connection

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self.release(self._idle.pop())


def _keep_open(connection: sqlite3.Connection) -> None:
    """Add a reference that is never dropped, because Python closes a connection when its last reference is gone."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
