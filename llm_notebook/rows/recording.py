"""The record of a run in the journal: that it has begun, how far it has come, and how it ended."""

from __future__ import annotations

import asyncio
import functools
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from llm_notebook.journal.runs import RowsBegun, RowsEnded, RowsMoved

if TYPE_CHECKING:
    from llm_notebook.journal.operations import TurnStatus
    from llm_notebook.journal.protocol import Journal
    from llm_notebook.rows.reporting.progress import Progress

__all__ = ["RunRecord"]


@dataclass(slots=True)
class RunRecord:
    """The record of one run.

    Attributes:
        journal: the journal; None if nothing is kept.
        rows_id: the id of the run.
        progress: how far it has come.
    """

    journal: Journal | None
    rows_id: str
    progress: Progress
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _moving: Future[None] | None = None
    _is_behind: bool = False
    _ending: Future[None] | None = None

    def begin(self, begun: RowsBegun) -> str:
        """Record that the run begins. Return the id of the same run if another process is running it, else an empty text."""
        return "" if self.journal is None else self.journal.submit(begun).result()

    def move(self) -> None:
        """Record how far the run has come. Call this on the event loop of the run.

        Only one such record waits for the disk at a time, so that a fast run makes no more of them than the disk takes. What has changed in
        the meantime is recorded afterwards.
        """
        self._is_behind = True
        if self.journal is None or self._ending is not None or (self._moving is not None and not self._moving.done()):
            return
        self._is_behind = False
        self._moving = self.journal.submit(RowsMoved(self.rows_id, self.progress.counts))
        self._moving.add_done_callback(functools.partial(self._catch_up, asyncio.get_running_loop()))

    def end(self, status: TurnStatus) -> Future[None] | None:
        """Record how the run ended. If this is called several times, from any threads, the first call counts.

        Returns:
            A future that is done when this is durable; None if nothing is kept.
        """
        with self._lock:
            if self._ending is None and self.journal is not None:
                ended = RowsEnded(self.rows_id, status, datetime.now(UTC), self.progress.counts)
                self._ending = self.journal.submit(ended)
            return self._ending

    def _catch_up(self, loop: asyncio.AbstractEventLoop, _moved: Future[None]) -> None:
        if self._is_behind:
            # A closed loop asks no rows.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self.move)
