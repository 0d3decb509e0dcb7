"""Errors of SQLite and of the operating system as one sentence that names the journal's file and says what to do."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.location import VARIABLE

__all__ = ["BUSY_SECONDS", "UnreadableValue", "explained", "is_busy", "spoils_the_connection"]

# How long a writer waits for the writers of other processes.
BUSY_SECONDS = 30.0

_ELSEWHERE = f"set {VARIABLE} to another file"
_DAMAGED = f"is damaged and was left as it is: move it away together with its -wal file, or {_ELSEWHERE}"
_SENTENCES = {
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: f"is no SQLite file, or is damaged, and was left as it is: move it away, or {_ELSEWHERE}",
    sqlite3.SQLITE_FULL: f"could not be written, as the disk or your quota is full: make room, or {_ELSEWHERE}",
    sqlite3.SQLITE_READONLY: f"cannot be written: give yourself write access to it and its folder, or {_ELSEWHERE}",
    sqlite3.SQLITE_PERM: f"cannot be opened: give yourself access to it and its folder, or {_ELSEWHERE}",
    sqlite3.SQLITE_CANTOPEN: f"cannot be opened: give yourself write access to it and its folder, or {_ELSEWHERE}",
    sqlite3.SQLITE_BUSY: f"has been locked by another process for {BUSY_SECONDS:.0f} seconds: end that process, then try again",
    sqlite3.SQLITE_LOCKED: "is locked by another connection: try again",
    sqlite3.SQLITE_PROTOCOL: f"cannot be locked: is its file system a network one that has no locks? Then {_ELSEWHERE}",
    sqlite3.SQLITE_NOLFS: f"has grown beyond what its file system can hold: {_ELSEWHERE}",
    sqlite3.SQLITE_IOERR: f"could not be read or written: look whether the disk is full, failing or gone, or {_ELSEWHERE}",
    sqlite3.SQLITE_TOOBIG: "cannot hold a value of that size (1 GB is the most): what you asked for was not saved",
}
_LONGEST_REASON = 200
_SPOILING = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


class UnreadableValue(ValueError):
    """A column has a value that no version of this package has written."""


def explained(error: Exception, path: Path) -> Exception:
    """Return a JournalError for an error of SQLite or of the operating system, and any other error unchanged."""
    if isinstance(error, UnicodeDecodeError):
        # Python's module fails to decode SQLite's message about the damage, which quotes the damaged text.
        return JournalError(f"The journal {path} {_DAMAGED} (it holds what is not UTF-8).")
    if isinstance(error, UnreadableValue) or "Could not decode to UTF-8" in str(error):
        return JournalError(f"The journal {path} {_DAMAGED} ({_brief(error)}).")
    if isinstance(error, sqlite3.Error):
        sentence = _SENTENCES.get(_code(error), f"could not be used: {_ELSEWHERE}, and please report this")
        return JournalError(f"The journal {path} {sentence} ({_brief(error)}).")
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return JournalError(f"The journal {path} {_SENTENCES[sqlite3.SQLITE_READONLY]} ({error.strerror}).")
    if isinstance(error, OSError):
        return JournalError(f"The journal {path} could not be used ({error.strerror or error}): {_ELSEWHERE}.")
    return error


def _brief(error: Exception) -> str:
    """Return SQLite's message as one line of limited length. About a damaged schema, SQLite quotes whole statements."""
    said = " ".join(str(error).split())
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"


def is_busy(error: Exception) -> bool:
    """Return whether another process held the lock for too long. Another attempt might have to wait just as long."""
    return isinstance(error, sqlite3.Error) and _code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def spoils_the_connection(error: Exception) -> bool:
    """Return whether what the connection has cached of the file may be wrong after this error, so that it must not be used again."""
    return any(isinstance(one, sqlite3.Error) and _code(one) in _SPOILING for one in (error, error.__cause__))


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code, or 0 if Python's module raised the error itself."""
    # The upper bits are those of extended result codes.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
