"""A run as it is reported: its progress, how it ended, and the sentences that say so."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from llm_notebook.rows.outcomes import Outcome
from llm_notebook.rows.reporting.progress import Progress

__all__ = ["NOT_KEPT", "Estimate", "Failures", "Run", "RunState", "dollars", "failures_of", "run_time"]

NOT_KEPT = "not kept: nothing can be gone back to"
RunState = Literal["running", "stopped", "limit", "fault", "done"]
"""The state of a run: it continues, it was stopped, it reached its cost limit, every row would fail in the same way, or it is complete."""


@dataclass(slots=True, frozen=True)
class Estimate:
    """The expected size and cost of a run before it begins. Rows that were answered before do not count.

    Attributes:
        rows: how many rows are left to ask.
        tokens: about how many input tokens these rows have together.
        cost: about how much they cost in US dollars; None if the price is not known.
    """

    rows: int
    tokens: int
    cost: float | None

    def __str__(self) -> str:
        """Return it in words, such as `10,000 rows, about 2.1 million tokens in, about $1.74`."""
        words = [f"{self.rows:,} row{'' if self.rows == 1 else 's'}", f"about {_tokens(self.tokens)} in"]
        return ", ".join([*words, *([f"about {dollars(self.cost)}"] if self.cost is not None else [])])

    @property
    def size(self) -> str:
        """The number of tokens in words."""
        return f"about {_tokens(self.tokens)} in"


@dataclass(slots=True)
class Failures:
    """The rows that failed in one way.

    Attributes:
        kind: the kind of failure, as `Outcome.failure` has it.
        error: why the first of them failed.
        positions: their numbers, counted from 0.
    """

    kind: str
    error: str
    positions: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """A run as its display sees it.

    Attributes:
        progress: its progress.
        model_id: the id of the model that is asked.
        rows_id: its id in the journal.
        is_kept: whether it is kept in the journal, so that it can be resumed.
        limit: the most that it may cost, in US dollars; None for no limit.
        estimate: its expected size and cost; None if they are not known.
        whole: how many rows the table has, if only a sample of them is asked; None otherwise, or if that is not known.
        is_sample: whether only a sample of the rows is asked.
        state: its state.
        reason: why it ended before all rows were asked, as a sentence; empty if it did not.
        seconds: how long it took; meaningful once it is over.
    """

    progress: Progress
    model_id: str
    rows_id: str
    is_kept: bool = True
    limit: float | None = None
    estimate: Estimate | None = None
    whole: int | None = None
    is_sample: bool = False
    state: RunState = "running"
    reason: str = ""
    seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic)

    def end(self, state: RunState, reason: str = "") -> None:
        """Note how the run ended. If this is called several times, the first call counts."""
        if self.state == "running":
            self.state, self.reason, self.seconds = state, reason, self.elapsed

    @property
    def elapsed(self) -> float:
        """How many seconds it has been under way."""
        return time.monotonic() - self._began if self.state == "running" else self.seconds

    @property
    def was_known(self) -> bool:
        """Whether every row was answered before, so that nothing was sent."""
        progress = self.progress
        return self.state == "done" and not progress.sent and progress.answered_at is not None and progress.done > 0

    @property
    def done(self) -> int:
        """How many rows have an outcome. Rows that the run has left unasked have none."""
        return self.progress.done - self.progress.failures["unasked"]

    @property
    def rate(self) -> float | None:
        """How many rows are answered per second; None before any is answered."""
        asked = self.done - self.progress.known
        return asked / self.elapsed if asked and self.elapsed > 0 else None

    @property
    def seconds_left(self) -> float | None:
        """How many seconds are left, at the rate so far; None if that cannot be told."""
        count, rate = self.progress.count, self.rate
        return None if count is None or not rate else (count - self.done) / rate

    @property
    def cost_in_all(self) -> float | None:
        """About how much the whole run will cost in US dollars, judging by the rows so far; None if that cannot be told."""
        progress = self.progress
        asked = self.done - progress.known
        if progress.count is None or progress.has_unknown_cost:
            return None
        if asked and progress.cost:
            return progress.cost + progress.cost / asked * (progress.count - self.done)
        return None if self.estimate is None else self.estimate.cost

    @property
    def summary(self) -> str:
        """All of it in one line, such as `1,000 rows · 990 answered · 10 failed (10 did not fit) · $0.42 · 18 s · run 7k2m9x1c`."""
        if self.was_known:
            return self.known_sentence
        words = [self.progress.summary, run_time(self.elapsed)]
        words += [f"run {self.rows_id[-8:].lower()}"] if self.is_kept else [NOT_KEPT]
        return " · ".join(words)

    @property
    def known_sentence(self) -> str:
        """The sentence that says that a finished run was answered before."""
        progress = self.progress
        at = f"on {_day_and_time(progress.answered_at)}"
        said = f"All {progress.done:,} rows were answered {at}."
        if progress.failed:
            answered = f"{progress.answered:,} of {progress.done:,} rows were answered {at}"
            said = f'{answered}; `retry="failed"` asks the others again.'
        return f"{said} Nothing was sent; `resume=False` asks again."


def failures_of(outcomes: Mapping[int, Outcome]) -> list[Failures]:
    """Return the rows that failed, by the kind of failure, the most frequent first.

    Args:
        outcomes: the outcomes of the rows, by their numbers.
    """
    found: dict[str, Failures] = {}
    for position, outcome in sorted(outcomes.items(), key=lambda item: item[0]):
        if outcome.failure:
            found.setdefault(outcome.failure, Failures(outcome.failure, outcome.error)).positions.append(position)
    return sorted(found.values(), key=lambda one: len(one.positions), reverse=True)


def dollars(amount: float) -> str:
    """Return an amount of US dollars as people write it: `$1.74`, `$0.0042`, `$0`."""
    if not amount:
        return "$0"
    if amount >= 0.01:
        return f"${amount:,.2f}"
    return f"${amount:.4f}" if amount >= 0.0001 else "under $0.0001"


def run_time(seconds: float) -> str:
    """Return a time as people write it: `0.8 s`, `18 s`, `2 min 5 s`, `1 h 12 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


def _tokens(number: int) -> str:
    if number >= 1_000_000:
        return f"{number / 1_000_000:.1f} million tokens"
    return f"{number:,} tokens"


def _day_and_time(at: datetime | None) -> str:
    if at is None:
        return "an earlier day"
    local = at.astimezone()
    return f"{local.day} {local:%b %Y} at {local:%H:%M}"
