"""Performs a run: reads the rows, keeps the wanted number of questions under way, and passes outcomes on as they arrive.

How it works. A number of workers each take the next question from the plan and ask it. The first worker that notices that few questions
are left reads some more rows, makes their prompts, and asks the journal, once for all of them, which were answered before. An iterator may
be slow, so its rows are read in a thread; see `reading.py`. If only questions that were set aside are left, the workers wait until the first
of them is due. A row that waits before its request is repeated gives its place to another worker; see `places.py`. All else runs on one event
loop, so nothing has to be locked.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
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
from llm_notebook.rows.reading import RowReader
from llm_notebook.rows.window import Window
from llm_notebook.turns.concurrency.arrivals import outcome_of
from llm_notebook.turns.concurrency.waits import waiting_by
from llm_notebook.turns.concurrency.withdrawal import Withdrawal, withdrawn_by

__all__ = ["Performance"]

_ROWS_AT_ONCE = 64
_TO_GATHER = 0.002  # seconds
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
        window: holds the rows of an iterator, and says how many more may be read; None if the rows are a table.
    """

    asker: Asker
    plan: Plan
    rows: Iterator[tuple[int, Mapping[str, Any]]]
    concurrency: int
    again: frozenset[str] = ASKED_AGAIN
    window: Window | None = None
    _done: list[Done] = field(default_factory=list)
    _is_read: bool = False
    _reader: RowReader[tuple[int, Mapping[str, Any]]] | None = None
    _reading: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _room: asyncio.Event = field(default_factory=asyncio.Event)
    _workers: set[asyncio.Task[None]] = field(default_factory=set)
    _context: Context = field(default_factory=copy_context)
    _failure: BaseException | None = None
    _threads: ThreadPoolExecutor | None = None
    _withdrawal: Withdrawal = field(default_factory=Withdrawal)
    _places: Places = field(init=False)

    def __post_init__(self) -> None:
        self._places = Places(self.concurrency, self._start_worker, self._room)
        if self.window is not None:
            self.window.on_room = self._room.set
            self._reader = RowReader(self.rows)

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
            # A thread cannot be cancelled.
            self._withdrawal.make()
            if self._reader is not None:
                self._reader.close()
            if (reading := self._reading) is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
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
            with waiting_by(self._places.wait), withdrawn_by(self._withdrawal):
                await self._ask_all()
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)
        finally:
            self._places.leave()
            # Workers that are waiting have nothing left to wait for.
            self._room.set()

    def _fail(self, error: BaseException) -> None:
        """End the run with an error. A SystemExit that left its task would end the event loop."""
        self._failure = self._failure or error
        self.plan.stop(str(error) or type(error).__name__)
        self._withdrawal.make()
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
            if outcome.failure == "unasked":
                outcome.error = self.plan.stopped
            self._take(self.plan.finish(question, outcome, loop.time()), outcome)
            if self.plan.is_fault:
                # What waits before it is sent again is not sent: it would fail too, or could not be kept.
                self._withdrawal.make()

    async def _next(self) -> Question | None:
        """Wait for a question and return it; None when there are no more, or when a row that has waited wants the place."""
        loop = asyncio.get_running_loop()
        while not self.plan.stopped and not self._places.are_wanted:
            if self.plan.queued < self.concurrency and not self._is_read:
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

    def _read_rows(self) -> None:
        """Read some more rows. Those of an iterator come a little later."""
        if self.window is None or self._reader is None:
            rows = list(islice(self.rows, _ROWS_AT_ONCE))
            self._is_read = len(rows) < _ROWS_AT_ONCE
            self._take_rows(rows)
        elif self._reading is None and self.window.room > 0:
            self._reading = asyncio.create_task(self._take_read(self.window, self._reader))

    async def _take_read(self, window: Window, reader: RowReader[tuple[int, Mapping[str, Any]]]) -> None:
        """Wait until rows of an iterator come, and take them."""
        try:
            await outcome_of(reader.read(min(_ROWS_AT_ONCE, window.room)))
            # Most iterators have many rows at once, and looking them up together costs little more than looking one up.
            await asyncio.sleep(_TO_GATHER)
            rows, self._is_read = reader.take()
            window.take(rows)
            self._take_rows(rows)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self._fail(error)
        finally:
            self._reading = None
            self._room.set()

    def _take_rows(self, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
        """Make the questions of some more rows, and settle those that were answered before."""
        questions = []
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
        return await asyncio.get_running_loop().run_in_executor(self._threads, copy_context().run, read)
