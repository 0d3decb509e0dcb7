"""Opening a journal's file: under one lock, it is created, put into the journal mode that its disk allows, and migrated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite import search
from llm_notebook.journal.sqlite.connections import Opened, connect, identity
from llm_notebook.journal.sqlite.failures import BUSY_SECONDS
from llm_notebook.journal.sqlite.location import VARIABLE, is_on_local_disk, prepare_file
from llm_notebook.journal.sqlite.schema import APPLICATION_ID, MIGRATIONS

__all__ = ["open_file"]


def open_file(path: Path) -> Opened:
    """Create the file if it is missing, and bring it to the present version. Any number of processes may do so at once.

    Raises:
        JournalError: the file belongs to another program or a newer version, or has lost its content.
        sqlite3.Error, OSError: the file cannot be opened.
    """
    prepare_file(path)
    with _hold_lock(path):
        _refuse_emptied(path)
        with closing(connect(path)) as connection:
            _refuse_foreign(connection, path)
            uses_wal = _set_journal_mode(connection, path)
            connection.execute("BEGIN IMMEDIATE")
            try:
                _migrate(connection)
                uses_index = search.is_available()
                if uses_index:
                    search.prepare_index(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        return Opened(uses_wal, uses_index, identity(path))


@contextmanager
def _hold_lock(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout  # only opening needs it

    lock_path = path.with_name(f"{path.name}-lock")
    lock = FileLock(lock_path, timeout=BUSY_SECONDS, mode=0o600, poll_interval=0.01)
    try:
        lock.acquire()
    except Timeout:
        raise JournalError(
            f"The journal {path} was not opened: another process has held {lock_path} for {BUSY_SECONDS:.0f} seconds. "
            "End that process, then try again."
        ) from None
    except NotImplementedError as error:
        raise JournalError(
            f"The journal {path} cannot be locked ({error}): set {VARIABLE} to a file on another disk."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _refuse_emptied(path: Path) -> None:
    """Raise a JournalError for an empty file beside a -wal file with content, which SQLite would delete."""
    log = path.with_name(f"{path.name}-wal")
    if path.stat().st_size == 0 and log.exists() and log.stat().st_size > 0:
        raise JournalError(
            f"The journal {path} has lost its content, while {log.name} beside it still has some: put the file back, or move "
            f"both away, or set {VARIABLE} to another file."
        )


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and (tables or application or version):
        raise JournalError(f"{path} is another program's SQLite file, not a journal: set {VARIABLE} to another file.")
    if version > len(MIGRATIONS):
        raise JournalError(
            f"The journal {path} is of a newer version than this package, and was left as it is: "
            f"install a newer package, or set {VARIABLE} to another file."
        )


def _set_journal_mode(connection: sqlite3.Connection, path: Path) -> bool:
    """Switch to WAL mode on a local disk and to a rollback journal elsewhere, and return whether the file is in WAL mode."""
    wanted = "wal" if is_on_local_disk(path) else "delete"
    try:
        mode = connection.execute(f"PRAGMA journal_mode = {wanted}").fetchone()[0]
    except sqlite3.OperationalError as error:
        # Leaving WAL mode needs exclusive access. If another process has the file open in WAL mode, it found the disk to be local.
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    return bool(mode == "wal")


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            connection.execute(statement)
    if version < len(MIGRATIONS):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
