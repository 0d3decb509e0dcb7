"""What ■ does while our own code runs. ipykernel and Python let it raise KeyboardInterrupt between any two bytecodes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from llm_notebook.configuration.process import process
from llm_notebook.turns.interrupts import Interrupts

__all__ = ["Hold", "held_interrupts", "holdable_interrupts", "interruptible", "stoppable"]


class Hold:
    """Lets each `with` block that it is used for finish even if ■ is pressed in it, and then raises KeyboardInterrupt.

    This costs next to nothing, whereas a change of the signal's handler takes ten microseconds.
    """

    __slots__ = ("_is_held", "_is_pressed")

    def __init__(self) -> None:
        self._is_held = self._is_pressed = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal that ■ sends."""
        if self._is_held:
            self._is_pressed = True
        else:
            signal.default_int_handler(number, frame)

    def __enter__(self) -> None:
        self._is_held = True

    def __exit__(self, *_error: object) -> None:
        self._is_held = False
        if self._is_pressed:
            self._is_pressed = False
            raise KeyboardInterrupt


@contextmanager
def holdable_interrupts() -> Iterator[Hold]:
    """Let ■ raise KeyboardInterrupt in the block, except where its `Hold` is used."""
    hold = Hold()
    with _at_interrupts(hold.handle):
        yield hold


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Let the block finish even if ■ is pressed; the list that the block is given then holds the signal's number."""
    pressed: list[int] = []
    with _at_interrupts(lambda number, _frame: pressed.append(number)):
        yield pressed


@contextmanager
def interruptible() -> Iterator[None]:
    """Let ■ raise KeyboardInterrupt in the block, also in a cell with `await`.

    There ipykernel asks the event loop to cancel the cell, which the loop cannot do while the block holds it.
    """
    with _at_interrupts(signal.default_int_handler):
        yield


@contextmanager
def stoppable() -> Iterator[None]:
    """Do what `interruptible()` does, but only in a cell with `await`: otherwise whoever handles ■ is left to do so."""
    handler = signal.getsignal(signal.SIGINT)
    is_cancelling = getattr(handler, "__module__", "").startswith("ipykernel.")
    with interruptible() if is_cancelling else _noted_as_stoppable():
        yield


@contextmanager
def _noted_as_stoppable() -> Iterator[None]:
    """Spare the code in the block the question of how ■ is handled in the main thread."""
    interrupts = process.of(Interrupts)
    if interrupts.is_stoppable or threading.current_thread() is not threading.main_thread():
        yield
        return
    interrupts.is_stoppable = True
    try:
        yield
    finally:
        interrupts.is_stoppable = False


@contextmanager
def _at_interrupts(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let a function handle ■ during the block."""
    # Python allows signal handlers in the main thread only, and ■ never interrupts another one.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        with _noted_as_stoppable():
            yield
    finally:
        # None stands for a handler that was not installed from Python, which cannot be put back.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
