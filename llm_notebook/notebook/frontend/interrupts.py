"""What ■ does while our own code runs. ipykernel and Python let it raise KeyboardInterrupt between any two bytecodes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from llm_notebook.turns.interrupts import at_interrupts

__all__ = ["Hold", "held_interrupts", "holdable_interrupts"]


class Hold:
    """Lets each `with` block of `lock` finish even if ■ is pressed in it. The code after the block then looks at `is_pressed`.

    This costs next to nothing, whereas a change of the signal's handler takes ten microseconds.

    Attributes:
        lock: holds ■ while it is taken, which one thread may do.
        is_pressed: ■ was pressed meanwhile.
    """

    __slots__ = ("is_pressed", "lock")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_pressed = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Handle the signal that ■ sends."""
        if self.lock.locked():
            self.is_pressed = True
        else:
            signal.default_int_handler(number, frame)


@contextmanager
def holdable_interrupts() -> Iterator[Hold]:
    """Let ■ raise KeyboardInterrupt in the block, except where its `Hold` is used."""
    hold = Hold()
    with at_interrupts(hold.handle):
        yield hold


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Let the block finish even if ■ is pressed; the list that the block is given then holds the signal's number."""
    pressed: list[int] = []
    with at_interrupts(lambda number, _frame: pressed.append(number)):
        yield pressed
