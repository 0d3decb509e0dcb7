"""Our own sentences about a turn and its calls, which say what the answer itself does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING

from llm_notebook.transcript.blocks import CallBlock
from llm_notebook.transcript.calls.series import place_in_series, series_of
from llm_notebook.transcript.visible import visible

if TYPE_CHECKING:
    from llm_notebook.parts.messages import Usage
    from llm_notebook.transcript.endings import Limit
    from llm_notebook.transcript.view import TranscriptView

__all__ = [
    "call_sentence",
    "decision_sentence",
    "duration",
    "facts",
    "finish_sentence",
    "held_up_sentence",
    "limit_sentence",
    "not_saved_sentence",
    "on_one_line",
    "one_line",
    "short_id",
    "state_sentence",
    "ways_to_decide",
]

_LONGEST_SENTENCE = 1_000

Written = Callable[[str], str]
"""A function that makes names and other untrusted text safe to put into our own sentences."""


def on_one_line(text: str) -> str:
    """Return untrusted text on one line, shortened and with invisible characters spelled out."""
    return visible(one_line(text))


def one_line(text: str) -> str:
    """Return untrusted text shortened and on one line. It still contains invisible characters."""
    line = " ".join(text[: 4 * _LONGEST_SENTENCE].split())
    return (line if len(line) <= _LONGEST_SENTENCE else line[:_LONGEST_SENTENCE] + "…") or "(no name)"


def state_sentence(view: TranscriptView, written: Written = on_one_line) -> str:
    """Return a sentence about the state of the turn as a whole; empty if the answer needs none."""
    is_job = view.beside is not None and view.beside.job is not None
    return "" if is_job else _state_of_answer(view, written)


def _state_of_answer(view: TranscriptView, written: Written) -> str:
    if view.notice:
        left = view.notice_left
        again = [] if left is None else [f"Trying again in {math.ceil(left)} s."]
        return " ".join([written(view.notice), *again, *([view.notice_detail] if view.notice_detail else [])])
    if view.state in ("waiting", "streaming") and view.silent:
        waited = f", {view.seconds:.0f} s" if view.seconds >= 1 else ""
        begin = f"{written(view.model_id)} is thinking" if view.blocks else f"Waiting for {written(view.model_id)}"
        return begin + waited
    if view.limit is not None:
        return limit_sentence(view.limit)
    if view.state == "interrupted":
        stopped = f"■ Stopped by you after {duration(view.seconds)}. {kept_sentence(view)}"
        return "■ Ended before the model went on." if _ended_by_decision(view) else stopped
    if view.state == "failed" and view.problem is None:
        kept = f"■ The answer broke off after {duration(view.seconds)}. {kept_sentence(view)}"
        return kept if view.blocks else "■ No answer came."
    if said := finish_sentence(view):
        return said[0]
    if view.state == "done" and not _has_text(view) and not (view.calls or view.pictures):
        return f"{written(view.model_id)} gave an empty answer."
    return ""


def _has_text(view: TranscriptView) -> bool:
    """Return whether the answer has visible text."""
    return any(chunk.strip() for block in view.blocks if block.kind == "text" for chunk in block.chunks)


def _ended_by_decision(view: TranscriptView) -> bool:
    """Return whether the turn ended because a human refused a call, in which case nobody has stopped anything."""
    last = takewhile(lambda block: block.kind == "call", reversed(view.blocks))
    return any(isinstance(block, CallBlock) and block.status in ("denied", "abandoned") for block in last)


def unsent_sentence(view: TranscriptView, written: Written = on_one_line) -> str:
    """Return the sentences that say a prompt was not sent, and what sends it; empty if it was sent."""
    if view.unsent is None:
        return ""
    if view.unsent.estimate:
        return f"Dry run: nothing was sent. {written(view.model_id)}, {view.unsent.estimate}."
    ways = ", or ".join(f"`{way}`" for way in view.unsent.reads)
    return f"Not sent yet to {written(view.model_id)}. Reading it sends it: {ways}."


def limit_sentence(limit: Limit) -> str:
    """Return the sentences that say where a chain stopped, and what lets it continue."""
    if limit.calls:
        which = "another call, which has" if limit.calls == 1 else f"{limit.calls:,} more calls, which have"
        unfinished = f"The model asked for {which} not run."
    else:
        unfinished = "The provider was still at work with its own tools."
    return (
        f"■ Paused after {limit.answers:,} {'answer' if limit.answers == 1 else 'answers'} in a row, the limit of this cell "
        f"(`--cl {limit.answers}`). {unfinished} "
        f"`%llm resume {short_id(limit.turn_id)}` continues for {limit.answers:,} more."
    )


def kept_sentence(view: TranscriptView) -> str:
    words = len(view.answer.split())
    if not words:
        return "No part of an answer arrived."
    return f"The answer is incomplete; {words:,} {'word is' if words == 1 else 'words are'} kept."


def finish_sentence(view: TranscriptView) -> list[str]:
    """Return a list with the sentence that says why the model stopped early, or an empty list if it did not."""
    if view.finish == "length":
        return ["■ The answer stopped at the token limit. `-o max_tokens N` allows more."]
    if view.finish == "content_filter":
        return ["■ The model declined to answer, or a filter stopped it."]
    return []


def held_up_sentence(view: TranscriptView) -> list[str]:
    """Return a list with the sentence that says cells below were skipped and have not run since, or an empty list if none were."""
    number = len(view.held_up)
    if not number:
        return []
    because = ", because this one waits for you" if view.state == "paused" else ""
    return [f"{number:,} {'cell' if number == 1 else 'cells'} below did not run{because}."]


def not_saved_sentence(view: TranscriptView) -> list[str]:
    """Return a list with the sentence that says the turn is not in the journal, or an empty list if it is."""
    return [f"Not saved: {on_one_line(view.not_saved)}"] if view.not_saved else []


def facts(view: TranscriptView, written: Written = on_one_line) -> list[str]:
    """Return the model, tokens, cost and time for the footer. Unknown values are left out and never shown as zero."""
    cost = [written(view.cost)] if view.cost else []
    return [written(view.model_id), *_tokens(view.usage), *cost, duration(view.seconds)]


def _tokens(usage: Usage | None) -> list[str]:
    if usage is None:
        return []
    known = []
    if usage.input is not None:
        cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
        known.append(f"{usage.input:,} in" + (f" ({cached:,} cached)" if cached else ""))
    if usage.output is not None:
        reasoning = _detail(usage, "completion_tokens_details", "reasoning_tokens")
        known.append(f"{usage.output:,} out" + (f" ({reasoning:,} reasoning)" if reasoning else ""))
    return known


def _detail(usage: Usage, group: str, name: str) -> int:
    details = usage.details
    found = details.get(group) if isinstance(details, dict) else None
    number = found.get(name) if isinstance(found, dict) else None
    return number if isinstance(number, int) else 0


def duration(seconds: float) -> str:
    """Return a number of seconds as people write it: `0.8 s`, `18 s`, `2 min 5 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    return f"{round(seconds) // 60} min {round(seconds) % 60} s"


def call_sentence(block: CallBlock, view: TranscriptView) -> str:
    """Return the state of a call, to put after its name: without a capital letter, a full stop or untrusted text."""
    took = "" if block.seconds is None else f" {duration(block.seconds)}"
    match block.status:
        case "finished":
            return f"ran{took}"
        case "failed":
            return f"failed after{took}" if took else "failed"
        case "queued" if not view.is_over:
            return queued_words(block, view)
        case "abandoned" if block.is_dropped:
            return "dropped, did not run"
        case status:
            under_way, over = _STANDS[status]
            place = place_in_series(block, view)
            if status == "waiting" and block.started_at is not None:
                # A tool may ask on its own, in the middle of its work.
                under_way = over = "begun, and waiting for your approval"
            if status == "approved" and place:
                return f"approved, runs when all {len(series_of(view))} are decided"
            words = over if view.is_over else under_way
            return f"{words}, {place}" if place and block.is_asked else words


def queued_words(block: CallBlock, view: TranscriptView) -> str:
    """Return words that say a call is queued, and behind which of the open questions."""
    questions = view.open_calls
    before = sum(question.position < block.position for question in questions)
    if not before:
        return "queued"
    return "queued behind " + ("the question" if len(questions) == 1 else f"{before} of {len(questions)}")


def decision_sentence(block: CallBlock, written: Written = on_one_line) -> str:
    """Return the sentence that says who decided what, and when; empty if there is no decision."""
    decision = block.decision
    if decision is None:
        return ""
    by = written(block.decided_by) if block.decided_by else "you"
    at = _clock(block.decided_at)
    said = f": {written(decision.text)}" if decision.text else "."
    if decision.verdict == "denied":
        return f"Denied by {by}{at}{said}"
    if decision.verdict == "answered":
        return f"Answered by {by}{at} in the tool's place."
    if decision.verdict == "approved":
        edited = " with changed arguments" if decision.arguments is not None else ""
        if block.grant_id:
            revoked = " That was revoked since." if block.grant_revoked else ""
            return f"Always allowed by {by} in this {_place(block.grant_scope)}{at}.{revoked}"
        return f"Approved by {by}{edited}{at}."
    if block.is_dropped:
        return f"Dropped by {by}{at}. It did not run."
    return f"Given up by {by}{at}. The outcome is unknown."


def _place(scope: str) -> str:
    return scope if scope in ("cell", "notebook") else "session"


def _clock(at: datetime | None) -> str:
    return "" if at is None else f" on {at:%Y-%m-%d at %H:%M}"


def short_id(name: str) -> str:
    """Return the end of an id, long enough to contain a digit (so that it is not mistaken for a word) and to distinguish ids."""
    length = 8
    while length < len(name) and not any(letter.isdigit() for letter in name[-length:]):
        length += 1
    return name[-length:]


def ways_to_decide(block: CallBlock) -> list[tuple[str, str]]:
    """Return the commands that decide an open call, each with a description of its effect."""
    if block.status == "waiting" and block.call_id:
        return [
            (f"%llm approve {short_id(block.call_id)}", "runs it"),
            (f"%llm deny {short_id(block.call_id)} REASON", "does not run it, and tells the model why"),
        ]
    if block.status == "unknown" and block.call_id:
        return [
            (f"%llm approve {short_id(block.call_id)}", "runs it again"),
            (f"%llm deny {short_id(block.call_id)} REASON", "does not run it again, and tells the model so"),
        ]
    return []


# For each status, the words while the turn is under way and those when it is over.
_STANDS: Mapping[str, tuple[str, str]] = {
    "writing": ("being written", "not finished"),
    "queued": ("queued", "did not run"),
    "running": ("running", "was running when this ended"),
    "suspended": ("begun, waits for a question that it asked", "begun, waited for a question that it asked"),
    "cancelled": ("cancelled, did not run",) * 2,
    "waiting": ("waiting for your approval, nothing has run",) * 2,
    "approved": ("approved, not run yet",) * 2,
    "denied": ("denied, did not run",) * 2,
    "answered": ("answered by a human, did not run",) * 2,
    "abandoned": ("given up, outcome unknown",) * 2,
    "unknown": ("outcome unknown",) * 2,
}
