"""The places of a run: so many of its rows are with the server at the same time.

A row whose request is to be repeated a little later gives its place away until then: a new worker takes it, and asks the next row. When the
wait is over, the row goes on as soon as any worker has finished a row, and that worker ends.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from llm_notebook.turns.concurrency.waits import pause_task

__all__ = ["Places"]


class Places:
    """The places of a run on one event loop.

    Args:
        spare: how many rows may wait without a place. Any more keep theirs, so that a server that is down is not asked every row.
        start_worker: starts a worker in a place that is given away.
        change: is set when a row wants a place, for workers that have nothing to do.
    """

    def __init__(self, spare: int, start_worker: Callable[[], object], change: asyncio.Event) -> None:
        self._spare = spare
        self._start_worker = start_worker
        self._change = change
        self._free = 0
        self._wanting: deque[asyncio.Future[None]] = deque()

    @property
    def are_wanted(self) -> bool:
        """Whether a row that has waited wants a place, so that a worker that has finished its row should end."""
        return bool(self._wanting)

    def leave(self) -> None:
        """Give back the place of a worker that ends."""
        if self._wanting:
            self._grant(self._wanting.popleft())
        else:
            self._free += 1

    async def wait(self, seconds: float) -> None:
        """Wait without a place, if that may be, and then for a place."""
        if not self._spare:
            await pause_task(seconds)
            return
        self._spare -= 1
        self._start_worker()
        try:
            await pause_task(seconds)
        finally:
            # If a timeout of the model cuts the wait short, or the row is withdrawn, its worker goes on all the same, so another one has to end.
            place = self._want()
        await place

    def _want(self) -> asyncio.Future[None]:
        """Ask for a place, and return what is done when there is one."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            self._grant(place)
        else:
            self._wanting.append(place)
            self._change.set()
        return place

    def _grant(self, place: asyncio.Future[None]) -> None:
        self._spare += 1
        # It is cancelled if its worker no longer waits for it.
        if not place.done():
            place.set_result(None)
