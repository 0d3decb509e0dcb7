"""What the programs that tools start write, which is no Python output: the kernel reads it from a pipe, in a thread of its own.

ipykernel puts a pipe in the place of the process's stdout and stderr and writes what arrives there to the cell. These are the two things
to be known about that: which thread does so, and when the pipe is empty.
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
    """Return whether the running thread is the one that writes to a stream what other programs have written."""
    return threading.current_thread() is getattr(stream, "watch_fd_thread", None)


def wait_for_pipes() -> None:
    """Wait until the kernel has read what other programs have written so far, or they write on and on."""
    until = time.monotonic() + _LONGEST_WAIT
    pipes = list(_pipes())
    is_empty = was_empty = False
    # A pipe is empty before its reader has passed on what it took out, for which it gets the time between two looks.
    while not (is_empty and was_empty) and time.monotonic() < until:
        time.sleep(_LOOKS_APART)
        is_empty, was_empty = not any(_waiting(pipe) for pipe in pipes), is_empty


def _pipes() -> Iterator[int]:
    for stream in (sys.stdout, sys.stderr):
        thread, pipe = getattr(stream, "watch_fd_thread", None), getattr(stream, "_fid", None)
        if isinstance(pipe, int) and isinstance(thread, threading.Thread) and thread.is_alive():
            yield pipe


def _waiting(pipe: int) -> int:
    """Return how many bytes of a pipe nobody has read yet; 0 where the system does not tell."""
    if sys.platform == "win32":
        return 0
    count: Any = bytearray(4)
    with suppress(OSError):
        fcntl.ioctl(pipe, termios.FIONREAD, count)
    return int.from_bytes(count, sys.byteorder)
