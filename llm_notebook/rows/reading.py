"""Reads the rows of an iterator in a thread of its own, so that a slow one holds up neither the answers to earlier rows nor ■."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextvars import copy_context
from typing import Generic, TypeVar

__all__ = ["RowReader"]

R = TypeVar("R")


class RowReader(Generic[R]):
    """Reads rows while there is room for them.

    Args:
        rows: the rows.
    """

    def __init__(self, rows: Iterator[R]) -> None:
        self._rows = rows
        self._changed = threading.Condition()
        self._come: list[R] = []
        self._room = 0
        self._is_over = self._is_closed = False
        self._error: BaseException | None = None
        self._arrival: Future[None] | None = None
        # A daemon, so that an iterator that never yields anything more does not keep the process from ending.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._run,), name="llm_notebook rows of an iterator", daemon=True
        )

    def read(self, most: int) -> Future[None]:
        """Make room for so many rows. The future is done when one of them has come, or there are no more."""
        arrival: Future[None] = Future()
        with self._changed:
            self._room = most
            if self._come or self._is_over:
                arrival.set_result(None)
            else:
                self._arrival = arrival
            self._changed.notify()
        if self._thread.ident is None:
            self._thread.start()
        return arrival

    def take(self) -> tuple[list[R], bool]:
        """Return the rows that have come, and whether they are the last ones.

        Raises:
            BaseException: the error of an iterator that has failed, once the rows before it are taken.
        """
        with self._changed:
            rows, self._come = self._come, []
            self._room -= len(rows)
            if self._error is not None and not rows:
                raise self._error
            return rows, self._is_over and self._error is None

    def close(self) -> None:
        """Read nothing more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _run(self) -> None:
        while self._has_room():
            try:
                row = next(self._rows)
            except StopIteration:
                self._end(None)
            except BaseException as error:
                # Whoever takes the rows raises it.
                self._end(error)
            else:
                with self._changed:
                    self._come.append(row)
                self._tell()

    def _has_room(self) -> bool:
        """Wait until there is room for a row. Return False if none is wanted any more."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._come) < self._room or self._is_closed)
            return not self._is_closed

    def _end(self, error: BaseException | None) -> None:
        with self._changed:
            self._is_over = self._is_closed = True
            self._error = error
        self._tell()

    def _tell(self) -> None:
        with self._changed:
            arrival, self._arrival = self._arrival, None
        if arrival is not None:
            arrival.set_result(None)
