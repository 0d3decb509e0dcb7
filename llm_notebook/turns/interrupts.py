"""How ■ reaches code that waits for a model. In a program Ctrl+C needs nothing of this; a kernel may handle the signal differently."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

__all__ = ["at_interrupts", "interruptible", "stoppable"]


def stoppable() -> AbstractContextManager[None]:
    """Let ■ raise KeyboardInterrupt in the block if nothing else would: in a cell with `await`. Elsewhere its handler stays.

    There ipykernel asks the event loop to cancel the cell, which the loop cannot do while sync code holds it.
    """
    handler = signal.getsignal(signal.SIGINT)
    asks_the_loop = getattr(handler, "__module__", "").startswith("ipykernel.")
    return interruptible() if asks_the_loop else nullcontext()


def interruptible() -> AbstractContextManager[None]:
    """Let ■ raise KeyboardInterrupt in the block, whatever handled it before."""
    return at_interrupts(signal.default_int_handler)


@contextmanager
def at_interrupts(handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Let a function handle ■ during the block."""
    # Python allows signal handlers in the main thread only, and ■ never interrupts another one.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        # None stands for a handler that was not installed from Python, which cannot be put back.
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
