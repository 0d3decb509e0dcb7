"""Set-up work that is done once, even if several threads and event loops ask for it at the same time.

The first caller takes the turn and does the work. Every other caller gets a future, which the first caller completes when it is done, and
waits for it: a thread blocks, a coroutine awaits. Then they ask again. If the work has failed, its error is raised only in the caller that did it,
and one of the waiting callers takes the next turn.

Two kinds of waiting would never end, and are ruled out:

- The work may ask for itself, for instance when a Toolbox reads its own tools while it prepares. A context variable knows which
  preparations the caller is part of; such a caller goes on at once.
- Sync code can run on the thread of the event loop that is doing the work. If it blocked, the loop could not go on. It gets a
  RuntimeError instead.
"""

from __future__ import annotations

import inspect
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

__all__ = ["Preparation"]

_under_way: ContextVar[tuple[Preparation, ...]] = ContextVar("llm_notebook_preparations", default=())


class Preparation:
    """A piece of set-up work that is done once.

    Args:
        name: the name of the work in error messages.

    Attributes:
        done: whether the work has been done successfully.
    """

    __slots__ = ("_current", "_lock", "_loop", "done", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = False
        self._lock = threading.Lock()
        self._current: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def ensure(self, work: Callable[[], object]) -> None:
        """Do the work unless it has been done. If another caller is doing it, wait.

        Raises:
            RuntimeError: the event loop of this thread is doing the work, and waiting for it would never end.
            TypeError: the work is async.
            Exception: whatever the work raised.
        """
        while not isinstance(turn := self._take_turn(None), bool):
            self._refuse_to_wait_for_own_loop()
            turn.result()
        if not turn:
            return
        token = _under_way.set((*_under_way.get(), self))
        try:
            result = work()
            if inspect.isawaitable(result):
                getattr(result, "close", lambda: None)()
                raise TypeError(f"{self.name}() is async: name the method prepare_async().")
            self.done = True
        finally:
            _under_way.reset(token)
            self._end_turn()

    async def ensure_async(self, work: Callable[[], Awaitable[object]]) -> None:
        """Do the work unless it has been done, like `ensure()`, and await it."""
        import asyncio  # it loads ssl, which nothing has needed so far

        while not isinstance(turn := self._take_turn(asyncio.get_running_loop()), bool):
            await asyncio.wrap_future(turn)
        if not turn:
            return
        token = _under_way.set((*_under_way.get(), self))
        try:
            await work()
            self.done = True
        finally:
            _under_way.reset(token)
            self._end_turn()

    def _take_turn(self, loop: asyncio.AbstractEventLoop | None) -> bool | Future[None]:
        """Return True if the caller has to do the work, False if there is nothing to do, or a future to wait for before asking again."""
        from concurrent.futures import Future  # only toolboxes that need preparation use it

        with self._lock:
            if self.done or self in _under_way.get():
                return False
            if self._current is not None:
                return self._current
            self._current, self._loop = Future(), loop
            # A running future cannot be cancelled, so one caller who stops waiting does not cancel it for the others.
            self._current.set_running_or_notify_cancel()
            return True

    def _end_turn(self) -> None:
        with self._lock:
            current, self._current, self._loop = self._current, None, None
        assert current is not None
        current.set_result(None)

    def _refuse_to_wait_for_own_loop(self) -> None:
        import asyncio  # it loads ssl, which nothing has needed so far

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._loop is loop:
            raise RuntimeError(
                f"{self.name}() is still running on this thread's event loop: await what started it first."
            )
