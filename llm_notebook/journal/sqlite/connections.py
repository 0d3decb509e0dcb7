"""Connections to a journal's file: one that writes, and as many that read as there are threads that do. None is open across a fork."""

from __future__ import annotations

import ctypes
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from llm_notebook.journal.sqlite.failures import BUSY_SECONDS, explaining, spoils_the_connection
from llm_notebook.journal.sqlite.gate import Gate

__all__ = ["Connections", "Opened", "connected", "identity"]

_MOST_IDLE = 4
_LONGEST_PAUSE_SECONDS = 5.0
# What a crash or a large transaction leaves of the -wal file, at most.
_WAL_BYTES = 16 * 1024 * 1024


@dataclass(slots=True, frozen=True)
class Opened:
    """What is known of the file once it was opened and brought to the present version.

    Attributes:
        uses_wal: it is written in WAL mode; otherwise with a rollback journal, as on network file systems.
        uses_index: this SQLite has FTS5, and the file its index.
        identity: device and inode; another one means that somebody has moved the file away.
    """

    uses_wal: bool
    uses_index: bool
    identity: tuple[int, int]


def connected(path: Path) -> sqlite3.Connection:
    """A new connection: no transaction unless one is begun, and any thread may use it, one at a time."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    # SQLite waits for a disk's own cache on macOS only if it is told to.
    for pragma in ("temp_store = MEMORY", "fullfsync = ON", f"journal_size_limit = {_WAL_BYTES}"):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def identity(path: Path) -> tuple[int, int]:
    """Device and inode of a file."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


class Connections:
    """The connections of this process to one journal.

    Args:
        path: the file.
        open_file: makes the file what it should be; called first, and again when the file is no longer there.
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
        """A connection for the writer, who keeps it until the next time.

        Args:
            connection: the one that it had the last time. It is used again if it is still any good.

        Raises:
            JournalError: there is none to be had.
        """
        with self._gate.entered():
            opened = self._open()
            with explaining(self.path):
                if connection is None or self._belongs_to.get(connection) is not opened:
                    if connection is not None:
                        self.release(connection)
                    connection = self._connected(opened)
            try:
                yield connection, opened
            except Exception as error:
                if spoils_the_connection(error):
                    self.release(connection)
                raise

    def give_back(self, connection: sqlite3.Connection) -> None:
        """Close the writer's connection."""
        with self._gate.entered():
            self.release(connection)

    @contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, Opened]]:
        """A connection that sees the journal as it is now, and goes on seeing it so, for one reader.

        Raises:
            JournalError: the journal cannot be read.
        """
        with self._gate.entered(), explaining(self.path):
            opened = self._open()
            connection = self._taken(opened)
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
        """Open the file, to know at once whether it can be.

        Raises:
            JournalError: it cannot.
        """
        with self._gate.entered():
            self._open()

    def release(self, connection: sqlite3.Connection) -> None:
        """Close a connection.

        If the file was moved away it stays open: the last to close would remove the -wal file of the one in its place.
        """
        opened = self._belongs_to.pop(connection, None)
        with suppress(OSError):
            if opened is None or identity(self.path) == opened.identity:
                connection.close()
                return
        _keep_open(connection)

    def close(self) -> None:
        """Close all connections; those that are being used, when they come back."""
        self._is_closed = True
        with self._gate.entered():
            self._close_idle()

    def pause(self) -> bool:
        """Close all connections before a fork, and keep everybody from opening new ones; returns whether that could be done.

        In a child, SQLite takes the locks of its parent's open connections for its own.
        """
        is_quiet = self._gate.shut(_LONGEST_PAUSE_SECONDS)
        for connection in list(self._belongs_to) if is_quiet else ():
            self.release(connection)
        if is_quiet:
            self._idle.clear()
        return is_quiet

    def resume(self) -> None:
        """Let connections be used again, in the parent."""
        self._gate.open()

    def leave_to_parent(self) -> None:
        """Forget, in a child, the connections that could not be closed before the fork: SQLite forbids to close them there."""
        for connection in self._belongs_to:
            _keep_open(connection)

    def _open(self) -> Opened:
        """What is known of the file, which is opened first where it has not been, or where it was moved away since."""
        known = self._opened
        with explaining(self.path):
            if known is not None:
                with suppress(FileNotFoundError):
                    if identity(self.path) == known.identity:
                        return known
                self._close_idle()
            self._opened = self._open_file(self.path)
            return self._opened

    def _taken(self, opened: Opened) -> sqlite3.Connection:
        with suppress(IndexError):
            while True:
                connection = self._idle.pop()
                if self._belongs_to.get(connection) is opened:
                    return connection
                self.release(connection)
        connection = self._connected(opened)
        connection.execute("PRAGMA query_only = ON").close()
        return connection

    def _connected(self, opened: Opened) -> sqlite3.Connection:
        connection = connected(self.path)
        self._belongs_to[connection] = opened
        return connection

    def _close_idle(self) -> None:
        with suppress(IndexError):
            while True:
                self.release(self._idle.pop())


def _keep_open(connection: sqlite3.Connection) -> None:
    """Keeps a connection from ever being closed, which the end of its last reference would do."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
