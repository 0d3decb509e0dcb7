"""One call of `map_rows()`: it checks everything, then asks the rows, and puts the table together."""

from __future__ import annotations

import hashlib
import heapq
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.keys import hidden
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.runs import RowsBegun
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.json_values import safe_repr
from llm_notebook.parts.messages import json_text
from llm_notebook.rows.asking import Asker
from llm_notebook.rows.errors import RowsError
from llm_notebook.rows.estimating import CostRefused, Estimator
from llm_notebook.rows.executors.remote import RemoteModel
from llm_notebook.rows.flavours import asked_model
from llm_notebook.rows.one_at_a_time import RunsHere
from llm_notebook.rows.outcomes import NOTES, AnswerReader, Outcome
from llm_notebook.rows.performing import Performance
from llm_notebook.rows.plan import ASKED_AGAIN, Budget, Plan
from llm_notebook.rows.prompts import Clean, RowPrompt
from llm_notebook.rows.recording import RunRecord
from llm_notebook.rows.reporting.display import Hidden, RunDisplays
from llm_notebook.rows.reporting.progress import Progress
from llm_notebook.rows.reporting.run import Run, failures_of
from llm_notebook.rows.sampling import sample_of
from llm_notebook.rows.tables import check_names, open_table, with_outcome
from llm_notebook.rows.wanted import Wanted, base_prompt
from llm_notebook.rows.window import Window
from llm_notebook.turns.concurrency.arrivals import outcome_of

if TYPE_CHECKING:
    from concurrent.futures import Future

    from llm_notebook.journal.operations import TurnStatus
    from llm_notebook.journal.protocol import Journal
    from llm_notebook.rows.flavours import AnyModel
    from llm_notebook.rows.reporting.display import RunDisplay
    from llm_notebook.rows.reporting.run import Estimate

__all__ = ["Job"]

_UNASKED = "It was not asked: the run was stopped before."
_RESUMED = " What is answered is kept; the same call asks the rest."
_FINAL = frozenset({"misfit", "ended", "long", "request", "other"})
# For each row that may be asked at once, so many rows of an iterator may be under way or waiting to be handed on.
_WINDOW = 16
# Where the rows are an iterator and nothing is kept, the answers to so many are remembered for equal ones.
_REMEMBERED = 10_000


class Job:
    """One run over a table.

    Args:
        rows, prompt, model, wanted: the arguments of `map_rows()`.
        make_display: makes the display of the run; None for the process's usual display.
        clean: takes secrets out of the values of the rows; None leaves them in.

    Attributes:
        table: the table.
        asker: makes and asks the questions.
        plan: decides which row is asked next.
        run: the state of the run as its display sees it.
        display: the display of the run.
        over: set once nothing more will be asked.

    Raises:
        RowsError: something is wrong with the arguments. Nothing was sent.
    """

    def __init__(
        self,
        rows: object,
        prompt: str,
        model: AnyModel | str | None,
        wanted: Wanted,
        make_display: Callable[[Run], RunDisplay] | None = None,
        clean: Clean | None = None,
    ) -> None:
        rows, whole = (rows, None) if wanted.sample is None else sample_of(rows, wanted.sample)
        self.table = open_table(rows)
        self._wanted = wanted
        self._text = RowPrompt(prompt, clean)
        asked = asked_model(model, has_tools=bool(wanted.tools))
        reader = AnswerReader(wanted.schema)
        if self.table.count is not None:
            self._check_columns(reader)
        self.asker = Asker(
            asked,
            self._text,
            base_prompt(asked, wanted, reader),
            reader,
            wanted.attachments,
            _journal() if wanted.keep else None,
            new_id(),
            hidden(wanted.key),
            wanted.chain_limit,
        )
        if wanted.executor is not None:
            self.asker.sender = RemoteModel(asked, wanted.executor, hidden(wanted.key), send_keys=wanted.send_keys)
        estimate, budget = self._expect()
        remembered = _REMEMBERED if self.table.count is None else self.table.count
        self.plan = Plan(budget, wanted.dedupe, Progress(self.table.count), remembered)
        self._record = RunRecord(self.asker.journal, self.asker.rows_id, self.plan.progress)
        self.run = Run(
            self.plan.progress,
            asked.model_id,
            self.asker.rows_id,
            wanted.keep,
            wanted.limit_cost,
            estimate,
            whole,
            wanted.sample is not None,
        )
        make_display = make_display or process.of(RunDisplays).make
        self.display: RunDisplay = make_display(self.run) if wanted.progress else Hidden()
        self.over = threading.Event()
        self._found: object = None
        self._done: dict[int, Outcome] = {}

    def begin(self) -> None:
        """Record the beginning of the run in the journal, and show the run. Call this in the thread that asks for the run.

        Raises:
            RowsError: the same run is under way in another process, or the first rows of an iterator lack a column or have one too many.
                Nothing was sent.
        """
        if self.table.count is None:
            self._check_columns(self.asker.reader)
        try:
            self._begin()
            self.display.open()
        except BaseException:
            # ■ may have been pressed in the meantime, and other processes must not believe that the run goes on.
            self._end("interrupted")
            raise

    async def collect(self) -> object:
        """Ask all rows of a run that has begun, and return the table with the new columns.

        Raises:
            RowsError: every row fails in the same way, or the journal failed.
        """
        try:
            async with aclosing(self._outcomes()) as batches:
                async for batch in batches:
                    for position, outcome in batch:
                        self._done[position] = outcome
                    self.display.update()
            self._found = self.partial()
        finally:
            self.over.set()
        if self.plan.is_fault:
            raise RowsError(f"{self.plan.stopped}{self._advice}", partial=self._found)
        return self._found

    async def each(self) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the rows of a run that has begun in order, each as a dict with the new columns.

        Raises:
            RowsError: the run has stopped before all rows of the iterator were read.
        """
        columns = self.asker.reader.columns
        window = Window(max(256, _WINDOW * self._wanted.concurrency), [*(column.name for column in columns), *NOTES])
        ready: list[tuple[int, Outcome]] = []
        following = 0
        async with aclosing(self._outcomes(window)) as batches:
            async for batch in batches:
                for done in batch:
                    heapq.heappush(ready, done)
                self.display.update()
                while ready and ready[0][0] == following:
                    _, outcome = heapq.heappop(ready)
                    yield with_outcome(window.hand_on(following), columns, outcome)
                    following += 1
        if self.plan.stopped:
            # Without an error, this would look like the end of the rows.
            raise RowsError(f"{self.plan.stopped}{self._advice}")

    def partial(self) -> object:
        """Return the table as far as the run has got. Rows that it has not asked say so."""
        unasked = Outcome(failure="unasked", error=self.plan.stopped or _UNASKED)
        outcomes = [self._done.get(position, unasked) for position in range(self.table.count or 0)]
        return self.table.result(self.asker.reader.columns, outcomes)

    def end(self, error: BaseException | None = None) -> None:
        """Record how the run ended, and show it. Call this in the thread that asked for the run.

        Args:
            error: the error that ended the run; None if it was completed.
        """
        if error is not None:
            # After ■, the work on another loop takes a moment to end, and the user may repeat the call, or list the runs, before that.
            self._end("interrupted")
        if isinstance(error, Exception):
            self.run.end("fault", str(error))
        elif error is not None:
            said = "It was not read to its end." if isinstance(error, GeneratorExit) else "Stopped by you."
            self.run.end("stopped", said)
        else:
            self.run.end("limit" if self.plan.stopped else "done", self.plan.stopped)
        self.display.close(self._found, failures_of(self._done))

    async def _outcomes(self, window: Window | None = None) -> AsyncGenerator[list[tuple[int, Outcome]], None]:
        """Yield outcomes as they arrive, and record the beginning and the end of the run in the journal.

        Args:
            window: holds the rows that are under way, if they cannot be read again.
        """
        rows = enumerate(self.table.rows())
        performance = Performance(self.asker, self.plan, rows, self._wanted.concurrency, self._again(), window)
        try:
            async with aclosing(performance.outcomes()) as batches:
                async for batch in batches:
                    self._record.move()
                    yield batch
        except BaseException:
            # Nobody waits for this any more: ■ was pressed, or the iterator was dropped.
            self._end("interrupted")
            raise
        ended = self._end("failed" if self.plan.is_fault else "interrupted" if self.plan.stopped else "complete")
        if ended is not None:
            # If the journal fails, the run counts as interrupted, and its answers are kept all the same.
            with suppress(JournalError):
                await outcome_of(ended)

    @property
    def _advice(self) -> str:
        return "" if self.asker.journal is None else _RESUMED

    def _begin(self) -> None:
        if self.asker.journal is None:
            return
        model, table = self.asker.model, self.table
        # It is not known what an iterator will yield, so two of them never count as the same run.
        first = self.asker.rows_id if table.count is None else safe_repr(next(iter(table.rows())))
        same = json_text(
            [model.model_id, self._text.text, self._wanted.system, self.asker.base.settings(), table.count, first]
        )
        begun = RowsBegun(
            self.asker.rows_id,
            hashlib.sha256(same.encode("utf-8", "backslashreplace")).hexdigest(),
            model.model_id,
            self._text.text,
            table.count,
            datetime.now(UTC),
            process.of(RunDisplays).notebook(),
        )
        process.of(RunsHere).begin(begun.same, self)
        other = self._record.begin(begun)
        if other:
            raise RowsError(
                f"Another process is at the same run, {other}: wait for it, or stop it there; then this call takes over what it has."
                " Nothing was sent."
            )

    def _end(self, status: TurnStatus) -> Future[None] | None:
        """Record how the run ends, unless that is recorded already."""
        process.of(RunsHere).end(self)
        return self._record.end(status)

    def _again(self) -> frozenset[str]:
        """Return the kinds of earlier outcomes that are asked again."""
        again = ASKED_AGAIN
        if self._wanted.retry is not None:
            again |= _FINAL
        return again if self._wanted.resume else again | _FINAL | {""}

    def _check_columns(self, reader: AnswerReader) -> None:
        attached = self._wanted.attachments
        wanted = {*self._text.names, *(key for key in self._text.keys if isinstance(key, str))}
        names = self.table.names(wanted if attached is None else wanted | {attached})
        if not names and self.table.count is None:
            return
        if attached is not None and attached not in names:
            raise RowsError(
                f"There is no column {attached!r}; the columns are {', '.join(map(str, names))}. Nothing was sent."
            )
        self._text.check(names)
        check_names(names, reader.columns)

    def _expect(self) -> tuple[Estimate | None, Budget]:
        """Return (the estimate for the run, its budget).

        Raises:
            RowsError: the price is not known, or the remaining rows are expected to cost more than the limit.
        """
        limit = self._wanted.limit_cost
        estimator = Estimator(self.asker, self.table, asks_known=not self._wanted.resume)
        if limit is None:
            return (estimator.guess() if self._wanted.progress else None), Budget()
        estimate, each = estimator.exact()
        if (estimate.cost or 0.0) > limit:
            raise CostRefused(estimate, limit)
        return (None if self.table.count is None else estimate), Budget(limit, each)


def _journal() -> Journal:
    current = process.of(CurrentJournal)
    return current.journal or current.to_read
