"""Keeps a process from forking while any of its threads is inside SQLite, whose locks and mutexes a child would inherit as held."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Gate"]


class Gate:
    """Any number of threads may be inside; while it is shut, none may enter."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._is_shut = False

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Inside, as soon as the gate is open. Not to be entered a second time from inside."""
        with self._condition:
            self._condition.wait_for(lambda: not self._is_shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    def shut(self, timeout: float) -> bool:
        """Let nobody in any more, and wait until nobody is inside, but for so many seconds; returns whether nobody is."""
        with self._condition:
            self._is_shut = True
            return self._condition.wait_for(lambda: self._inside == 0, timeout)

    def open(self) -> None:
        """Let threads in again."""
        with self._condition:
            self._is_shut = False
            self._condition.notify_all()
