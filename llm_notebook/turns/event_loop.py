"""A private event loop in a thread: where async tools of a sync chain run, because inside Jupyter a loop is already running."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections.abc import Awaitable, Coroutine
from contextvars import copy_context
from typing import Any, TypeVar

__all__ = ["EventLoopThread"]

T = TypeVar("T")


class EventLoopThread:
    """One loop for the process, started when it is first needed. A forked child starts its own."""

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
        """Wait for an awaitable in the caller's context and return its outcome. An interrupt of the caller cancels it."""
        if threading.current_thread() is self._thread:
            # An async tool that reads a sync chain with async tools of its own: this loop waits for it, another must run them.
            if self._inner is None:
                self._inner = EventLoopThread()
            return self._inner.run(awaitable)
        result: concurrent.futures.Future[T] = concurrent.futures.Future()
        context = copy_context()
        tasks: list[asyncio.Task[None]] = []
        loop = self._started()

        async def settle() -> None:
            try:
                value = await awaitable
            except asyncio.CancelledError:
                result.set_exception(concurrent.futures.CancelledError())
            except BaseException as error:
                # Left to itself a SystemExit would end the loop's thread, and everything after it would wait for ever.
                result.set_exception(error)
            else:
                result.set_result(value)

        loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(settle(), context=context)))
        try:
            return result.result()
        except KeyboardInterrupt:
            loop.call_soon_threadsafe(lambda: tasks and tasks[0].cancel())
            raise

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Have a coroutine run on this loop, without waiting. Cancelling the future cancels it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._started())

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="llm_notebook event loop", daemon=True
                )
                self._thread.start()
            return self._loop
