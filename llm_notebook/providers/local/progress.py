"""Tools for the installation of model files: progress reports, a lock between processes, and copying with a digest."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

__all__ = ["Line", "Progress", "Steps", "copy_and_digest", "hold_lock", "megabytes"]

Progress = Callable[[str], None]
"""A function that is called with a line such as "Downloading SmolLM2-135M (93 MB): 40 %", about twenty times for each step, or a hundred
times for a large file."""

_PIECE_BYTES = 1 << 20
_LARGE = 1_000_000_000
_UNSIZED_STEP = 10_000_000


class Line(str):
    """A line of a progress report that says how far something is.

    Args:
        text: the line.
        percent: the same as a number.
    """

    percent: int

    def __new__(cls, text: str, percent: int) -> Line:
        line = super().__new__(cls, text)
        line.percent = percent
        return line


class Steps:
    """A progress report that turns byte counts into lines, and reports each line once.

    Args:
        title: the name of what is installed.
        progress: called with each line.
    """

    def __init__(self, title: str, progress: Progress) -> None:
        self.title = title
        self.say = progress
        self._last_line = ""

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        """Report progress.

        Args:
            doing: the step, such as `Downloading`.
            done: the number of bytes that are done.
            total: the number of bytes there are; None if it is not known.
        """
        line: str
        if total is None:
            line = f"{doing} {self.title}: {megabytes(done // _UNSIZED_STEP * _UNSIZED_STEP)}"
        else:
            step = 1 if total >= _LARGE else 5
            percent = min(100, step * (100 * done // (step * total))) if total else 100
            line = Line(f"{doing} {self.title} ({megabytes(total)}): {percent} %", percent)
        if line != self._last_line:
            self._last_line = line
            self.say(line)


def megabytes(size: int) -> str:
    """Return a size in bytes as text in megabytes or gigabytes."""
    return f"{size / 1e6:.0f} MB" if size < _LARGE else f"{size / 1e9:.1f} GB"


@contextlib.contextmanager
def hold_lock(lock_path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold this lock file during the `with` block. `waiting` is called if another process holds it."""
    from filelock import FileLock, Timeout  # only an installation needs it

    lock = FileLock(lock_path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def copy_and_digest(source: IO[bytes], copy: IO[bytes] | None, tell: Callable[[int], None]) -> str:
    """Read a whole file, copy it if a copy is wanted, and return its SHA-256 as hexadecimal digits.

    Args:
        source: the open file.
        copy: the open file to write to; None only computes the digest.
        tell: called after every piece with the number of bytes read so far.
    """
    digest, done = hashlib.sha256(), 0
    while piece := source.read(_PIECE_BYTES):
        digest.update(piece)
        if copy is not None:
            copy.write(piece)
        done += len(piece)
        tell(done)
    return digest.hexdigest()
