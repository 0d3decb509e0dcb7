"""The words about a run over rows, while it runs and when it is over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from llm_notebook.notebook.rows.words import as_options, job_of
from llm_notebook.rows.outcomes import Outcome
from llm_notebook.rows.reporting.progress import Progress
from llm_notebook.rows.reporting.run import Estimate, Failures, Run, RunState, dollars, run_time
from llm_notebook.transcript.job import Job


def _run(answered: int = 0, failed: int = 0, *, count: int | None = 1000, cost: float = 0.001) -> Run:
    progress = Progress(count)
    for number in range(answered + failed):
        outcome = Outcome(failure="misfit" if number < failed else "", cost=cost)
        progress.pay(outcome)
        progress.add(outcome)
    return Run(progress, "m", "01M8DYPMCH3NS4PR8Z9E9Z90GK")


def _facts(job: Job) -> list[str]:
    return [fact.text for fact in job.facts]


def test_before_the_first_answer_it_says_what_is_expected() -> None:
    run = _run()
    run.estimate = Estimate(1000, 2_140_000, 1.7412)
    job = job_of(run)
    assert job.title + job.text == "0 of 1,000 rows"
    assert _facts(job) == ["about 2.1 million tokens in", "about $1.74 in all"]
    assert str(run.estimate) == "1,000 rows, about 2.1 million tokens in, about $1.74"


def test_while_it_goes_on_it_says_rate_cost_time_left_and_failures() -> None:
    run = _run(480, 20)
    run._began -= 10
    job = job_of(run)
    rate, cost, left, failed = _facts(job)
    assert rate.endswith(" rows a second")
    assert cost == "$0.50 so far, about $1.00 in all"
    assert left.startswith("about ")
    assert left.endswith(" s left")
    assert failed == "20 failed"
    assert job.percent == 50


def _ended(run: Run, state: RunState, reason: str = "") -> Job:
    run.end(state, reason)
    run.seconds = 77.0
    return job_of(run, [Failures("misfit", "no JSON", list(range(20)))] if run.progress.failed else [], is_cell=True)


def test_a_stopped_run_says_what_is_kept_and_what_is_left() -> None:
    job = _ended(_run(640, 2), "stopped", "Stopped by you.")
    assert job.title + job.text == "Stopped by you at 642 of 1,000 rows. All of them are kept."
    assert _facts(job) == ["$0.64", "1 min 17 s", "2 failed", "run 9e9z90gk"]
    assert job.hints == ["Run the cell again: it asks only the 358 rows that are left."]
    assert job.can_go_on
    [reason] = job.reasons
    assert (reason.rows, reason.again) == (20, "`--retry failed`")
    assert reason.which.endswith("11 and 8 more")


def test_a_run_at_its_limit_says_what_would_finish_it() -> None:
    run = _run(500)
    run.limit = 0.4
    job = _ended(run, "limit", "The limit is reached.")
    assert job.title + job.text == "Stopped at the limit of $0.40. 500 of 1,000 rows are kept."
    assert job.hints == ["About $0.50 more would finish it: `--limit-cost 0.55`."]


def test_rows_that_a_stopped_run_leaves_count_neither_as_done_nor_as_failed() -> None:
    run = _run(4, count=8)
    for _ in range(4):
        run.progress.add(Outcome(failure="unasked"))
    run.limit = 1.0
    job = _ended(run, "limit", "The limit is reached.")
    assert (job.done, job.failed, job.percent) == (4, 0, 50)


def test_a_finished_run_says_who_failed_and_a_known_one_when_it_was_answered() -> None:
    job = _ended(_run(980, 20), "done")
    assert job.title + job.text == "1,000 rows, 20 of them without an answer"
    assert not job.can_go_on
    progress = Progress(3)
    for day in (25, 26, 24):
        progress.add(Outcome(at=datetime(2026, 11, day, 12, 31, tzinfo=UTC)), is_reused=True)
    job = _ended(Run(progress, "m", "01M8DYPMCH3NS4PR8Z9E9Z90GK"), "done")
    assert job.state == "known"
    assert job.text.startswith("All 3 rows were answered on 26 Nov 2026 at ")
    assert job.text.endswith("Nothing was sent; `--no-resume` asks again.")


def test_prompts_that_are_too_long_need_another_model_and_repeated_requests_are_counted() -> None:
    run = _run(980, 20)
    run.progress.asked_again = 31
    run.end("done")
    job = job_of(run, [Failures("long", "That is 9 tokens too many.", [4])], is_cell=True)
    assert "31 asked again" in _facts(job)
    assert [(reason.text, reason.again) for reason in job.reasons] == [("too long for the model", "another model")]


def test_a_sample_says_what_the_others_would_cost() -> None:
    run = _run(20, count=20)
    run.whole, run.is_sample = 10_000, True
    job = _ended(run, "done")
    assert job.title + job.text == "20 rows, a sample of 10,000"
    [hint] = job.hints
    assert hint == "Without `--sample 20`, the other 9,980 rows are asked, for about $9.98, and none of these again."


def test_what_is_not_kept_is_said_while_it_goes_on_and_at_the_end() -> None:
    run = _run(1)
    run.is_kept = False
    assert "not kept: nothing can be gone back to" in _facts(job_of(run))
    job = _ended(run, "stopped", "Stopped by you.")
    assert job.text.endswith("Nothing of it can be gone back to.")
    assert not job.can_go_on
    assert job.hints == []


@pytest.mark.parametrize(
    ("amount", "said"),
    [(0, "$0"), (0.00001, "under $0.0001"), (0.0042, "$0.0042"), (1.7412, "$1.74"), (1234.5, "$1,234.50")],
)
def test_amounts_are_written_as_people_write_them(amount: float, said: str) -> None:
    assert dollars(amount) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.84, "0.8 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4320, "1 h 12 min")],
)
def test_times_are_written_as_people_write_them(seconds: float, said: str) -> None:
    assert run_time(seconds) == said


def test_a_sentence_about_arguments_becomes_one_about_options() -> None:
    said = as_options('`retry="failed"`, `resume=False`, `sample=20`, `limit_cost=1.80`; limit_cost is a number')
    assert said == "`--retry failed`, `--no-resume`, `--sample 20`, `--limit-cost 1.80`; --limit-cost is a number"
