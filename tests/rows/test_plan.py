"""The plan of a run, driven without a model: whatever happens, each row gets exactly one outcome."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.rows.outcomes import Outcome
from llm_notebook.rows.plan import Budget, Plan, Question

_FAILURES = ["", "", "", "limit", "server", "connection", "broken", "key", "misfit", "other"]


def _question(key: str, position: int) -> Question:
    return Question(cast("Any", None), key, [position])


@given(
    keys=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40),
    failures=st.lists(st.sampled_from(_FAILURES), min_size=1, max_size=20),
    at_once=st.integers(1, 5),
    limit=st.none() | st.floats(0.5, 20),
    dedupe=st.booleans(),
)
def test_each_row_has_one_outcome(
    keys: list[str], failures: list[str], at_once: int, limit: float | None, dedupe: bool
) -> None:
    plan = Plan(Budget(limit, 0.1), dedupe)
    for position, key in enumerate(keys):
        plan.add(_question(key, position))
    settled: list[int] = []
    asking: list[Question] = []
    now, asked = 0.0, 0
    while True:
        while len(asking) < at_once and (question := plan.next(now)) is not None:
            asking.append(question)
        if asking:
            settled += plan.finish(asking.pop(0), Outcome(failure=failures[asked % len(failures)], cost=1.0), now)
            asked += 1
        elif plan.stopped or plan.is_idle:
            break
        else:
            seconds = plan.seconds_left(now)
            assert seconds is not None
            now += seconds
    settled += [position for question in plan.abandon() for position in question.positions]
    assert sorted(settled) == list(range(len(keys)))
    assert asked <= 8 * len(keys)
    if limit is not None:
        assert asked <= limit + at_once


def test_equal_questions_are_asked_once_and_counted_for_each_row() -> None:
    plan = Plan()
    for position in range(3):
        plan.add(_question("same", position))
    question = plan.next(0.0)
    assert question is not None
    assert plan.next(0.0) is None
    assert plan.finish(question, Outcome({"answer": "x"}), 0.0) == [0, 1, 2]
    assert (plan.progress.answered, plan.progress.reused) == (3, 2)
    assert plan.is_idle


def _ends(plan: Plan, ends: list[tuple[int, str]]) -> int:
    """End questions with outcomes in this order, by the order in which they were asked. Return after how many the plan has stopped."""
    asked = []
    for position in range(max(number for number, _ in ends) + 1):
        plan.add(_question(str(position), position))
        question = plan.next(0.0)
        assert question is not None
        asked.append(question)
    for count, (number, failure) in enumerate(ends, 1):
        plan.finish(asked[number], Outcome(failure=failure, error="Why."), 0.0)
        if plan.stopped:
            return count
    return 0


def test_fifty_failures_alike_end_the_run_though_a_slow_answer_arrives_between_them() -> None:
    failing = [(number, "key") for number in range(1, 60)]
    assert _ends(Plan(), failing) == 50
    # What was asked before the failures says nothing of them, whenever it arrives.
    assert _ends(Plan(), [*failing[:40], (0, ""), *failing[40:]]) == 51
    # What was asked after some of them, and is answered, does.
    assert _ends(Plan(), [*failing[:29], (30, ""), *failing[30:]]) == 0
    assert _ends(Plan(), [(number, "key" if number % 2 else "server") for number in range(200)]) == 0


def test_a_busy_server_ends_no_run_while_its_rows_are_asked_again() -> None:
    plan = Plan()
    assert _ends(plan, [(number, "limit") for number in range(100)]) == 0
    assert plan.progress.asked_again == 100
