"""The output of programs that tools start. It is not Python output: the kernel reads it from a pipe, in a thread of its own.

ipykernel replaces the process's stdout and stderr with a pipe, and writes what arrives there to the cell. This module finds out two
things about that: which thread does it, and when the pipe is empty.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

if sys.platform != "win32":
    import fcntl
    import termios

__all__ = ["is_pipe_reader", "wait_for_pipes"]

_LONGEST_WAIT = 0.5  # seconds
_LOOKS_APART = 0.001  # seconds


def is_pipe_reader(stream: object) -> bool:
    """Return whether the current thread is the one that copies the output of other programs to a stream."""
    return threading.current_thread() is getattr(stream, "watch_fd_thread", None)


def wait_for_pipes() -> None:
    """Wait until the kernel has read what other programs have written so far. If they never stop writing, give up after a while."""
    until = time.monotonic() + _LONGEST_WAIT
    pipes = list(_pipes())
    is_empty = was_empty = False
    # A pipe is empty a moment before its reader has passed on the last of its contents. The time between two looks is enough for that.
    while not (is_empty and was_empty) and time.monotonic() < until:
        time.sleep(_LOOKS_APART)
        is_empty, was_empty = not any(_waiting(pipe) for pipe in pipes), is_empty


def _pipes() -> Iterator[int]:
    for stream in (sys.stdout, sys.stderr):
        thread, pipe = getattr(stream, "watch_fd_thread", None), getattr(stream, "_fid", None)
        if isinstance(pipe, int) and isinstance(thread, threading.Thread) and thread.is_alive():
            yield pipe


def _waiting(pipe: int) -> int:
    """Return how many bytes in a pipe have not been read yet; 0 if the system does not tell."""
    if sys.platform == "win32":
        return 0
    count: Any = bytearray(4)
    with suppress(OSError):
        fcntl.ioctl(pipe, termios.FIONREAD, count)
    return int.from_bytes(count, sys.byteorder)
