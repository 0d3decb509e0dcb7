"""Describes the state of a run over rows for the reader. No I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from llm_notebook.rows.reporting.run import NOT_KEPT, Failures, Run, dollars, run_time
from llm_notebook.transcript.job import Fact, Job, Reason
from llm_notebook.transcript.words import short_id

__all__ = ["as_options", "job_of"]

_MOST_NAMED = 12
_AGAIN, _RETRY = "running it again", '`retry="failed"`'
# For each kind of failure: the reason in a few words, and what asks such rows again.
_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "misfit": ("answer did not fit", _RETRY),
        "ended": ("answer ended early", _RETRY),
        "long": ("too long for the model", "another model"),
        "request": ("refused by the server", _RETRY),
        "key": ("no valid key", _AGAIN),
        "prompt": ("no prompt could be made", "another prompt"),
        "limit": ("too many requests", _AGAIN),
        "server": ("errors of the server", _AGAIN),
        "connection": ("no connection", _AGAIN),
        "broken": ("answer came broken", _AGAIN),
        "journal": ("could not be kept", _AGAIN),
    }
)
# Arguments of `map_rows()`, and the options of a cell that do the same.
_OPTIONS = (
    (re.compile(r'retry="failed"'), "--retry failed"),
    (re.compile(r"resume=False"), "--no-resume"),
    (re.compile(r"sample=(\d+)"), r"--sample \1"),
    (re.compile(r"limit_cost=([\d.]+)"), r"--limit-cost \1"),
    (re.compile(r"\blimit_cost\b"), "--limit-cost"),
    (re.compile(r"\bconcurrency\b(?= is a whole)"), "--concurrency"),
)


def as_options(sentence: str) -> str:
    """Return a sentence about arguments of `map_rows()` as one about the options of a cell."""
    for argument, option in _OPTIONS:
        sentence = argument.sub(option, sentence)
    return sentence


def job_of(
    run: Run,
    failures: Sequence[Failures] = (),
    label: Callable[[int], str] = str,
    *,
    is_cell: bool = False,
) -> Job:
    """Return what is shown of a run.

    Args:
        run: how it stands.
        failures: the rows that failed, once it is over.
        label: returns what a row is called, by its number.
        is_cell: a `%%llm --each` cell asks for it, so that its options are named, and a click can let it go on.
    """
    unasked = run.progress.failures["unasked"]
    job = Job(count=run.progress.count, done=run.done, failed=run.progress.failed - unasked)
    if run.state == "running":
        _tell_running(job, run)
    else:
        _tell_ending(job, run)
        job.reasons = [_reason(one, label) for one in failures if one.kind != "unasked"]
        job.can_go_on = is_cell and run.is_kept and run.state in ("stopped", "limit", "fault")
    if is_cell:
        job.text, job.hints = as_options(job.text), list(map(as_options, job.hints))
        job.reasons = [Reason(one.text, one.example, one.rows, one.which, as_options(one.again)) for one in job.reasons]
    return job


def _tell_running(job: Job, run: Run) -> None:
    job.title, job.text = f"{job.done:,}", f" of {_rows(job.count)}" if job.count is not None else " rows so far"
    if run.is_sample:
        job.text += _sampled(run)
    job.facts = [Fact(fact) for fact in (*_pace(run), *_money(run), *_left(run))]
    job.facts += _failed(job)
    if not run.is_kept:
        job.facts.append(Fact(NOT_KEPT))


def _tell_ending(job: Job, run: Run) -> None:
    progress = run.progress
    if run.was_known:
        job.state, job.text = "known", run.known_sentence
        return
    kept = "All of them are kept." if run.is_kept else "Nothing of it can be gone back to."
    of = f"{job.done:,} of {_rows(job.count)}" if job.count is not None else _rows(job.done)
    left = (job.count or 0) - job.done
    again = f"Run the cell again: it asks only the {_rows(left)} that {'is' if left == 1 else 'are'} left."
    job.facts = _facts(job, run)
    match run.state:
        case "stopped":
            job.state, job.title = "stopped", run.reason.removesuffix(".")
            job.text = f" at {of}. {kept}"
        case "limit":
            job.state, job.title = "stopped", f"Stopped at the limit of {dollars(run.limit or 0.0)}."
            job.text = f" {of} {'are' if job.done != 1 else 'is'} {'kept' if run.is_kept else 'answered'}."
            again = _with_more(run, again)
        case "fault":
            job.state, job.title = "failed", "Stopped" if job.done else "Not finished"
            job.text = f" at {of}. {run.reason}"
        case _:
            job.state, job.title = "done", _rows(job.done)
            job.text = _without_answer(job) + (_sampled(run) if run.is_sample else "")
            again = _whole(run)
    if again and (run.is_kept or run.is_sample) and job.count is not None and (left or run.state == "done"):
        job.hints = [again]
    if progress.asked_again:
        job.facts.insert(2, Fact(f"{progress.asked_again:,} asked again"))


def _facts(job: Job, run: Run) -> list[Fact]:
    progress = run.progress
    facts = [Fact(dollars(progress.cost))] if progress.cost or not progress.has_unknown_cost else []
    facts.append(Fact(run_time(run.elapsed)))
    equal = progress.reused - progress.known
    facts += [Fact(f"{progress.known:,} answered before")] if progress.known else []
    facts += [Fact(f"{equal:,} equal to others")] if equal > 0 else []
    return [*facts, *_failed(job), Fact(f"run {short_id(run.rows_id).lower()}" if run.is_kept else NOT_KEPT)]


def _pace(run: Run) -> list[str]:
    rate = run.rate
    if rate is None:
        # Nothing has come yet, so that is told which was expected before.
        return [run.estimate.size] if run.estimate is not None and run.estimate.rows else []
    return [f"{rate:,.0f} rows a second" if rate >= 1.95 else f"{60 * rate:,.0f} rows a minute"]


def _money(run: Run) -> list[str]:
    in_all = run.cost_in_all
    so_far = [f"{dollars(run.progress.cost)} so far"] if run.progress.cost else []
    expected = [f"about {dollars(in_all)} in all"] if in_all else []
    return [", ".join([*so_far, *expected])] if so_far or expected else []


def _left(run: Run) -> list[str]:
    left = run.seconds_left
    return [f"about {run_time(max(1.0, round(left)))} left".replace(".0 s", " s")] if left is not None else []


def _failed(job: Job) -> list[Fact]:
    return [Fact(f"{job.failed:,} failed", is_error=True)] if job.failed else []


def _without_answer(job: Job) -> str:
    if not job.failed:
        return ""
    return ", none of them with an answer" if job.failed == job.done else f", {job.failed:,} of them without an answer"


def _sampled(run: Run) -> str:
    return f", a sample of {run.whole:,}" if run.whole is not None else ", a sample"


def _whole(run: Run) -> str:
    """Return what asks the rows that are not in a sample, and about what they cost."""
    left = 0 if run.whole is None else run.whole - run.progress.done
    if not run.is_sample or left <= 0:
        return ""
    asked = run.progress.done - run.progress.known
    each = run.progress.cost / asked if asked else 0.0
    costs = f", for about {dollars(each * left)}" if each else ""
    return f"Without `sample={run.progress.done}`, the other {_rows(left)} are asked{costs}, and none of these again."


def _with_more(run: Run, again: str) -> str:
    """Return what lets a run go on that has come to its limit."""
    in_all = run.cost_in_all
    if in_all is None or run.limit is None:
        return again
    more = in_all - run.progress.cost
    needed = math.ceil(round(110 * more, 6)) / 100
    if needed <= run.limit:
        return f"{again} That costs about {dollars(more)} more, which the limit allows."
    return f"About {dollars(more)} more would finish it: `limit_cost={needed:.2f}`."


def _reason(one: Failures, label: Callable[[int], str]) -> Reason:
    text, again = _REASONS.get(one.kind, ("another error", _RETRY))
    which = ", ".join(label(position) for position in one.positions[:_MOST_NAMED])
    more = len(one.positions) - _MOST_NAMED
    return Reason(text, one.error, len(one.positions), f"{which} and {more:,} more" if more > 0 else which, again)


def _rows(count: int | None) -> str:
    return f"{count or 0:,} {'row' if count == 1 else 'rows'}"
