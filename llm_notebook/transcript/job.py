"""A run over many rows as its reader sees it: a bar, one line of numbers, and at the end the rows that failed, by reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from llm_notebook.transcript.visible import terminal_safe, visible

__all__ = ["Fact", "Job", "JobState", "Reason", "job_document", "markdown_job", "plain_job"]

JobState = Literal["running", "stopped", "failed", "done", "known"]
"""The state of a run. It is `known` if every row was answered before, so that there is no bar to show."""

_LONGEST_EXAMPLE = 300
_WIDTH = 40  # characters of the bar in plain text
_DONE, _FAILED, _LEFT = "█", "▒", "░"

Document = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Fact:
    """One of the numbers below the bar.

    Attributes:
        text: the number and what it counts.
        is_error: whether it counts failures.
    """

    text: str
    is_error: bool = False


@dataclass(slots=True, frozen=True)
class Reason:
    """Why some rows failed.

    Attributes:
        text: the reason in a few words.
        example: why the first of them failed. It may quote a model or a server.
        rows: how many rows there are.
        which: the first of them, by their labels.
        again: how to ask them again, with what can be typed in backticks.
    """

    text: str
    example: str
    rows: int
    which: str
    again: str


@dataclass(slots=True)
class Job:
    """A run over rows.

    Attributes:
        state: its state.
        count: how many rows there are; None if it is not known.
        done, failed: how many of them have an outcome, and how many of these failed.
        title: the most important fact, in a few words of ours.
        text: the rest of that sentence, with what can be typed in backticks.
        facts: the numbers below the bar.
        hints: what the reader can do, with what can be typed in backticks.
        can_go_on: whether a click can continue the run.
        reasons: why rows failed; empty while it runs.
    """

    state: JobState = "running"
    count: int | None = None
    done: int = 0
    failed: int = 0
    title: str = ""
    text: str = ""
    facts: list[Fact] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    can_go_on: bool = False
    reasons: list[Reason] = field(default_factory=list)

    @property
    def percent(self) -> int | None:
        """The percentage of rows with an outcome; None if it is not known. It is 100 only if all rows have one."""
        if not self.count:
            return None
        return min(99 if self.done < self.count else 100, round(100 * self.done / self.count))

    @property
    def failed_rows(self) -> int:
        """The number of rows to which the reasons apply."""
        return sum(reason.rows for reason in self.reasons)


def job_document(job: Job) -> Document:
    """Return the document of a run; `IJob` in the page's `protocol/job.ts` is its type."""
    document: Document = {
        "state": job.state,
        "count": job.count,
        "done": job.done,
        "failed": job.failed,
        "title": job.title,
        "text": job.text,
        "facts": [{"text": fact.text, **({"error": True} if fact.is_error else {})} for fact in job.facts],
        "hints": list(job.hints),
    }
    if job.can_go_on:
        document["canGoOn"] = True
    if job.reasons:
        document["reasons"] = [
            {
                "text": reason.text,
                "example": _shortened(reason.example),
                "rows": reason.rows,
                "which": reason.which,
                "again": reason.again,
            }
            for reason in job.reasons
        ]
    return document


def markdown_job(job: Job, literal: Callable[[str], str], coded: Callable[[str], str]) -> str:
    """Return a run as Markdown.

    Args:
        job: the run.
        literal: makes text from outside safe to put into Markdown.
        coded: does the same to a sentence of ours, in which backticks enclose code.
    """
    space = " " if job.title and job.text.startswith(" ") else ""
    head = f"**{literal(job.title)}**{space}{coded(job.text)}" if job.title else coded(job.text)
    percent = "" if job.percent is None or job.state == "known" else f" · {job.percent} %"
    lines = [f"{_mark(job)}{head}{percent}"]
    if bar := _bar(job):
        lines.append(f"`{bar}`")
    if job.facts:
        lines.append(" · ".join(f"**{fact.text}**" if fact.is_error else fact.text for fact in job.facts))
    lines += map(coded, job.hints)
    if job.reasons:
        table = ["| Reason | Rows | Which | Asked again by |", "|---|---:|---|---|"]
        for reason in job.reasons:
            said = f"{literal(reason.text)}<br>{_in_cell(_shortened(reason.example), literal)}"
            which = _in_cell(reason.which, literal)
            table.append(f"| {said} | {reason.rows:,} | {which} | {coded(reason.again)} |")
        lines += [_failed_sentence(job), "\n".join(table)]
    return "\n\n".join(lines)


def plain_job(job: Job) -> str:
    """Return a run as text."""
    percent = "" if job.percent is None or job.state == "known" else f"  {job.percent} %"
    lines = [f"{_mark(job)}{job.title}{job.text}{percent}"]
    lines += [_bar(job)] if _bar(job) else []
    lines += [" · ".join(fact.text for fact in job.facts)] if job.facts else []
    lines += job.hints
    if job.reasons:
        lines += ["", _failed_sentence(job)]
        for reason in job.reasons:
            lines.append(f"  {reason.text}, {reason.rows:,}: {visible(reason.which)}")
            lines.append(f"      {visible(_shortened(reason.example))} Asked again by {reason.again}.")
    return terminal_safe("\n".join(lines).replace("`", ""))


def _failed_sentence(job: Job) -> str:
    rows = f"{job.failed_rows:,} row{'' if job.failed_rows == 1 else 's'} failed"
    return f"{rows}, for {len(job.reasons)} reasons" if len(job.reasons) > 1 else rows


def _mark(job: Job) -> str:
    return "■ " if job.state in ("stopped", "failed") else ""


def _bar(job: Job) -> str:
    """Return the bar as text; empty if the number of rows is not known, or if nothing was sent."""
    if not job.count or job.state == "known":
        return ""
    failed = max(1, round(_WIDTH * job.failed / job.count)) if job.failed else 0
    full = min(_WIDTH - failed, round(_WIDTH * (job.done - job.failed) / job.count))
    return _DONE * full + _FAILED * failed + _LEFT * (_WIDTH - full - failed)


def _in_cell(text: str, literal: Callable[[str], str]) -> str:
    return literal(" ".join(text.split())).replace("|", "&#124;") if text.strip() else ""


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_EXAMPLE else line[: _LONGEST_EXAMPLE - 1] + "…"
