"""Says what ■ does while our own code runs: it stops code that waits for a model, and is held back where code must not be interrupted.

Python and ipykernel let it raise KeyboardInterrupt between any two bytecodes, except in a cell with `await`.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

__all__ = [
    "LONGEST_WAIT",
    "Hold",
    "held_interrupts",
    "holdable_interrupts",
    "interruptible",
    "stoppable",
    "wait_stoppably",
]


LONGEST_WAIT = 0.2
"""How many seconds code that ■ may stop waits at once. A signal that arrives just before a wait does not end it, nor does one that the system
gives to another thread: Python hears of it only after the wait."""


def stoppable() -> AbstractContextManager[None]:
    """Let ■ raise KeyboardInterrupt in the block if nothing else would, which is so in a cell with `await`. Elsewhere its handler stays.

    In such a cell, ipykernel asks the event loop to cancel the cell, which the loop cannot do while sync code blocks it.
    """
    if "polars" in sys.modules and sys.platform != "win32":
        # polars puts a handler of its own before Python's, and has the system go on with the wait that the signal broke off. Python hears
        # of the signal only after the wait. Taking that back costs more than a chunk does, so it is done only where it may be needed.
        signal.siginterrupt(signal.SIGINT, True)
    if "ipykernel" not in sys.modules:
        return nullcontext()
    handler = signal.getsignal(signal.SIGINT)
    asks_the_loop = getattr(handler, "__module__", "").startswith("ipykernel.")
    return interruptible() if asks_the_loop else nullcontext()


def interruptible() -> AbstractContextManager[None]:
    """Let ■ raise KeyboardInterrupt in the block, whatever its handler was before."""
    return _at_interrupts(signal.default_int_handler)


def wait_stoppably(event: threading.Event, seconds: float) -> None:
    """Wait for an event, for so many seconds at most."""
    while not event.wait(min(seconds, LONGEST_WAIT)) and seconds > LONGEST_WAIT:
        seconds -= LONGEST_WAIT


class Hold:
    """Lets each `with` block of `lock` finish even if ■ is pressed in it. The code after the block then has to check `is_pressed`.

    This costs next to nothing, whereas changing the signal's handler takes ten microseconds.

    Attributes:
        lock: holds ■ back while it is taken. Only one thread may take it.
        is_pressed: whether ■ was pressed in the meantime.
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
    with _at_interrupts(hold.handle):
        yield hold


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Let the block finish even if ■ is pressed. The list that the block is given then holds the signal's number."""
    pressed: list[int] = []
    with _at_interrupts(lambda number, _frame: pressed.append(number)):
        yield pressed


@contextmanager
def _at_interrupts(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let a function handle ■ during the block."""
    # Python allows signal handlers only in the main thread, and ■ never interrupts any other.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        # None means a handler that was not installed from Python, which cannot be restored.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
