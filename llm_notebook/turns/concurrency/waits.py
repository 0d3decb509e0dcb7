"""Waits that others can use: work that only waits may let other work go on in its place, where whoever started it says how."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

from llm_notebook.turns.concurrency.withdrawal import refuse_withdrawn, waking

__all__ = ["pause_task", "wait", "waiting_by", "wake_task"]

Wait = Callable[[float], Awaitable[None]]
"""Waits for some seconds."""

_usual: ContextVar[tuple[Wait, asyncio.Task[object] | None] | None] = ContextVar("llm_notebook_wait", default=None)


async def wait(seconds: float) -> None:
    """Wait in the way that the current task is meant to; like `pause_task()` if nobody has said how."""
    usual = _usual.get()
    # A context is inherited by other tasks, such as those of a tool, and these have no place to give away.
    if usual is None or usual[1] is not asyncio.current_task():
        await pause_task(seconds)
    else:
        await usual[0](seconds)


@contextmanager
def waiting_by(way: Wait) -> Iterator[None]:
    """Let the current task wait in this way during the `with` block."""
    token = _usual.set((way, asyncio.current_task()))
    try:
        yield
    finally:
        _usual.reset(token)


async def pause_task(seconds: float) -> None:
    """Wait on the running event loop.

    Raises:
        Withdrawn: what is asked here was withdrawn in the meantime.
    """
    loop, woken = asyncio.get_running_loop(), asyncio.Event()
    timer = loop.call_later(seconds, woken.set)
    try:
        with waking(partial(wake_task, loop, woken)):
            await woken.wait()
    finally:
        timer.cancel()
    refuse_withdrawn()


def wake_task(loop: asyncio.AbstractEventLoop, woken: asyncio.Event) -> None:
    """Set an event of a loop, from any thread."""
    # A closed loop waits for nothing.
    if not loop.is_closed():
        loop.call_soon_threadsafe(woken.set)
