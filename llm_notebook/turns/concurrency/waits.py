"""Waits that others can use: work that only waits may let other work go on in its place, where whoever started it says how."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["wait", "waiting_by"]

Wait = Callable[[float], Awaitable[None]]
"""Waits for some seconds."""

_usual: ContextVar[tuple[Wait, asyncio.Task[object] | None] | None] = ContextVar("llm_notebook_wait", default=None)


async def wait(seconds: float) -> None:
    """Wait in the way that the current task is meant to; `asyncio.sleep()` if nobody has said how."""
    usual = _usual.get()
    # A context is inherited by other tasks, such as those of a tool, and these have no place to give away.
    if usual is None or usual[1] is not asyncio.current_task():
        await asyncio.sleep(seconds)
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
