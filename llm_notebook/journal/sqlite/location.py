"""The location of a journal's file: its path, the creation of its folder and of a private file, and whether its disk is local."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from llm_notebook.configuration.folders import data_dir, own_dir
from llm_notebook.errors import JournalError, ModelError

__all__ = ["default_path", "is_on_local_disk", "prepare_file", "resolve"]

VARIABLE = "LLM_NOTEBOOK_JOURNAL"
_FILE_NAME = "journal.db"
# All others count as network or FUSE file systems, on which WAL mode's memory shared between processes may not work.
_LOCAL_FILE_SYSTEMS = frozenset(
    "apfs bcachefs btrfs erofs ext2 ext3 ext4 exfat f2fs hfs jfs msdos nilfs2 ntfs ntfs3 overlay ramfs reiserfs "
    "rootfs shiftfs tmpfs ufs vfat xfs zfs".split()
)
_WINDOWS_REMOTE_DRIVE = 4


def default_path() -> Path:
    """Return the path of the user's own journal.

    It is what `LLM_NOTEBOOK_JOURNAL` names; or else `journal.db` in this package's folder under `LLM_USER_PATH` if that is set,
    or in the data folder.

    Raises:
        JournalError: the folder is missing and cannot be created.
    """
    named = os.getenv(VARIABLE)
    if named:
        return Path(named)
    try:
        folder = own_dir() if os.getenv("LLM_USER_PATH") else data_dir()
    except ModelError as error:
        raise JournalError(str(error)) from error
    return folder / _FILE_NAME


def resolve(path: Path | str) -> Path:
    """Return the absolute path behind `~` and symbolic links, where SQLite puts its own files too."""
    return Path(os.path.realpath(Path(path).expanduser()))


def prepare_file(path: Path) -> None:
    """Create the folder (0700) and an empty file (0600) if they are missing. Existing ones keep their modes.

    Raises:
        JournalError: one of them cannot be created, or something else has its name.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # With O_EXCL, an existing file is not opened: closing it again would release the locks of this process's connections.
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        _assert_is_file(path)
        return
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be created ({error.strerror}): set {VARIABLE} to a file that you can write to."
        ) from error
    try:
        if os.name == "posix":
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _assert_is_file(path: Path) -> None:
    if path.parent.exists() and not path.parent.is_dir():
        what = f"The journal's folder {path.parent} is not a folder"
    elif not stat.S_ISREG(os.stat(path).st_mode):
        what = f"The journal {path} is {'a folder' if path.is_dir() else 'not a file'}"
    else:
        return
    raise JournalError(f"{what}: move it away, or set {VARIABLE} to another file.")


def is_on_local_disk(path: Path) -> bool:
    """Return whether the file's folder is on a disk of this machine; False if that cannot be determined."""
    with suppress(OSError, ValueError, subprocess.SubprocessError):
        if sys.platform == "win32":
            return _is_local_drive(path)
        if sys.platform == "darwin":
            done = subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=True)
            return local_by_mount_output(done.stdout, path)
        return local_by_mountinfo(Path("/proc/self/mountinfo").read_text(errors="surrogateescape"), path)
    return False


def local_by_mountinfo(mountinfo: str, path: Path) -> bool:
    """Return whether a path is on a local disk, according to Linux's `/proc/self/mountinfo`.

    The deepest mount above the path counts, and of several mounts in the same place the last one.
    """
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        fields, separator, after = line.partition(" - ")
        if not separator:
            continue
        mount_point = _without_escapes(fields.split(" ")[4])
        if path.is_relative_to(mount_point) and len(mount_point) >= best:
            best, kind = len(mount_point), after.split(" ")[0]
    return kind in _LOCAL_FILE_SYSTEMS


def local_by_mount_output(output: str, path: Path) -> bool:
    """Return whether a path is on a local disk, according to macOS's `mount`.

    The option `local` alone does not tell, because FUSE file systems have it too.
    """
    best, is_local = -1, False
    for line in output.splitlines():
        _, separator, rest = line.partition(" on ")
        mount_point, has_options, options = rest.rpartition(" (")
        if separator and has_options and path.is_relative_to(mount_point) and len(mount_point) >= best:
            kind, *flags = options.rstrip(")").split(", ")
            best, is_local = len(mount_point), "local" in flags and kind in _LOCAL_FILE_SYSTEMS
    return is_local


def _without_escapes(text: str) -> str:
    """Decode a path in mountinfo, where spaces, tabs, line ends and backslashes are written as three octal digits."""
    for character in " \t\n\\":
        text = text.replace(f"\\{ord(character):03o}", character)
    return text


def _is_local_drive(path: Path) -> bool:
    if sys.platform != "win32":
        return False
    import ctypes  # only needed on Windows

    windll = ctypes.windll
    return bool(path.drive[1:] == ":" and windll.kernel32.GetDriveTypeW(f"{path.drive}\\") != _WINDOWS_REMOTE_DRIVE)
