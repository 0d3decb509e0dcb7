"""A gate in front of SQLite, which a fork shuts: a child would inherit the locks and mutexes of threads inside SQLite as held."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["Gate"]


class Gate:
    """A gate that any number of threads may pass at a time. While it is shut, none may enter."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._is_shut = False

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Wait until the gate is open, and be inside for the length of the `with` block. A thread must not enter twice."""
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
        """Shut the gate, and wait for the threads inside to leave. Returns whether they all left within `timeout` seconds."""
        with self._condition:
            self._is_shut = True
            return self._condition.wait_for(lambda: self._inside == 0, timeout)

    def open(self) -> None:
        """Open the gate again."""
        with self._condition:
            self._is_shut = False
            self._condition.notify_all()
