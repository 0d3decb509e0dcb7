"""Withdraws what has not been sent yet: a run that has ended sends nothing more, and nobody waits any longer to send something for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from llm_notebook.turns.concurrency.interrupts import wait_stoppably

__all__ = ["Withdrawal", "Withdrawn", "current_withdrawal", "pause", "refuse_withdrawn", "waking", "withdrawn_by"]


class Withdrawn(BaseException):
    """What is asked is not wanted any more. Like KeyboardInterrupt, this is no failure of the model, and no code that handles failures may catch it."""


class Withdrawal:
    """Withdraws what a run asks. Safe to use from several threads.

    Attributes:
        is_made: whether nothing more may be sent.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sleepers: set[Callable[[], object]] = set()
        self.is_made = False

    def make(self) -> None:
        """Let nothing more be sent, and wake everyone who waits to send something."""
        if self.is_made:
            return
        with self._lock:
            self.is_made = True
            woken = list(self._sleepers)
        for wake in woken:
            wake()

    def refuse(self) -> None:
        """Raise an error if nothing more may be sent.

        Raises:
            Withdrawn: nothing more may be sent.
        """
        if self.is_made:
            raise Withdrawn

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Let a function be called, by any thread, when this is made during the `with` block; at once if it was made before."""
        with self._lock:
            self._sleepers.add(wake)
            is_made = self.is_made
        if is_made:
            wake()
        try:
            yield
        finally:
            with self._lock:
                self._sleepers.discard(wake)


current_withdrawal: ContextVar[Withdrawal | None] = ContextVar("llm_notebook_withdrawal", default=None)
"""What may withdraw what is asked here; None if nothing does."""


@contextmanager
def withdrawn_by(withdrawal: Withdrawal) -> Iterator[None]:
    """Let what is asked in the `with` block be withdrawn."""
    token = current_withdrawal.set(withdrawal)
    try:
        yield
    finally:
        current_withdrawal.reset(token)


def refuse_withdrawn() -> None:
    """Raise an error if what is asked here was withdrawn. Call this before something is sent.

    Raises:
        Withdrawn: it was withdrawn.
    """
    withdrawal = current_withdrawal.get()
    if withdrawal is not None:
        withdrawal.refuse()


@contextmanager
def waking(wake: Callable[[], object]) -> Iterator[None]:
    """Let a function be called, by any thread, when what is asked here is withdrawn during the `with` block."""
    withdrawal = current_withdrawal.get()
    if withdrawal is None:
        yield
        return
    with withdrawal.waking(wake):
        yield


def pause(seconds: float) -> None:
    """Wait in this thread.

    Raises:
        Withdrawn: what is asked here was withdrawn in the meantime.
    """
    woken = threading.Event()
    with waking(woken.set):
        wait_stoppably(woken, seconds)
    refuse_withdrawn()
