"""Performs a run: reads the rows, keeps the wanted number of questions under way, and passes outcomes on as they arrive.

How it works. A number of workers each take the next question from the plan and ask it. The first worker that notices that few questions
are left reads some more rows: it makes their prompts, and asks the journal, once for all of them, which were answered before. If only
questions that were set aside are left, the workers wait until the first of them is due. Everything runs on one event loop, so nothing has
to be locked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from llm_notebook.errors import JournalError
from llm_notebook.rows.asking import Asker
from llm_notebook.rows.errors import RowsError, WorkersGone
from llm_notebook.rows.outcomes import Outcome
from llm_notebook.rows.plan import Plan, Question

__all__ = ["ASKED_AGAIN", "Performance"]

_ROWS_AT_ONCE = 64
ASKED_AGAIN = frozenset({"limit", "quota", "server", "connection", "broken", "key", "stopped"})
"""The kinds of earlier failures that a resumed run asks again: there was no answer, and the cause may have passed."""

Done = tuple[int, Outcome]
"""The number of a row, and its outcome."""


@dataclass(slots=True)
class Performance:
    """One run on one event loop.

    Attributes:
        asker: makes and asks the questions.
        plan: decides which question is asked next.
        rows: the rows that have not been read yet, with their numbers.
        concurrency: how many questions are under way at the same time.
        again: the kinds of earlier outcomes that are asked again.
        window: how many rows may be under way or waiting to be taken; None for no limit.
    """

    asker: Asker
    plan: Plan
    rows: Iterator[tuple[int, Mapping[str, Any]]]
    concurrency: int
    again: frozenset[str] = ASKED_AGAIN
    window: int | None = None
    _done: list[Done] = field(default_factory=list)
    _taken: int = 0
    _read: int = 0
    _is_read: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _threads: ThreadPoolExecutor | None = None

    async def outcomes(self) -> AsyncGenerator[list[Done], None]:
        """Yield outcomes as they arrive, several at a time. Once it is closed, nothing more is asked. `plan.stopped` says why a run ended early."""
        workers = [asyncio.create_task(self._work()) for _ in range(self.concurrency)]
        ending = asyncio.gather(*workers, return_exceptions=True)
        ending.add_done_callback(lambda _: self._news.set())
        try:
            while not ending.done() or self._done:
                await self._news.wait()
                self._news.clear()
                done, self._done = self._done, []
                if done:
                    yield done
                    self._taken += len(done)
                    self._room.set()
            for failure in filter(None, ending.result()):
                raise failure
            yield self._left_unasked()
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            if self._threads is not None:
                self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self) -> None:
        try:
            await self._ask_all()
        except BaseException as error:
            # The other workers end too, and then the run raises this.
            self.plan.stop(str(error))
            raise
        finally:
            # Workers that are waiting have nothing left to wait for.
            self._room.set()

    async def _ask_all(self) -> None:
        loop = asyncio.get_running_loop()
        while (question := await self._next()) is not None:
            try:
                outcome = await self.asker.ask(question, self._in_thread)
            except JournalError as error:
                outcome = Outcome(failure="journal", error=str(error))
                self.plan.stop(str(error), is_fault=True)
            except WorkersGone as error:
                outcome = Outcome(failure="connection", error=str(error))
                self.plan.stop(str(error), is_fault=True)
            self._take(self.plan.finish(question, outcome, loop.time()), outcome)

    async def _next(self) -> Question | None:
        """Wait for a question and return it; None when there are no more."""
        loop = asyncio.get_running_loop()
        while not self.plan.stopped:
            if self.plan.queued < self.concurrency and not self._is_read and self._has_room():
                self._read_rows()
            question = self.plan.next(loop.time())
            if question is not None:
                return question
            if self._is_read and self.plan.is_idle:
                return None
            await self._wait_for_change()
        return None

    async def _wait_for_change(self) -> None:
        """Wait until a question is due, the reader has taken something, or another worker has finished."""
        seconds = self.plan.seconds_left(asyncio.get_running_loop().time())
        self._room.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._room.wait()
        except TimeoutError:
            pass

    def _has_room(self) -> bool:
        return self.window is None or self._read - self._taken < self.window

    def _read_rows(self) -> None:
        """Make the questions of some more rows, and settle those that were answered before."""
        questions = []
        rows = list(islice(self.rows, _ROWS_AT_ONCE))
        self._is_read = len(rows) < _ROWS_AT_ONCE
        self._read += len(rows)
        for position, row in rows:
            try:
                questions.append(self.asker.question(position, row))
            except RowsError as error:
                outcome = Outcome(failure="prompt", error=str(error))
                self.plan.progress.add(outcome)
                self._take([position], outcome)
        known = self.asker.known(questions, "" if "" not in self.again else self.asker.rows_id)
        for question in questions:
            entry = known.get(question.key)
            if entry is not None and entry.rows_id == self.asker.rows_id and not self.plan.dedupe:
                entry = None
            earlier = None if entry is None else self.asker.recall(entry)
            if earlier is None or earlier.failure in self.again - {""}:
                self.plan.add(question)
            else:
                self._take(self.plan.settle(question, earlier, is_known=True), earlier)

    def _take(self, positions: list[int], outcome: Outcome) -> None:
        self._done += [(position, outcome) for position in positions]
        self._news.set()
        self._room.set()

    def _left_unasked(self) -> list[Done]:
        """Return the outcomes of the rows that a stopped run has not asked."""
        outcome = Outcome(failure="unasked", error=self.plan.stopped)
        positions = [position for question in self.plan.abandon() for position in question.positions]
        if self.plan.stopped and self.window is None:
            positions += [position for position, _ in self.rows]
        for _ in positions:
            self.plan.progress.add(outcome)
        return [(position, outcome) for position in positions]

    async def _in_thread(self, read: Callable[[], object]) -> object:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.concurrency, thread_name_prefix="llm_notebook rows")
        return await asyncio.get_running_loop().run_in_executor(self._threads, read)
