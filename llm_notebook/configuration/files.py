"""Small configuration files that several processes read and write: lock, temporary file, fsync, replace, quarantine.

The `llm` command writes the same files in place and without a lock. So a file that cannot be understood may be half
written: reading it costs a warning and never moves or changes it; its content is copied aside when we overwrite it.
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

from llm_notebook.errors import ModelError

__all__ = ["ConfigurationFile", "ConfigurationWarning", "FileBytes", "JSONFile", "TextFile"]

T = TypeVar("T")

_LOCK_TIMEOUT_SECONDS = 30.0
_LOCK_POLL_SECONDS = 0.01
# File systems keep modification times to 2 s at worst; a younger file may change again under the same time stamp.
_SETTLED_NANOSECONDS = 2_000_000_000
_HALF_WRITTEN_PAUSE_SECONDS = 0.02


class ConfigurationWarning(UserWarning):
    """A configuration file could not be used as it is. The session goes on without it."""


class FileBytes(bytes):
    """The content of a file. Its repr gives only the size, as the content may be secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


@dataclass(slots=True, repr=False)
class _Snapshot(Generic[T]):
    """What a file held at one moment.

    Attributes:
        version: changes when the file does.
        value: the decoded content, or the empty value.
        content: the bytes as read; empty for an absent or unreadable file.
        problem: why the content could not be used, as the end of a sentence that begins with the path.
        readable: False where the bytes themselves could not be had.
        settled: the same version is sure to mean the same content.
    """

    version: tuple[int, ...]
    value: T
    content: FileBytes
    problem: str | None = None
    readable: bool = True
    settled: bool = True


class ConfigurationFile(ABC, Generic[T]):
    """One small file, cached for this process and shared with others. Subclasses say how its text becomes a value.

    Args:
        path: the file. A symbolic link is followed: its target is read and replaced, the link stays.
        private: the file is never left more open than 0600. Others keep the mode they have; new ones are 0600.
        lock_path: the lock file, in a folder that is made (0700) if missing; by default `.NAME.lock` beside the file.
    """

    def __init__(self, path: Path, *, private: bool = False, lock_path: Path | None = None) -> None:
        self.path = path.absolute()
        self.private = private
        self.lock_path = lock_path or self.path.with_name(f".{self.path.name}.lock")
        self._cached: _Snapshot[T] | None = None
        self._warned: tuple[tuple[int, ...], str] | None = None

    @abstractmethod
    def empty(self) -> T:
        """The value of a file that is missing or cannot be used."""

    @abstractmethod
    def decode(self, text: str) -> T:
        """The value of the file's text.

        Raises:
            ValueError: it has none; the message completes the sentence "the file …".
        """

    @abstractmethod
    def encode(self, value: T) -> str | None:
        """The text that stands for a value; None for a value that means "no file"."""

    def usable(self, value: T) -> tuple[T, str | None]:
        """The part of a value that readers get, and what is wrong with the rest as the end of "the file …"."""
        return value, None

    def read(self) -> T:
        """A copy of the value; for a file that is no good the empty one, and a `ConfigurationWarning` per version."""
        cached = self._cached
        if cached is not None and cached.settled and cached.version == self._version():
            return copy.copy(cached.value)
        found = self._load()
        value, incomplete = self.usable(found.value)
        complaint = found.problem or incomplete
        if complaint is None and found.content.startswith(codecs.BOM_UTF8):
            complaint = "begins with a byte-order mark: it is understood here, but not by the `llm` command."
        found.value, found.content = value, FileBytes()
        self._cached = found
        if complaint is not None and self._warned != (found.version, complaint):
            self._warned = (found.version, complaint)
            warnings.warn(f"{self.path} {complaint}", ConfigurationWarning, stacklevel=3)
        return copy.copy(value)

    def update(self, change: Callable[[T], T]) -> None:
        """Replace the value by what `change` makes of it, with no other writer in between.

        Args:
            change: given the present value (all of it, also what readers do not get), returns the one to store. What it
                raises leaves the file as it was. It must not update the same file itself.

        Raises:
            ModelError: the file cannot be read, locked or written; it is as it was.
        """
        target = self._target()
        with self._locked() as obstacle:
            found = self._load()
            if not found.readable:
                raise ModelError(f"{self.path} {found.problem} Nothing was written: move it away or make it readable.")
            before = self._encoded(found.value)
            after = self._encoded(change(found.value))
            if after != before or found.problem is not None or self._too_open(target):
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

    def _version(self) -> tuple[int, ...]:
        try:
            return _version_of(os.stat(self.path))
        except OSError as error:
            return (error.errno or 0,)

    def _load(self) -> _Snapshot[T]:
        """The file as it is now. One that was written a moment ago and makes no sense is looked at a second time."""
        found = self._load_once()
        if found.problem is not None and found.readable and not found.settled:
            time.sleep(_HALF_WRITTEN_PAUSE_SECONDS)
            found = self._load_once()
        return found

    def _load_once(self) -> _Snapshot[T]:
        try:
            content, status = _read_regular_file(self.path)
        except OSError as error:
            version = (error.errno or 0,)
            if error.errno == errno.ENOENT:
                return _Snapshot(version, self.empty(), FileBytes())
            unreadable = f"cannot be read ({error.strerror}): it counts as empty."
            return _Snapshot(version, self.empty(), FileBytes(), unreadable, readable=False)
        settled = abs(time.time_ns() - status.st_mtime_ns) > _SETTLED_NANOSECONDS
        value, problem = self._decoded(content)
        return _Snapshot(_version_of(status), value, content, problem, settled=settled)

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

    def _target(self) -> Path:
        target = Path(os.path.realpath(self.path))
        if target.is_symlink():
            raise ModelError(f"{self.path} is a symbolic link that leads back to itself: remove it, then try again.")
        return target

    def _too_open(self, target: Path) -> bool:
        try:
            return self.private and os.name == "posix" and bool(stat.S_IMODE(os.stat(target).st_mode) & 0o077)
        except OSError:
            return False

    @contextmanager
    def _locked(self) -> Iterator[str | None]:
        """Holds the lock; gives the reason where the file system has none to give (then writing goes on without)."""
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
            _sync_folder(self.path.parent)
            return
        existing = _status(target)
        if existing is not None and not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, "it is write-protected")
        mode = 0o600 if existing is None else stat.S_IMODE(existing.st_mode)
        temporary = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
        try:
            _write_new_file(temporary, content, mode & 0o600 if self.private else mode, existing)
            os.replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(target.parent)

    def _keep_copy(self, content: FileBytes) -> None:
        """Copies what is about to be overwritten and could not be understood to `NAME.bad-TIME` (UTC, mode 0600)."""
        name = f"{self.path.name}.bad-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}"
        number = 1
        while True:
            copied = self.path.with_name(name if number == 1 else f"{name}-{number}")
            try:
                _write_new_file(copied, content, 0o600)
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
        indent: spaces per level when it is written.
        value_type: what readers get values of; others are left out with a warning, and stay in the file.
        private: the file is never left more open than 0600.
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
            # Raised anew: the decoder's error carries the whole text, which may hold keys.
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
    """One line of text in a file, without the white space around it. None stands for no file."""

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


def _version_of(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _read_regular_file(path: Path) -> tuple[FileBytes, os.stat_result]:
    # A named pipe without a writer would block an ordinary open for good.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return FileBytes(file.read()), status


def _write_new_file(path: Path, content: FileBytes, mode: int, owner: os.stat_result | None = None) -> None:
    """Writes a file that must not exist yet, its final mode before its first byte, and waits until it is on disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode & 0o600)
    with open(descriptor, "wb") as file:
        if os.name == "posix":
            if owner is not None and (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                with suppress(OSError):
                    os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Makes a rename durable, where the platform lets folders be synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
