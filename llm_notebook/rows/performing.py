"""Performs a run: reads the rows, keeps the wanted number of questions under way, and passes outcomes on as they arrive.

How it works. A number of workers each take the next question from the plan and ask it. The first worker that notices that few questions
are left reads some more rows: it makes their prompts, and asks the journal, once for all of them, which were answered before. If only
questions that were set aside are left, the workers wait until the first of them is due. A row that waits before its request is repeated
gives its place to another worker; see `places.py`. Everything runs on one event loop, so nothing has to be locked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from llm_notebook.errors import JournalError
from llm_notebook.rows.asking import Asker
from llm_notebook.rows.errors import RowsError, WorkersGone
from llm_notebook.rows.outcomes import Outcome
from llm_notebook.rows.places import Places
from llm_notebook.rows.plan import ASKED_AGAIN, Plan, Question
from llm_notebook.rows.window import Window
from llm_notebook.turns.concurrency.waits import waiting_by

__all__ = ["Performance"]

_ROWS_AT_ONCE = 64
Done = tuple[int, Outcome]
"""The number of a row, and its outcome."""


@dataclass(slots=True)
class Performance:
    """One run on one event loop.

    Attributes:
        asker: makes and asks the questions.
        plan: decides which question is asked next.
        rows: the rows that have not been read yet, with their numbers.
        concurrency: how many questions are with the server at the same time. As many more may wait to be repeated.
        again: the kinds of earlier outcomes that are asked again.
        window: says whether more rows may be read; None if all may be.
    """

    asker: Asker
    plan: Plan
    rows: Iterator[tuple[int, Mapping[str, Any]]]
    concurrency: int
    again: frozenset[str] = ASKED_AGAIN
    window: Window | None = None
    _done: list[Done] = field(default_factory=list)
    _is_read: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _workers: set[asyncio.Task[None]] = field(default_factory=set)
    _context: Context = field(default_factory=copy_context)
    _failure: BaseException | None = None
    _threads: ThreadPoolExecutor | None = None
    _places: Places = field(init=False)

    def __post_init__(self) -> None:
        self._places = Places(self.concurrency, self._start_worker, self._room)
        if self.window is not None:
            self.window.on_room = self._room.set

    async def outcomes(self) -> AsyncGenerator[list[Done], None]:
        """Yield outcomes as they arrive, several at a time. Once it is closed, nothing more is asked. `plan.stopped` says why a run ended early."""
        for _ in range(self.concurrency):
            self._start_worker()
        try:
            while self._workers or self._done:
                await self._news.wait()
                self._news.clear()
                done, self._done = self._done, []
                if done:
                    yield done
            if self._failure is not None:
                raise self._failure
            yield self._left_unasked()
        finally:
            while self._workers:
                for worker in self._workers:
                    worker.cancel()
                await asyncio.gather(*self._workers, return_exceptions=True)
            if self._threads is not None:
                self._threads.shutdown(wait=False, cancel_futures=True)

    def _start_worker(self) -> None:
        # A worker that takes the place of another has nothing to do with what that one is asking.
        worker = asyncio.create_task(self._work(), context=self._context.copy())
        self._workers.add(worker)
        worker.add_done_callback(self._end_worker)

    def _end_worker(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        self._news.set()

    async def _work(self) -> None:
        try:
            with waiting_by(self._places.wait):
                await self._ask_all()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # The other workers end too, and then the run raises this. A SystemExit that left its task would end the event loop.
            self._failure = self._failure or error
            self.plan.stop(str(error) or type(error).__name__)
        finally:
            self._places.leave()
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
        """Wait for a question and return it; None when there are no more, or when a row that has waited wants the place."""
        loop = asyncio.get_running_loop()
        while not self.plan.stopped and not self._places.are_wanted:
            if self.plan.queued < self.concurrency and not self._is_read and self._has_room():
                self._read_rows()
            question = self.plan.next(loop.time())
            if question is not None:
                return question
            # The plan may have stopped just now, because the next question would cost too much.
            if self.plan.stopped or (self._is_read and self.plan.is_idle):
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
        return self.window is None or self.window.has_room

    def _read_rows(self) -> None:
        """Make the questions of some more rows, and settle those that were answered before."""
        questions = []
        rows = list(islice(self.rows, _ROWS_AT_ONCE))
        self._is_read = len(rows) < _ROWS_AT_ONCE
        for position, row in rows:
            try:
                questions.append(self.asker.question(position, row))
            except RowsError as error:
                outcome = Outcome(failure="prompt", error=str(error))
                self.plan.progress.add(outcome)
                self._take([position], outcome)
        questions = [question for question in questions if not self._settle_equal(question)]
        known = self.asker.known(questions, "" if "" not in self.again else self.asker.rows_id)
        for question in questions:
            entry = known.get(question.key)
            if entry is not None and entry.rows_id == self.asker.rows_id and not self.plan.dedupe:
                entry = None
            earlier = None if entry is None else self.asker.recall(entry)
            if earlier is not None:
                self.plan.take_over(question, earlier)
            if earlier is None or earlier.failure in self.again - {""}:
                self.plan.add(question)
            else:
                self._take(self.plan.settle(question, earlier, is_reused=True), earlier)

    def _settle_equal(self, question: Question) -> bool:
        """Settle a question that equals one that this run has settled. Return whether there is one."""
        equal = self.plan.outcome_of_equal(question)
        if equal is not None:
            self._take(self.plan.settle(question, equal, is_reused=True), equal)
        return equal is not None

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
