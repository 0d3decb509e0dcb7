"""Ownership of turns, running calls and grants: a lock file per process, by which others can tell whether the process is still alive.

How it works. When a journal says that a call is `started`, the call may still be running in another process, or that process may have
been killed and nobody knows what the call has done. Process ids cannot tell the two apart, because the system reuses them. But the
operating system frees a file lock when its holder ends, however it ends. So a process creates a lock file with a random name beside the
journal, keeps it locked, and writes the name into each turn that it begins, each call that it starts, and each grant that ends with it.
Any other process can then try the lock. If it gets it, the owner is dead: the turn was interrupted, the call's outcome is `unknown`, and the
grant has ended.

- A process that tries a lock takes a shared one, so that two processes that try at the same moment do not mistake each other for the owner.
- Between its creation and its locking, a new file looks like the file of a dead process, and another process may remove it. After locking,
  the owner therefore checks that the file still has a name, and otherwise starts over with a new file.
- A dead process's file is removed (`forget()`) only after the journal has recorded that its calls are `unknown`.
- If calls are still running when the journal is closed, the lock is kept until the process ends.
- A forked child shares the open file and would keep the lock when the parent dies, so it closes its descriptor.
"""

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

    def _lock(descriptor: int, *, shared: bool) -> None:
        del shared  # Windows has no shared locks
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class Ownership:
    """The lock of this process, and a view of the locks of other processes.

    The name of a lock is never used twice, so that a process that gets the id of a dead one is not mistaken for it.

    Args:
        journal: the journal's file. The lock files are beside it.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._prefix = f"{journal.name}-owner-"
        self._guard = threading.Lock()
        self._name: str | None = None
        self._descriptor: int | None = None

    @property
    def name(self) -> str:
        """The name of this process's lock. The lock is taken on first access.

        Raises:
            JournalError: no lock can be taken.
        """
        with self._guard:
            if self._name is None:
                try:
                    self._name, self._descriptor = self._take_lock()
                except OSError as error:
                    raise JournalError(
                        f"No lock can be held beside the journal {self._journal} ({error.strerror or error}), which running "
                        f"tools needs: set {VARIABLE} to a file on a local disk that you can write to."
                    ) from error
            return self._name

    @property
    def held(self) -> str | None:
        """The name of this process's lock; None if it has not taken one."""
        return self._name

    def is_held(self, name: str | None) -> bool:
        """Return whether the process that took the lock with this name is still alive."""
        if name is None or not _NAME.fullmatch(name):
            return False
        return name == self._name or not self._is_free(self._path(name))

    def release(self, *, is_running: bool) -> None:
        """Free this process's lock and remove its file, unless calls are still running."""
        with self._guard:
            name, descriptor = self._name, self._descriptor
            if name is None or descriptor is None or is_running:
                return
            self._name = self._descriptor = None
            with suppress(OSError):
                self._path(name).unlink()
            os.close(descriptor)

    def leave_to_parent(self) -> None:
        """In a forked child, close the lock file. The lock stays with the parent and ends with it."""
        if self._descriptor is not None:
            os.close(self._descriptor)

    def find_dead(self) -> list[str]:
        """Return the names of the locks whose files still exist although their processes have died."""
        with suppress(OSError):
            paths = list(self._journal.parent.glob(f"{_literal(self._prefix)}*"))
            return [path.name.removeprefix(self._prefix) for path in paths if self._is_free(path)]
        return []

    def forget(self, name: str) -> None:
        """Remove the file of a dead process's lock."""
        self._is_free(self._path(name), remove=True)

    def _path(self, name: str) -> Path:
        return self._journal.with_name(self._prefix + name)

    def _take_lock(self) -> tuple[str, int]:
        for _ in range(_ATTEMPTS):
            name = f"{os.getpid()}-{secrets.token_hex(8)}"
            descriptor = os.open(self._path(name), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                if os.name == "posix":
                    os.fchmod(descriptor, 0o600)
                _lock(descriptor, shared=False)
                # Another process may have seen the file before it was locked, mistaken it for that of a dead process, and removed it.
                if os.fstat(descriptor).st_nlink:
                    return name, descriptor
            except BlockingIOError:
                pass
            except BaseException:
                os.close(descriptor)
                # Nobody could ever tell that this file is free, and each turn would try again.
                with suppress(OSError):
                    self._path(name).unlink()
                raise
            os.close(descriptor)
        raise OSError("somebody else locks every file that is made for it")

    def _is_free(self, path: Path, *, remove: bool = False) -> bool:
        """Try a lock and return whether nobody holds it. With `remove`, delete the file of a free lock."""
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
            # Windows removes only files that are closed.
            with suppress(OSError):
                path.unlink()
        return True


def _literal(pattern: str) -> str:
    """Escape a file name so that `glob()` finds no wildcards in it."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in pattern)
