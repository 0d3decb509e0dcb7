"""Setting something up once, whoever comes first: several threads, several event loops, or both."""

from __future__ import annotations

import inspect
import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from concurrent.futures import Future

__all__ = ["Preparation"]

_under_way: ContextVar[tuple[Preparation, ...]] = ContextVar("llm_notebook_preparations", default=())


class Preparation:
    """A piece of set-up work that is done once.

    Who comes while it is being done waits for it, unless the work itself is what comes. If it fails, the error goes to who was doing it,
    and the next one tries again.

    Args:
        name: what error messages call the work.

    Attributes:
        done: it was done, and well.
    """

    __slots__ = ("_current", "_lock", "_loop", "done", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.done = False
        self._lock = threading.Lock()
        self._current: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def ensure(self, work: Callable[[], object]) -> None:
        """Do the work unless it has been done.

        Raises:
            RuntimeError: the event loop that runs in this very thread is doing it, and could never go on if we waited.
            TypeError: the work is async.
            Exception: what the work raised.
        """
        while not isinstance(turn := self._turn(None), bool):
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
            self._release()

    async def ensure_async(self, work: Callable[[], Awaitable[object]]) -> None:
        """`ensure()` for async work."""
        import asyncio  # it loads ssl, which nothing before needs

        while not isinstance(turn := self._turn(asyncio.get_running_loop()), bool):
            await asyncio.wrap_future(turn)
        if not turn:
            return
        token = _under_way.set((*_under_way.get(), self))
        try:
            await work()
            self.done = True
        finally:
            _under_way.reset(token)
            self._release()

    def _turn(self, loop: asyncio.AbstractEventLoop | None) -> bool | Future[Any]:
        """True: the caller is to do the work now. False: there is nothing to do. A future: wait for it, then ask again."""
        from concurrent.futures import Future  # only toolboxes that prepare themselves need it

        with self._lock:
            if self.done or self in _under_way.get():
                return False
            if self._current is not None:
                return self._current
            self._current, self._loop = Future(), loop
            # One who waits and is cancelled must not cancel it for the others.
            self._current.set_running_or_notify_cancel()
            return True

    def _release(self) -> None:
        with self._lock:
            current, self._current, self._loop = self._current, None, None
        assert current is not None
        current.set_result(None)

    def _refuse_to_wait_for_own_loop(self) -> None:
        import asyncio  # it loads ssl, which nothing before needs

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._loop is loop:
            raise RuntimeError(
                f"{self.name}() is still running on this thread's event loop: await what started it first."
            )
