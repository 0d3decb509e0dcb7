"""How code that waits for a model in sync is stopped. A program needs nothing for that; a kernel may."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

__all__ = ["Interrupts"]

_NOTHING = nullcontext()


class Interrupts:
    """The process's way to let a wait be interrupted.

    Attributes:
        make_stoppable: returns a context in which code of the main thread can be interrupted.
        is_stoppable: whether the main thread is in such a context, so that another one within it would change nothing.
    """

    def __init__(self) -> None:
        self.make_stoppable: Callable[[], AbstractContextManager[None]] = nullcontext
        self.is_stoppable = False

    def stoppable(self) -> AbstractContextManager[None]:
        """Return a context in which the code that waits for a response, a tool or the journal can be interrupted.

        A stream has very many pieces, and to ask how interrupts are handled takes longer than to take a piece in. So whoever reads many
        of them does so in one context.
        """
        return _NOTHING if self.is_stoppable else self.make_stoppable()
