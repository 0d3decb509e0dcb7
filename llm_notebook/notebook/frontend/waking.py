"""Wakes the kernel's event loop when ■ is pressed, so that a cell with `await` stops at once.

How it works. In such a cell, ipykernel answers ■ by asking its event loop to cancel the cell. It asks from a signal handler, which runs in the
loop's own thread, and from there tornado does not wake the loop. So while the loop sleeps, because the cell waits for a model that is
silent, ■ has no effect until something else happens. Python can write a byte to a socket at each signal, and the loop wakes when there is
something to read at the other end.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from contextlib import suppress

__all__ = ["LoopWaker"]


class LoopWaker:
    """Wakes the event loop that runs when it is opened at every signal, unless something else does so already."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reading: socket.socket | None = None
        self._writing: socket.socket | None = None

    def open(self) -> None:
        """Begin to wake the loop. Without one, as in a terminal, and outside of the main thread, there is nothing to do."""
        with suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()
        if self._loop is None or threading.current_thread() is not threading.main_thread():
            return
        self._reading, self._writing = socket.socketpair()
        self._reading.setblocking(False)
        self._writing.setblocking(False)
        before = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        if before != -1:
            # Asyncio itself has signal handlers, and then wakes the loop.
            signal.set_wakeup_fd(before)
            self.close()
            return
        try:
            self._loop.add_reader(self._reading, self._drain)
        except NotImplementedError:
            # The usual loop of Windows cannot watch a socket.
            self.close()

    def close(self) -> None:
        """Stop waking it. Only the main thread can, so in any other the loop is woken for as long as the process lives."""
        if self._loop is None or self._reading is None or self._writing is None:
            return
        if threading.current_thread() is not threading.main_thread():
            return
        current = signal.set_wakeup_fd(-1)
        if current not in (-1, self._writing.fileno()):
            signal.set_wakeup_fd(current)
        if not self._loop.is_closed():
            with suppress(NotImplementedError):
                self._loop.remove_reader(self._reading)
        self._reading.close()
        self._writing.close()
        self._loop = self._reading = self._writing = None

    def _drain(self) -> None:
        if self._reading is not None:
            with suppress(BlockingIOError):
                self._reading.recv(4096)
