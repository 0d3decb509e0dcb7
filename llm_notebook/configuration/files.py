"""Small configuration files that several processes read and write.

Writers take a lock, write a temporary file, wait until it is on disk, and then rename it over the old one, so that readers see either
the old content or the new one. Readers take no lock: they keep the last value together with the file's inode, size and time stamps,
and read again when one of these has changed.

The `llm` command writes the same files in place and without a lock. A file that cannot be parsed may therefore be half written: reading
it causes a warning but never moves or changes it, and only when it is overwritten is a copy of its content kept.
"""

from __future__ import annotations

import codecs
import copy
import errno
import json
import os
import stat
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from llm_notebook.configuration.disk import (
    FileBytes,
    read_regular_file,
    status_if_exists,
    sync_folder,
    version_of,
    write_new_file,
)
from llm_notebook.errors import ModelError

__all__ = ["ConfigurationFile", "ConfigurationWarning", "JSONFile", "TextFile"]

T = TypeVar("T")

_LOCK_TIMEOUT_SECONDS = 30.0
_LOCK_POLL_SECONDS = 0.01
# The coarsest file systems store modification times in steps of 2 s: a younger file may change again under the same time stamp.
_SETTLED_NANOSECONDS = 2_000_000_000
_HALF_WRITTEN_PAUSE_SECONDS = 0.02


class ConfigurationWarning(UserWarning):
    """A configuration file could not be used as it is. The session continues without it."""


@dataclass(slots=True, repr=False)
class _Snapshot(Generic[T]):
    """The state of a file at one moment.

    Attributes:
        version: changes when the file changes.
        value: the decoded content, or the empty value.
        content: the bytes as read; empty for an absent or unreadable file.
        problem: why the content could not be used, as the end of a sentence that begins with the path.
        readable: False if the bytes themselves could not be read.
        settled: True if the same version is certain to mean the same content.
    """

    version: tuple[int, ...]
    value: T
    content: FileBytes
    problem: str | None = None
    readable: bool = True
    settled: bool = True


class ConfigurationFile(ABC, Generic[T]):
    """One small file, cached in this process and shared with other processes. Subclasses convert its text to a value.

    Args:
        path: the file. A symbolic link is followed: its target is read and replaced, and the link stays.
        private: never leave the file with a mode more open than 0600. Other files keep their mode. New files get 0600.
        lock_path: the lock file, whose folder is created (0700) if it is missing; by default `.NAME.lock` beside the file.
    """

    def __init__(self, path: Path, *, private: bool = False, lock_path: Path | None = None) -> None:
        self.path = path.absolute()
        self.private = private
        self.lock_path = lock_path or self.path.with_name(f".{self.path.name}.lock")
        self._cached: _Snapshot[T] | None = None
        self._warned: tuple[tuple[int, ...], str] | None = None

    @abstractmethod
    def empty(self) -> T:
        """Return the value for a file that is missing or cannot be used."""

    @abstractmethod
    def decode(self, text: str) -> T:
        """Return the value of the file's text.

        Raises:
            ValueError: the text is not valid; the message completes the sentence "the file …".
        """

    @abstractmethod
    def encode(self, value: T) -> str | None:
        """Return the text for a value, or None for a value that means "no file"."""

    def usable(self, value: T) -> tuple[T, str | None]:
        """Return the part of a value that readers get, and what is wrong with the rest (None if nothing is).

        The complaint completes the sentence "the file …".
        """
        return value, None

    def read(self) -> T:
        """Return a copy of the value.

        For a file that cannot be used this is the empty value, and each version of such a file causes one
        `ConfigurationWarning`.
        """
        cached = self._cached
        if cached is not None and cached.settled and cached.version == self._current_version():
            return copy.copy(cached.value)
        found = self._load()
        value, incomplete = self.usable(found.value)
        complaint = found.problem or incomplete
        if complaint is None and found.content.startswith(codecs.BOM_UTF8):
            complaint = "begins with a byte-order mark: it is understood here, but not by the `llm` command."
        # Only `update()` needs the bytes. They may have keys in them, so they are not kept longer than necessary.
        found.value, found.content = value, FileBytes()
        self._cached = found
        if complaint is not None and self._warned != (found.version, complaint):
            self._warned = (found.version, complaint)
            warnings.warn(f"{self.path} {complaint}", ConfigurationWarning, stacklevel=3)
        return copy.copy(value)

    def update(self, change: Callable[[T], T]) -> None:
        """Replace the value by the result of `change`. No other writer can come in between.

        Args:
            change: receives the present value, including the parts that readers do not get, and returns the value to store.
                If it raises, the file stays as it was. It must not update the same file.

        Raises:
            ModelError: the file cannot be read, locked or written, and stays as it was.
        """
        target = self._resolve_target()
        with self._hold_lock() as obstacle:
            found = self._load()
            if not found.readable:
                raise ModelError(f"{self.path} {found.problem} Nothing was written: move it away or make it readable.")
            before = self._encoded(found.value)
            after = self._encoded(change(found.value))
            # Even if the value stays the same, a file that cannot be used or is too open is written again.
            if after != before or found.problem is not None or self._is_too_open(target):
                try:
                    self._replace(target, found, after)
                except OSError as error:
                    raise ModelError(
                        f"{self.path} could not be written ({error.strerror}); it is as it was."
                    ) from error
        self._cached = None
        if obstacle is not None:
            warnings.warn(
                f"{self.path} was written without a lock ({obstacle}): do not change it in two sessions at once.",
                ConfigurationWarning,
                stacklevel=3,
            )

    def _current_version(self) -> tuple[int, ...]:
        try:
            return version_of(os.stat(self.path))
        except OSError as error:
            return (error.errno or 0,)

    def _load(self) -> _Snapshot[T]:
        """Read the file. If it was written a moment ago and cannot be used, it may be half written: read it once more."""
        found = self._load_once()
        if found.problem is not None and found.readable and not found.settled:
            time.sleep(_HALF_WRITTEN_PAUSE_SECONDS)
            found = self._load_once()
        return found

    def _load_once(self) -> _Snapshot[T]:
        try:
            content, status = read_regular_file(self.path)
        except OSError as error:
            version = (error.errno or 0,)
            if error.errno == errno.ENOENT:
                return _Snapshot(version, self.empty(), FileBytes())
            unreadable = f"cannot be read ({error.strerror}): it counts as empty."
            return _Snapshot(version, self.empty(), FileBytes(), unreadable, readable=False)
        settled = abs(time.time_ns() - status.st_mtime_ns) > _SETTLED_NANOSECONDS
        value, problem = self._decoded(content)
        return _Snapshot(version_of(status), value, content, problem, settled=settled)

    def _decoded(self, content: FileBytes) -> tuple[T, str | None]:
        try:
            return self.decode(content.decode("utf-8-sig")), None
        except UnicodeDecodeError:
            problem = "is not UTF-8 text"
        except RecursionError:
            problem = "is nested too deeply"
        except ValueError as error:
            problem = str(error)
        kept = ", and a copy will be kept when it is next written" if content.strip() else ""
        return self.empty(), f"{problem}: it counts as empty{kept}."

    def _encoded(self, value: T) -> FileBytes | None:
        text = self.encode(value)
        return None if text is None else FileBytes(text.encode())

    def _resolve_target(self) -> Path:
        target = Path(os.path.realpath(self.path))
        if target.is_symlink():
            raise ModelError(f"{self.path} is a symbolic link that leads back to itself: remove it, then try again.")
        return target

    def _is_too_open(self, target: Path) -> bool:
        try:
            return self.private and os.name == "posix" and bool(stat.S_IMODE(os.stat(target).st_mode) & 0o077)
        except OSError:
            return False

    @contextmanager
    def _hold_lock(self) -> Iterator[str | None]:
        """Hold the lock. If the file system has no locks, yield the reason, and the caller writes without one."""
        from filelock import FileLock, Timeout  # only writers need it

        lock = FileLock(self.lock_path, mode=0o600)
        obstacle: str | None = None
        try:
            self.lock_path.parent.mkdir(mode=0o700, exist_ok=True)
            lock.acquire(timeout=_LOCK_TIMEOUT_SECONDS, poll_interval=_LOCK_POLL_SECONDS)
        except Timeout:
            raise ModelError(
                f"{self.path} was not written: another process has held {self.lock_path} for "
                f"{_LOCK_TIMEOUT_SECONDS:.0f} seconds. End that process, then try again."
            ) from None
        except OSError as error:
            obstacle = error.strerror or str(error)
        except NotImplementedError as error:
            obstacle = str(error)
        try:
            yield obstacle
        finally:
            if obstacle is None:
                lock.release()

    def _replace(self, target: Path, found: _Snapshot[T], content: FileBytes | None) -> None:
        if found.problem is not None and found.content.strip():
            self._keep_copy(found.content)
        if content is None:
            self.path.unlink(missing_ok=True)
            sync_folder(self.path.parent)
            return
        existing = status_if_exists(target)
        # Renaming a new file over a write-protected one would work, but is not what its owner wants.
        if existing is not None and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is write-protected")
        mode = 0o600 if existing is None else stat.S_IMODE(existing.st_mode)
        temporary = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
        try:
            write_new_file(temporary, content, mode & 0o600 if self.private else mode, existing)
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(target.parent)

    def _keep_copy(self, content: FileBytes) -> None:
        """Copy content that could not be parsed and is about to be overwritten to `NAME.bad-TIME` (UTC, mode 0600)."""
        name = f"{self.path.name}.bad-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
        number = 1
        while True:
            copied = self.path.with_name(name if number == 1 else f"{name}-{number}")
            try:
                write_new_file(copied, content, 0o600)
            except FileExistsError:
                number += 1
            except BaseException:
                with suppress(OSError):
                    copied.unlink()
                raise
            else:
                return


class JSONFile(ConfigurationFile[dict[str, Any]]):
    """A JSON object in a file.

    Args:
        path: the file.
        indent: spaces per level when the file is written.
        value_type: the type of the values that readers get. Other values are left out with a warning, but stay in the file.
        private: never leave the file with a mode more open than 0600.
        lock_path: the lock file; by default `.NAME.lock` beside the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        indent: int = 2,
        value_type: type = object,
        private: bool = False,
        lock_path: Path | None = None,
    ) -> None:
        super().__init__(path, private=private, lock_path=lock_path)
        self.indent = indent
        self.value_type = value_type

    def empty(self) -> dict[str, Any]:
        return {}

    def decode(self, text: str) -> dict[str, Any]:
        if not text.strip():
            raise ValueError("has no content")
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            # The decoder's own error carries the whole text, which may contain keys.
            where = f"{error.msg}, line {error.lineno}, column {error.colno}"
            raise ValueError(f"is not valid JSON ({where})") from None
        if not isinstance(value, dict):
            raise ValueError(f"holds a JSON {_JSON_TYPE_NAMES[type(value)]} where an object belongs")
        return value

    def encode(self, value: dict[str, Any]) -> str:
        return json.dumps(value, indent=self.indent) + "\n"

    def usable(self, value: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
        good = {name: item for name, item in value.items() if isinstance(item, self.value_type)}
        bad = [f"{name!r} ({_JSON_TYPE_NAMES[type(item)]})" for name, item in value.items() if name not in good]
        if not bad:
            return good, None
        shown = ", ".join(bad[:3]) + (f" and {len(bad) - 3} more" if len(bad) > 3 else "")
        expected = _JSON_TYPE_NAMES.get(self.value_type, self.value_type.__name__)
        return good, f"has values that are not a {expected} and are left out: {shown}."


class TextFile(ConfigurationFile[str | None]):
    """A file with one line of text. White space around the line is dropped. None means no file."""

    def empty(self) -> str | None:
        return None

    def decode(self, text: str) -> str | None:
        line = text.strip()
        if not line:
            raise ValueError("has no content")
        if not line.isprintable():
            raise ValueError("is not one line of text")
        return line

    def encode(self, value: str | None) -> str | None:
        return value


_JSON_TYPE_NAMES = {
    dict: "object",
    list: "list",
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}
