"""Waits on an event loop for the work of another thread, and wakes the loop once for everything that is done in the meantime.

The journal's thread commits many writes together, so their futures complete in quick succession. `asyncio.wrap_future()` would write to the
loop's wake-up socket for each of them, and release the interpreter's lock each time, and the two threads would hold each other up.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from llm_notebook.configuration.process import process

if TYPE_CHECKING:
    from concurrent.futures import Future

__all__ = ["Arrivals", "outcome_of"]

T = TypeVar("T")


class _OfLoop:
    """What one event loop waits for and has not learned yet. It holds no reference to the loop, because that would keep the loop alive."""

    __slots__ = ("_is_called", "_waiters")

    def __init__(self) -> None:
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._is_called = False

    def add(self, loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
        """Let the loop complete a waiter. Any thread may call this."""
        self._waiters.append(waiter)
        if not self._is_called:
            self._is_called = True
            # A closed loop does not wait for anything.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._complete)

    def _complete(self) -> None:
        # This is reset before the waiters are taken. A waiter that is added in the meantime is either taken too, or wakes the loop once more.
        self._is_called = False
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)


class Arrivals:
    """What the event loops of this process wait for."""

    def __init__(self) -> None:
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = weakref.WeakKeyDictionary()

    def of(self, loop: asyncio.AbstractEventLoop) -> _OfLoop:
        """Return what this loop waits for."""
        known = self._by_loop.get(loop)
        return self._by_loop.setdefault(loop, _OfLoop()) if known is None else known


async def outcome_of(future: Future[T]) -> T:
    """Wait on the running event loop until a future of another thread is done, and return its result. The future is never cancelled.

    Raises:
        BaseException: the future's exception.
    """
    if not future.done():
        loop = asyncio.get_running_loop()
        arrivals, waiter = process.of(Arrivals).of(loop), loop.create_future()
        future.add_done_callback(lambda _done: arrivals.add(loop, waiter))
        await waiter
    return future.result()
