"""The file operations under the configuration files: whole files read and written, private from the first byte, and durable."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["FileBytes", "read_regular_file", "status_if_exists", "sync_folder", "version_of", "write_new_file"]


class FileBytes(bytes):
    """The content of a file. Its repr shows only the size, because the content may be secret."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{len(self)} bytes>"


def version_of(status: os.stat_result) -> tuple[int, ...]:
    """Return values of which at least one changes when a file is written or replaced."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def status_if_exists(path: Path) -> os.stat_result | None:
    """Return the status of a file, or None if there is no such file."""
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def read_regular_file(path: Path) -> tuple[FileBytes, os.stat_result]:
    """Return the content of a file, and its status from the moment before it was read.

    Raises:
        OSError: the file cannot be read, or is a folder, a pipe or a device.
    """
    # Without O_NONBLOCK, opening a named pipe that has no writer would block forever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return FileBytes(file.read()), status


def write_new_file(path: Path, content: FileBytes, mode: int, owner: os.stat_result | None = None) -> None:
    """Write a file that must not exist yet, and wait until it is on disk.

    The file has its final mode before its first byte.

    Args:
        path: the new file.
        content: its bytes.
        mode: its mode.
        owner: the status of the file that it replaces, whose owner it gets if this user may do that.
    """
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


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable, on platforms where folders can be synchronised."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
