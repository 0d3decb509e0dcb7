"""Decides which row is asked next, and when a run is over. It does no I/O.

How it works. Questions are added as the rows are read. Equal questions count as one: the first is asked, and the others get its outcome.
A question whose failure may pass is set aside and becomes due again a little later. When many consecutive requests fail in the same way,
the run stops. Their order is that in which they were asked, because a slow answer says nothing about the requests that were sent after it. So
the plan knows at each moment whether there is something to ask, something to wait for, or nothing more to do. `Performance` follows the
plan, and does the sending.
"""

from __future__ import annotations

import bisect
import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_notebook.rows.outcomes import Outcome
from llm_notebook.rows.reporting.progress import Progress

if TYPE_CHECKING:
    from llm_notebook.turns.prompt import Prompt

__all__ = ["ASKED_AGAIN", "Budget", "Plan", "Question"]

ASKED_AGAIN = frozenset({"limit", "quota", "server", "connection", "broken", "key", "stopped"})
"""The kinds of earlier failures that a resumed run asks again: there was no answer, and the cause may have passed."""

# Failures that may pass, and how often a row is asked in all because of them. Each time, the transport has already tried several times.
_MOST_ATTEMPTS = {"limit": 8, "server": 4, "connection": 4, "broken": 3}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds
_MOST_ALIKE = 50
_REMEMBERED = 1000
# Failures of a single row, which say nothing about the others.
_OF_ONE_ROW = frozenset({"misfit", "ended", "long", "prompt"})


@dataclass(slots=True, eq=False)
class Question:
    """One request, for one row or for several equal ones.

    Attributes:
        prompt: what is asked.
        key: a digest of what is sent.
        positions: the numbers of the rows, counted from 0.
        attempts: how often it has been asked.
        number: how many requests had been sent when it was last asked.
        cost: what it has cost so far, in US dollars, as far as that is known; None if it is not known at all.
    """

    prompt: Prompt
    key: str
    positions: list[int]
    attempts: int = 0
    number: int = 0
    cost: float | None = None


@dataclass(slots=True)
class Budget:
    """The amount that a run may cost.

    Attributes:
        limit: the limit in US dollars; None for no limit.
        expected: the expected cost of one row in US dollars, used until a row has been answered.
    """

    limit: float | None = None
    expected: float = 0.0


@dataclass(slots=True)
class Plan:
    """The state of a run.

    Attributes:
        budget: the amount that it may cost.
        dedupe: whether equal questions are asked only once.
        progress: the progress of the run.
        remembered: how many outcomes are remembered for equal questions that come later.
        stopped: why nothing more is asked, as a sentence; empty while the run continues.
        is_fault: whether it was stopped because every row would fail in the same way.
    """

    budget: Budget = field(default_factory=Budget)
    dedupe: bool = True
    progress: Progress = field(default_factory=Progress)
    remembered: int = 0
    stopped: str = ""
    is_fault: bool = False
    _queue: deque[Question] = field(default_factory=deque)
    _later: list[tuple[float, int, Question]] = field(default_factory=list)
    _open: dict[str, Question] = field(default_factory=dict)
    _settled: dict[str, Outcome] = field(default_factory=dict)
    _asking: int = 0
    _asked: int = 0
    _sent: int = 0
    # The requests that ended most recently, in the order in which they were sent.
    _ended: list[tuple[int, str]] = field(default_factory=list)

    def add(self, question: Question) -> None:
        """Add a question at the end."""
        equal = self._open.get(question.key) if self.dedupe else None
        if equal is not None:
            equal.positions += question.positions
            return
        self._open[question.key] = question
        self._queue.append(question)

    @property
    def queued(self) -> int:
        """How many questions could be asked right now."""
        return len(self._queue)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being asked and nothing is left to ask."""
        return not self._asking and not self._queue and not self._later

    def next(self, now: float) -> Question | None:
        """Return the question to ask now; None if there is none at this moment.

        Args:
            now: the time in seconds, on any clock that never goes back.
        """
        if self.stopped:
            return None
        is_due = bool(self._later) and self._later[0][0] <= now
        if not is_due and not self._queue:
            return None
        if not self._is_affordable():
            limit = self.budget.limit or 0.0
            shown = f"${limit:.2f}" if limit >= 0.01 else f"${limit:.4f}"
            self.stop(f"The limit of {shown} is reached; what is not asked yet is asked with a higher limit_cost.")
            return None
        question = heapq.heappop(self._later)[2] if is_due else self._queue.popleft()
        question.attempts += 1
        question.number = self._sent
        self._sent += 1
        self._asking += 1
        return question

    def seconds_left(self, now: float) -> float | None:
        """Return in how many seconds the next question that was set aside is due; None if there is none."""
        return max(0.0, self._later[0][0] - now) if self._later else None

    def finish(self, question: Question, outcome: Outcome, now: float) -> list[int]:
        """Take the outcome of a question. Return the rows that it applies to; none if the question will be asked again."""
        self._asking -= 1
        self._asked += 1
        self.progress.pay(outcome)
        if outcome.cost is not None:
            question.cost = (question.cost or 0.0) + outcome.cost
        outcome.cost = question.cost
        is_last = question.attempts >= _MOST_ATTEMPTS.get(outcome.failure, 0)
        if is_last or outcome.failure != "limit":
            # A rate limit shows that the server is there, but too busy at the moment.
            self._count_alike(question.number, outcome)
        if not is_last and not self.stopped:
            self.progress.asked_again += 1
            pause = min(_FIRST_PAUSE * 2 ** (question.attempts - 1), _LONGEST_PAUSE) * random.uniform(0.75, 1.0)  # noqa: S311
            heapq.heappush(self._later, (now + pause, id(question), question))
            return []
        return self.settle(question, outcome)

    def settle(self, question: Question, outcome: Outcome, *, is_reused: bool = False) -> list[int]:
        """Take a final outcome. Return the rows that it applies to.

        Args:
            question: the question.
            outcome: the outcome.
            is_reused: whether the question was not asked itself, because it was answered before, or an equal one was.
        """
        self._open.pop(question.key, None)
        for number in range(len(question.positions)):
            self.progress.add(outcome, is_reused=is_reused or number > 0)
        if self.dedupe and self.remembered and outcome.failure not in ASKED_AGAIN:
            self._settled[question.key] = outcome
            if len(self._settled) > self.remembered:
                del self._settled[next(iter(self._settled))]
        return question.positions

    def take_over(self, question: Question, earlier: Outcome) -> None:
        """Count what it cost to ask a question before this run, once for equal questions."""
        if question.key not in self._open and question.key not in self._settled:
            self.progress.take_over(earlier)

    def outcome_of_equal(self, question: Question) -> Outcome | None:
        """Return the outcome of an equal question that is settled and would not be asked again; None if there is none."""
        return self._settled.get(question.key) if self.dedupe else None

    def stop(self, reason: str, *, is_fault: bool = False) -> None:
        """Ask nothing more."""
        self.stopped, self.is_fault = self.stopped or reason, self.is_fault or is_fault

    def abandon(self) -> list[Question]:
        """Remove the questions that will not be asked any more, and return them."""
        left = [*self._queue, *(question for _, _, question in self._later)]
        self._queue.clear()
        self._later.clear()
        return left

    def _is_affordable(self) -> bool:
        if self.budget.limit is None:
            return True
        each = max(self.progress.cost / self._asked if self._asked else 0.0, self.budget.expected)
        return self.progress.cost + each * (self._asking + 1) <= self.budget.limit

    def _count_alike(self, number: int, outcome: Outcome) -> None:
        kind = "" if outcome.failure in _OF_ONE_ROW else outcome.failure
        at = bisect.bisect(self._ended, (number, kind))
        if at == 0 and len(self._ended) > _REMEMBERED // 2:
            return
        self._ended.insert(at, (number, kind))
        if len(self._ended) > _REMEMBERED:
            del self._ended[: _REMEMBERED // 2]
        elif kind and self._alike(at, kind) >= _MOST_ALIKE:
            self.stop(f"The last {_MOST_ALIKE} requests failed alike: {outcome.error}", is_fault=True)

    def _alike(self, at: int, kind: str) -> int:
        """Return how many consecutive requests around this one, itself included, have failed in the same way."""
        ended, first, last = self._ended, at, at
        while first > 0 and ended[first - 1][1] == kind and at - first < _MOST_ALIKE:
            first -= 1
        while last < len(ended) - 1 and ended[last + 1][1] == kind and last - at < _MOST_ALIKE:
            last += 1
        return last - first + 1
