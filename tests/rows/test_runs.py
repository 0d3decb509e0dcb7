"""Runs as `llm.runs()` lists them: how far each has come, what that has cost, and when it says that it is over."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.sqlite import migrations
from llm_notebook.rows.reporting.display import RunDisplays
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, refusal
from tests.rows.conftest import Rows, answer_of

_EACH = 0.0000125  # US dollars, for 10 tokens in and 5 out
_TEXTS = [f"w{number}" for number in range(40)]


_AT_ONCE = 4


class _Gate:
    """Lets a number of answers through, and holds the others until it is opened. It is shut when it holds all that are asked at once."""

    def __init__(self, free: int) -> None:
        self.free, self.is_shut, self.open = free, threading.Event(), threading.Event()
        self._seen = itertools.count(1)

    def reply(self, text: str) -> Reply:
        answer = answer_of(text.rpartition(" ")[2])
        seen = next(self._seen)
        if seen <= self.free or self.open.is_set():
            return answer
        if seen == self.free + _AT_ONCE:
            self.is_shut.set()
        return Reply([UntilSet(self.open), *answer.pieces], content_type=answer.content_type)


def _stop_at(gate: _Gate, answered: int, presses: int = 1) -> threading.Thread:
    """Press ■ when the run has answered so many rows and no more will be answered."""

    def press() -> None:
        gate.is_shut.wait(60)
        while llm.runs()[0].answered < answered:
            pass
        for _ in range(presses):
            os.kill(os.getpid(), signal.SIGINT)

    stopper = threading.Thread(target=press)
    stopper.start()
    return stopper


def test_runs_are_listed_with_how_far_they_came(rows: Rows) -> None:
    rows.replies = lambda text: refusal(400) if "w1" in text else None
    rows.map(["w0", "w1", "w2", "w3", "w4"])
    [run] = llm.runs()
    assert (run.begun.count, run.answered, run.failed, run.known, run.status) == (5, 4, 1, 0, "complete")
    assert (run.begun.prompt, run.begun.model_id) == ("Say {{ text }}", "m")
    assert (run.input_tokens, run.output_tokens, run.cost) == (40, 20, None)
    left = [Reply([b'{"id": "x", "choi'], content_type="application/json")] * 2
    rows.replies = lambda text: (left.pop() if left else None) if "w1" in text else None
    rows.map(["w0", "w1", "w2", "w3", "w4"], retry="failed", resume=False)
    # A row that was asked three times is one row, and it was answered.
    assert [(one.answered, one.failed) for one in llm.runs()] == [(5, 0), (4, 1)]


def test_rows_are_counted_as_rows_though_equal_ones_are_asked_once_and_answers_that_do_not_fit_have_failed(
    rows: Rows,
) -> None:
    rows.replies = lambda text: answer_of("no JSON") if text == "Say b" else None
    rows.map(["a", "b", "a", "a", "b", "c"], schema="label")
    [run] = llm.runs()
    assert (run.begun.count, run.answered, run.failed, run.known) == (6, 4, 2, 0)
    rows.map(["a", "a", "c"], dedupe=False)
    assert (llm.runs()[0].answered, llm.runs()[0].failed) == (3, 0)


def test_a_resumed_run_counts_all_its_rows_and_what_all_of_them_cost(openai_server: OpenAIServer) -> None:
    rows = Rows(openai_server, "sync")
    for free, known in ((10, 0), (8, 10)):
        gate = _Gate(free)
        rows.replies = gate.reply
        stopper = _stop_at(gate, known + free)
        with pytest.raises(KeyboardInterrupt):
            rows.map(_TEXTS, model=rows.priced_model, concurrency=_AT_ONCE)
        # It is over as soon as the call is.
        run = llm.runs()[0]
        stopper.join()
        gate.open.set()
        assert (run.status, run.answered, run.failed, run.known) == ("interrupted", known + free, 0, known)
        assert run.cost == pytest.approx(run.answered * _EACH)
    rows.replies = lambda text: refusal(400) if text == "Say w39" else None
    rows.map(_TEXTS, model=rows.priced_model, concurrency=_AT_ONCE)
    run = llm.runs()[0]
    assert (run.status, run.begun.count, run.answered, run.failed, run.known) == ("complete", 40, 39, 1, 18)
    assert run.cost == pytest.approx(39 * _EACH)
    # A finished run sends nothing, and stands where it stood.
    rows.map(_TEXTS, model=rows.priced_model, concurrency=_AT_ONCE)
    again = llm.runs()[0]
    assert (again.answered, again.failed, again.known, again.cost) == (39, 1, 40, pytest.approx(39 * _EACH))


def test_a_failed_answer_that_was_paid_for_is_in_the_cost_of_the_run_that_asks_again(rows: Rows) -> None:
    rows.replies = lambda text: answer_of("no JSON") if text == "Say b" else None
    rows.map(["a", "b", "b"], schema="label", model=rows.priced_model)
    rows.replies = lambda _: None
    rows.map(["a", "b", "b"], schema="label", model=rows.priced_model, retry="failed")
    assert [(run.answered, run.failed, run.cost) for run in llm.runs()] == [
        (3, 0, pytest.approx(3 * _EACH)),
        (1, 2, pytest.approx(2 * _EACH)),
    ]


def test_a_run_that_goes_on_says_how_far_it_has_come(openai_server: OpenAIServer) -> None:
    rows, gate = Rows(openai_server, "async"), _Gate(10)
    rows.replies = gate.reply
    running = threading.Thread(target=lambda: rows.map(_TEXTS, concurrency=_AT_ONCE))
    running.start()
    assert gate.is_shut.wait(60)
    while (run := llm.runs()[0]).answered < 10:
        assert running.is_alive()
    assert (run.status, run.answered, run.failed, run.begun.count) == ("streaming", 10, 0, 40)
    gate.open.set()
    running.join()
    assert (llm.runs()[0].status, llm.runs()[0].answered) == ("complete", 40)


@pytest.mark.parametrize("presses", [1, 2, 3])
def test_a_run_is_over_in_the_list_however_often_it_is_stopped(openai_server: OpenAIServer, presses: int) -> None:
    rows, gate = Rows(openai_server, "sync"), _Gate(5)
    rows.replies = gate.reply
    stopper = _stop_at(gate, 5, presses)
    try:
        rows.map(_TEXTS, concurrency=_AT_ONCE)
    except KeyboardInterrupt:
        statuses = [run.status for run in llm.runs()]
    stopper.join()
    gate.open.set()
    assert statuses == ["interrupted"]


def test_a_stop_while_a_run_is_being_shown_leaves_no_run_that_seems_to_go_on(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(_run: object) -> Any:
        raise KeyboardInterrupt

    class Display:
        def __init__(self, _run: object) -> None: ...

        open = stopped

    monkeypatch.setattr(process.of(RunDisplays), "make", Display)
    with pytest.raises(KeyboardInterrupt):
        rows.map(_TEXTS, progress=True)
    assert [run.status for run in llm.runs()] == ["interrupted"]
    assert len(rows.map(_TEXTS)) == 40


def test_runs_of_the_version_before_are_listed_by_their_requests(rows: Rows, isolated: Path) -> None:
    rows.map(["a", "b"])
    path: Path = process.of(CurrentJournal).to_read.path  # type: ignore[attr-defined]
    process.of(CurrentJournal).close()
    with closing(sqlite3.connect(path)) as connection:
        for column in ("answered", "failed", "known", "cost"):
            connection.execute(f"ALTER TABLE runs DROP COLUMN {column}")
        connection.execute(f"PRAGMA user_version = {len(migrations.MIGRATIONS) - 1}")
        connection.commit()
    [run] = llm.runs()
    assert (run.answered, run.failed, run.known, run.cost, run.status) == (2, 0, 0, None, "complete")
    rows.take_asked()
    rows.map(["a", "b"])
    assert rows.take_asked() == []
    assert llm.runs()[0].known == 2
