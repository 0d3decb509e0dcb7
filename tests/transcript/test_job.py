"""A run over rows as Markdown, as text, and as the document that pages draw."""

from __future__ import annotations

import json

from llm_notebook.transcript.beside import Beside
from llm_notebook.transcript.document import top_fields
from llm_notebook.transcript.job import Fact, Job, Reason
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.view import TranscriptView


def _view(job: Job) -> TranscriptView:
    view = TranscriptView("m", state="streaming")
    view.beside = Beside(job=job)
    return view


def test_a_bar_counts_failures_and_is_full_only_at_the_end() -> None:
    job = Job("running", 1000, 999, 1, "999", " of 1,000 rows", [Fact("84 rows a second"), Fact("1 failed", True)])
    plain = plain_of(_view(job))
    assert plain.splitlines()[0] == "999 of 1,000 rows  99 %"
    assert plain.splitlines()[1] == "█" * 39 + "▒"
    assert plain.splitlines()[2] == "84 rows a second · 1 failed"
    assert markdown_of(_view(job)).startswith("**999** of 1,000 rows · 99 %\n\n`███")


def test_a_run_says_nothing_of_an_answer_and_nothing_of_it_acts() -> None:
    hostile = "<img src=x onerror=alert(1)> `rm` | **bold** \u202e"
    reason = Reason("answer did not fit", hostile, 2, "a|b, <b>", "`--retry failed`")
    job = Job("failed", 4, 2, 2, "Stopped", f" at 2 of 4 rows. {hostile}", reasons=[reason])
    view = _view(job)
    view.end("failed", 1.0)
    for said in (markdown_of(view), plain_of(view)):
        assert "broke off" not in said
        assert "Waiting" not in said
        assert "\u202e" not in said
    assert "<img" not in markdown_of(view)
    assert "2 rows failed" in plain_of(view)
    assert "Asked again by --retry failed." in plain_of(view)


def test_a_document_of_a_lone_surrogate_can_be_sent() -> None:
    reason = Reason("answer did not fit", "no \ud83d", 1, "\ud83d", "x")
    document = top_fields(_view(Job("done", 1, 1, 1, "1 row", reasons=[reason])))
    assert "\\ud83d" not in json.dumps(document["job"])
    assert document["job"]["reasons"][0]["rows"] == 1
    json.dumps(document, ensure_ascii=False).encode("utf-8")


def test_a_run_of_unknown_length_has_no_bar() -> None:
    job = Job("running", None, 12, 0, "12", " rows so far")
    assert plain_of(_view(job)) == "12 rows so far"
