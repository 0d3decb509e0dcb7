"""The progress of a run in counts and money, and the line that sums it up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from llm_notebook.journal.runs import RowsCounts
from llm_notebook.rows.outcomes import Outcome

__all__ = ["Progress"]

_WORDS = {
    "limit": "too many requests",
    "quota": "nothing left to spend",
    "server": "errors of the server",
    "connection": "no connection",
    "broken": "broken answers",
    "key": "no valid key",
    "request": "refused requests",
    "misfit": "did not fit",
    "ended": "ended early",
    "long": "too long for the model",
    "prompt": "no prompt",
    "unasked": "not asked",
}


@dataclass(slots=True)
class Progress:
    """The progress of a run.

    Attributes:
        count: how many rows there are; None if that is not known.
        answered: how many have an answer that fits, including those that were answered before.
        reused: how many of these were answered before, or are equal to another row.
        failures: how many have failed, by the kind of failure.
        asked_again: how many requests were repeated because the answer was broken or did not come.
        cost: the known cost so far, in US dollars.
        has_unknown_cost: whether the cost of some row is not known.
        sent: how many requests were sent and have ended.
        known: how many rows were answered or had failed before this run.
        answered_at: the time of the latest of these; None if there are none.
        earlier_cost: the known cost of asking the rows that were asked before, in US dollars.
        has_unknown_earlier_cost: whether the cost of some row that was asked before is not known.
    """

    count: int | None = None
    answered: int = 0
    reused: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    asked_again: int = 0
    cost: float = 0.0
    has_unknown_cost: bool = False
    sent: int = 0
    known: int = 0
    answered_at: datetime | None = None
    earlier_cost: float = 0.0
    has_unknown_earlier_cost: bool = False

    @property
    def failed(self) -> int:
        """How many rows have failed."""
        return self.failures.total()

    @property
    def done(self) -> int:
        """How many rows have an outcome."""
        return self.answered + self.failed

    def add(self, outcome: Outcome, *, is_reused: bool = False) -> None:
        """Count the outcome of a row.

        Args:
            outcome: the outcome.
            is_reused: whether the row was not asked itself.
        """
        if outcome.at is not None:
            self.known += 1
            self.answered_at = max(outcome.at, self.answered_at or outcome.at)
        if outcome.failure:
            self.failures[outcome.failure] += 1
        else:
            self.answered += 1
            self.reused += is_reused

    def pay(self, outcome: Outcome) -> None:
        """Count a request and its cost."""
        self.sent += 1
        if outcome.cost is None:
            self.has_unknown_cost = self.has_unknown_cost or outcome.usage is not None
        else:
            self.cost += outcome.cost

    def take_over(self, earlier: Outcome) -> None:
        """Count what it cost to ask a row before this run."""
        if earlier.cost is not None:
            self.earlier_cost += earlier.cost
        else:
            self.has_unknown_earlier_cost = self.has_unknown_earlier_cost or earlier.usage is not None

    @property
    def counts(self) -> RowsCounts:
        """How far the run has come, as the journal records it."""
        is_unknown = self.has_unknown_cost or self.has_unknown_earlier_cost
        return RowsCounts(
            self.answered,
            self.failed - self.failures["unasked"],
            self.known,
            None if is_unknown else self.cost + self.earlier_cost,
        )

    @property
    def summary(self) -> str:
        """All of it in one line, such as `1,000 rows · 990 answered · 10 failed (8 did not fit, 2 ended early) · $0.42`."""
        words = [f"{self.done:,} row{'' if self.done == 1 else 's'}", f"{self.answered:,} answered"]
        if self.reused:
            words[-1] += f" ({self.reused:,} of them before, or by an equal row)"
        if self.failed:
            kinds = ", ".join(
                f"{number:,} {_WORDS.get(kind, 'failed')}" for kind, number in self.failures.most_common()
            )
            words.append(f"{self.failed:,} failed ({kinds})")
        if self.asked_again:
            words.append(f"{self.asked_again:,} asked again")
        if self.cost or not self.has_unknown_cost:
            words.append(f"${self.cost:.2f}" if self.cost >= 1 or not self.cost else f"${self.cost:.4f}")
        return " · ".join(words)
