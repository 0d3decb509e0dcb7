"""Lets one task at a time read something that several tasks share."""

from __future__ import annotations

import asyncio

__all__ = ["OneReader"]


class OneReader:
    """A lock for tasks that is free again when the task that holds it has ended, for whatever reason.

    ■ may end a task between any two instructions, even as it leaves an `asyncio.Lock`, which would then stay locked forever.
    """

    __slots__ = ("_reader", "_waiting")

    def __init__(self) -> None:
        self._reader: asyncio.Task[object] | None = None
        self._waiting: list[asyncio.Future[None]] = []

    async def __aenter__(self) -> None:
        """Wait until no other task holds it."""
        while (reader := self._reader) is not None and not reader.done() and not reader.get_loop().is_closed():
            left = asyncio.get_running_loop().create_future()
            self._waiting.append(left)
            await asyncio.wait({left, reader}, return_when=asyncio.FIRST_COMPLETED)
        self._reader = asyncio.current_task()

    async def __aexit__(self, *_error: object) -> None:
        """Let the other tasks continue."""
        self._reader = None
        waiting, self._waiting = self._waiting, []
        for left in waiting:
            if not left.done() and not left.get_loop().is_closed():
                left.set_result(None)
