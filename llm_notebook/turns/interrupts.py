"""How code that waits for a model in sync is stopped. A program needs nothing for that; a kernel may."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

__all__ = ["Interrupts"]


class Interrupts:
    """The process's way to let a wait be interrupted.

    Attributes:
        stoppable: returns a context in which the code that waits for a response, a tool or the journal can be interrupted.
    """

    def __init__(self) -> None:
        self.stoppable: Callable[[], AbstractContextManager[None]] = nullcontext
