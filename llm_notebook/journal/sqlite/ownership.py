"""Who runs which call: a lock file for each process that runs calls, which the system frees when the process ends, however it does."""

from __future__ import annotations

import os
import re
import secrets
import sys
import threading
from contextlib import suppress
from pathlib import Path

from llm_notebook.errors import JournalError
from llm_notebook.journal.sqlite.location import VARIABLE

__all__ = ["Ownership"]

_ATTEMPTS = 100
_NAME = re.compile("[0-9a-f-]+")

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool) -> None:  # noqa: ARG001  Windows has no shared locks
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class Ownership:
    """The lock of this process, and whether those of others are held.

    A name is never used twice, so that a process that happens to get a dead one's number is not taken for it.

    Args:
        journal: the journal's file; the lock files lie beside it.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._prefix = f"{journal.name}-owner-"
        self._guard = threading.Lock()
        self._name: str | None = None
        self._descriptor: int | None = None

    @property
    def name(self) -> str:
        """The name of this process's lock, which is taken when it is first asked for.

        Raises:
            JournalError: there is no lock to be had.
        """
        with self._guard:
            if self._name is None:
                try:
                    self._name, self._descriptor = self._taken()
                except OSError as error:
                    raise JournalError(
                        f"No lock can be held beside the journal {self._journal} ({error.strerror or error}), which running "
                        f"tools needs: set {VARIABLE} to a file on a local disk that you can write to."
                    ) from error
            return self._name

    @property
    def held(self) -> str | None:
        """The name of this process's lock, None while it has none."""
        return self._name

    def is_held(self, name: str | None) -> bool:
        """Whether the process that took the lock of this name still lives."""
        if name is None or not _NAME.fullmatch(name):
            return False
        return name == self._name or not self._is_free(self._path(name))

    def release(self, *, is_running: bool) -> None:
        """Free this process's lock, and remove its file. While calls are running it stays until the process ends."""
        with self._guard:
            name, descriptor = self._name, self._descriptor
            if name is None or descriptor is None or is_running:
                return
            self._name = self._descriptor = None
            with suppress(OSError):
                self._path(name).unlink()
            os.close(descriptor)

    def leave_to_parent(self) -> None:
        """In a forked child: let go of the lock, which stays the parent's and ends with it."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def dead(self) -> list[str]:
        """The names of the locks whose files are there and whose processes are not."""
        with suppress(OSError):
            paths = list(self._journal.parent.glob(f"{_literal(self._prefix)}*"))
            return [path.name.removeprefix(self._prefix) for path in paths if self._is_free(path)]
        return []

    def forget(self, name: str) -> None:
        """Remove the file of a dead process's lock."""
        self._is_free(self._path(name), remove=True)

    def _path(self, name: str) -> Path:
        return self._journal.with_name(self._prefix + name)

    def _taken(self) -> tuple[str, int]:
        for _ in range(_ATTEMPTS):
            name = f"{os.getpid()}-{secrets.token_hex(8)}"
            descriptor = os.open(self._path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if os.name == "posix":
                    os.fchmod(descriptor, 0o600)
                _lock(descriptor, shared=False)
                # Whoever looked at the file before it was locked has taken it for a dead one's, and may have removed it.
                if os.fstat(descriptor).st_nlink:
                    return name, descriptor
            except BlockingIOError:
                pass
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
        raise OSError("somebody else locks every file that is made for it")

    def _is_free(self, path: Path, *, remove: bool = False) -> bool:
        try:
            descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            _lock(descriptor, shared=True)
            if remove and os.name == "posix":
                path.unlink()
        except OSError:
            return False
        finally:
            os.close(descriptor)
        if remove and os.name != "posix":
            with suppress(OSError):
                path.unlink()
        return True


def _literal(pattern: str) -> str:
    """A file name in which `glob()` sees no wildcards."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in pattern)
