"""A private event loop in a thread, for the async tools of sync chains: in Jupyter, the main thread already has a running loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Coroutine
from contextvars import copy_context
from typing import TypeVar

from llm_notebook.turns.concurrency.interrupts import LONGEST_WAIT

__all__ = ["EventLoopThread"]

T = TypeVar("T")


class EventLoopThread:
    """The process's private event loop, started when it is first needed. A forked child starts its own."""

    def __init__(self) -> None:
        self._forget()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._inner: EventLoopThread | None = None
        self._lock = threading.Lock()

    def run(self, awaitable: Awaitable[T]) -> T:
        """Await something in the caller's context and return its outcome. If the caller is interrupted, it is cancelled."""
        if threading.current_thread() is self._thread:
            # An async tool may read a sync chain that has async tools too. This loop is busy with the tool, so another one runs those.
            if self._inner is None:
                self._inner = EventLoopThread()
            return self._inner.run(awaitable)
        result: concurrent.futures.Future[T] = concurrent.futures.Future()
        # Unlike the future's own lock, nobody else waits for this one, so that an interrupt anywhere here holds nobody up.
        is_settled = threading.Lock()
        is_settled.acquire()
        result.add_done_callback(lambda _result: is_settled.release())
        context = copy_context()
        tasks: list[asyncio.Task[None]] = []
        loop = self._start()

        async def settle() -> None:
            try:
                value = await awaitable
            except asyncio.CancelledError:
                result.set_exception(concurrent.futures.CancelledError())
            except BaseException as error:
                # A SystemExit would end the loop's thread, and everything after it would wait forever.
                result.set_exception(error)
            else:
                result.set_result(value)

        try:
            loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(settle(), context=context)))
            while not is_settled.acquire(timeout=LONGEST_WAIT):
                pass
            return result.result()
        except KeyboardInterrupt:
            # A task that is cancelled before it has begun would leave what it awaits as it is.
            loop.call_soon_threadsafe(lambda: tasks and loop.call_soon(tasks[0].cancel))
            raise

    def submit(self, coroutine: Coroutine[object, object, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on this loop without waiting for it. Cancelling the future cancels the coroutine."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._start())

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="llm_notebook event loop", daemon=True
                )
                self._thread.start()
            return self._loop
