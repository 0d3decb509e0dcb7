"""The places of a run: how many rows are with the server at once, while others wait before their requests are repeated.

The clock of these runs goes on by itself as soon as everything waits.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.rows.outcomes import Outcome
from llm_notebook.rows.performing import Performance
from llm_notebook.rows.plan import Budget, Plan, Question
from llm_notebook.turns.concurrency.waits import wait
from tests.fakes.openai_server import Reply, UntilMet, refusal
from tests.rows.conftest import Rows, answer_of

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Lets no time pass.

    Attributes:
        skipped: how many seconds it should have waited.
    """

    skipped = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "Everything waits for something that never comes."
        self.skipped += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.skipped


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(coroutine)


@dataclass(slots=True)
class _Asker:
    """Asks questions of which each is with the server a number of times, and waits between them.

    Attributes:
        times: how often each row is with the server; the rows beyond its end are there once.
        seconds: how long a row waits in between.
        patience: after how many seconds a row gives up its wait, and fails; None for never.
        asked: when each request was sent, and for which row.
    """

    times: list[int] = field(default_factory=list)
    seconds: float = 10.0
    patience: float | None = None
    rows_id: str = "run"
    asked: list[tuple[float, int]] = field(default_factory=list)
    at_once: int = 0
    most: int = 0
    fails: Callable[[int], BaseException | None] = lambda _row: None

    def question(self, position: int, _row: object) -> Question:
        return Question(cast("Any", None), str(position), [position])

    def known(self, _questions: object, _rows_id: str) -> dict[str, Any]:
        return {}

    async def ask(self, question: Question, _in_thread: object) -> Outcome:
        [row] = question.positions
        for attempt in range(self.times[row] if row < len(self.times) else 1):
            if attempt:
                try:
                    async with asyncio.timeout(self.patience):
                        await wait(self.seconds)
                except TimeoutError:
                    return Outcome(failure="other", error="It took too long.")
            self.asked.append((asyncio.get_running_loop().time(), row))
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            try:
                await asyncio.sleep(1)
            finally:
                self.at_once -= 1
        if (error := self.fails(row)) is not None:
            raise error
        return Outcome({"answer": row}, cost=1.0)


def _performance(asker: _Asker, rows: int, concurrency: int, plan: Plan | None = None) -> Performance:
    numbered = iter([(number, {"text": str(number)}) for number in range(rows)])
    return Performance(cast("Any", asker), plan or Plan(), numbered, concurrency)


async def _outcomes(asker: _Asker, rows: int, concurrency: int, plan: Plan | None = None) -> dict[int, Outcome]:
    """Perform a run to its end, and return the outcome of each row."""
    found: list[tuple[int, Outcome]] = []
    async with aclosing(_performance(asker, rows, concurrency, plan).outcomes()) as batches:
        async for batch in batches:
            found += batch
    assert sorted(row for row, _ in found) == list(range(rows))
    return dict(found)


@given(st.lists(st.integers(1, 4), max_size=40), st.integers(1, 6), st.sampled_from([0.0, 0.5, 1.0, 7.0]))
def test_every_row_is_answered_and_never_are_more_with_the_server(
    times: list[int], concurrency: int, seconds: float
) -> None:
    asker = _Asker(times, seconds)
    found = _run(_outcomes(asker, len(times), concurrency))
    assert asker.most <= concurrency
    assert all(outcome.values == {"answer": row} for row, outcome in found.items())
    assert Counter(row for _, row in asker.asked) == dict(enumerate(times))


@given(st.lists(st.integers(1, 4), max_size=40), st.integers(1, 6), st.sampled_from([0.25, 1.0, 7.0, 7.5, 9.0]))
def test_a_wait_that_is_given_up_takes_no_place_from_anyone_and_makes_none(
    times: list[int], concurrency: int, patience: float
) -> None:
    asker = _Asker(times, 7.0, patience)
    found = _run(_outcomes(asker, len(times) + 20, concurrency))
    assert asker.most == concurrency
    assert all(found[row].failure in ("", "other") for row in range(len(times)))
    assert all(found[row].values == {"answer": row} for row in range(len(times), len(times) + 20))


def test_other_rows_are_asked_while_some_wait() -> None:
    asker = _Asker([2, 2], seconds=10)
    _run(_outcomes(asker, 8, concurrency=2))
    assert sorted(asker.asked) == [(0, 0), (0, 1), (1, 2), (1, 3), (2, 4), (2, 5), (3, 6), (3, 7), (11, 0), (11, 1)]


def test_a_row_that_has_waited_goes_on_as_soon_as_another_is_answered() -> None:
    asker = _Asker([2], seconds=2.5)
    _run(_outcomes(asker, 12, concurrency=2))
    # It was away from 1.0 to 3.5, and somebody is answered at 4.0.
    assert [at for at, row in asker.asked if row == 0] == [0, 4]
    assert asker.most == 2


def test_a_server_that_is_down_is_not_asked_every_row() -> None:
    asker = _Asker([2] * 100, seconds=1000)
    _run(_outcomes(asker, 100, concurrency=4))
    assert len([at for at, _ in asker.asked if at < 1000]) == 8


def test_rows_that_all_wait_are_all_answered() -> None:
    asker = _Asker([3] * 4, seconds=100)
    found = _run(_outcomes(asker, 4, concurrency=4))
    assert [found[row].values for row in range(4)] == [{"answer": row} for row in range(4)]


def test_a_limit_that_is_reached_while_rows_want_a_place_ends_the_run() -> None:
    asker, plan = _Asker([2, 2], seconds=1), Plan(Budget(6.5, 1.0))
    found = _run(_outcomes(asker, 30, 2, plan))
    assert "limit of $6.50 is reached" in plan.stopped
    answered = [row for row, outcome in found.items() if not outcome.failure]
    assert len(answered) == 6
    # They were asked before, so they are paid for, and are asked to their end.
    assert {0, 1} <= set(answered)
    assert {outcome.failure for outcome in found.values()} == {"", "unasked"}


@pytest.mark.parametrize("error", [ZeroDivisionError("fault"), AssertionError(), SystemExit(2), KeyboardInterrupt()])
def test_an_error_in_a_worker_ends_the_run_with_it(error: BaseException) -> None:
    asker = _Asker([2, 2], seconds=5, fails=lambda row: error if row == 3 else None)

    async def run() -> None:
        with pytest.raises(type(error)) as raised:
            await _outcomes(asker, 50, 2)
        assert raised.value is error
        assert asyncio.all_tasks() == {asyncio.current_task()}

    _run(run())
    assert len({row for _, row in asker.asked}) <= 5


def test_a_stop_ends_the_waits_at_once() -> None:
    asker = _Asker([2] * 3, seconds=1000)

    async def run() -> None:
        performing = asyncio.create_task(_outcomes(asker, 3, 4))
        await asyncio.sleep(500)
        performing.cancel()
        await asyncio.gather(performing, return_exceptions=True)
        assert asyncio.get_running_loop().time() == 500
        assert asyncio.all_tasks() == {asyncio.current_task()}

    _run(run())
    assert len(asker.asked) == 3


def test_a_stop_while_a_row_wants_a_place_leaves_nothing_behind() -> None:
    asker = _Asker([2], seconds=2.5)

    async def run() -> None:
        performing = asyncio.create_task(_outcomes(asker, 12, 2))
        # It wants a place from 3.5 on, and nobody is answered before 4.0.
        await asyncio.sleep(3.75)
        performing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await performing
        assert asyncio.all_tasks() == {asyncio.current_task()}

    _run(run())
    assert [at for at, row in asker.asked if row == 0] == [0]


def test_a_server_sees_no_more_requests_at_once_than_are_wanted(rows: Rows) -> None:
    lock, seen = threading.Lock(), Counter[str]()
    at_once, most = 0, 0

    def reply(text: str) -> Reply:
        nonlocal at_once, most
        with lock:
            seen[text] += 1
            at_once += 1
            most = max(most, at_once)
        usual = answer_of(text.rpartition(" ")[2]) if seen[text] > 1 else refusal(503, retry_after="0.05")
        return Reply(
            [UntilMet(threading.Barrier(1, leave)), *usual.pieces], usual.status, usual.headers, usual.content_type
        )

    def leave() -> None:
        nonlocal at_once
        with lock:
            at_once -= 1

    rows.replies = reply
    texts = [f"w{number}" for number in range(16)]
    assert [row["answer"] for row in rows.map(texts, concurrency=4)] == texts
    assert set(seen.values()) == {2}
    assert most <= 4
