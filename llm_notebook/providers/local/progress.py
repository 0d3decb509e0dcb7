"""What installations of weights share: telling how far they are, waiting for one another, copying with a digest."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

__all__ = ["Progress", "Steps", "copied_digest", "held", "megabytes"]

Progress = Callable[[str], None]
"""Called with a line such as "Downloading SmolLM2-135M (93 MB): 40 %", some twenty times per step, a hundred for large files."""

_PIECE_BYTES = 1 << 20
_LARGE = 1_000_000_000
_UNSIZED_STEP = 10_000_000


class Steps:
    """Turns byte counts into lines, and tells each line once.

    Args:
        title: what is installed.
        progress: called with each line.
    """

    def __init__(self, title: str, progress: Progress) -> None:
        self.title = title
        self.say = progress
        self._told = ""

    def __call__(self, doing: str, done: int, total: int | None) -> None:
        """Tell that so many bytes of so many are done; `total` is None where that is not known."""
        if total is None:
            line = f"{doing} {self.title}: {megabytes(done // _UNSIZED_STEP * _UNSIZED_STEP)}"
        else:
            step = 1 if total >= _LARGE else 5
            percent = min(100, step * (100 * done // (step * total))) if total else 100
            line = f"{doing} {self.title} ({megabytes(total)}): {percent} %"
        if line != self._told:
            self._told = line
            self.say(line)


def megabytes(size: int) -> str:
    """A size as people read it."""
    return f"{size / 1e6:.0f} MB" if size < _LARGE else f"{size / 1e9:.1f} GB"


@contextlib.contextmanager
def held(lock_path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold this lock file. `waiting` is called if another process has it."""
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


def copied_digest(source: IO[bytes], copy: IO[bytes] | None, tell: Callable[[int], None]) -> str:
    """Read all of a file, into a copy if one is wanted, and give its SHA-256 as hexadecimal digits.

    Args:
        tell: called with the number of bytes after every piece.
    """
    digest, done = hashlib.sha256(), 0
    while piece := source.read(_PIECE_BYTES):
        digest.update(piece)
        if copy is not None:
            copy.write(piece)
        done += len(piece)
        tell(done)
    return digest.hexdigest()
