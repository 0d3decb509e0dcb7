"""Rows that wait before they are sent again, when the run ends: none of them is sent, and the run does not wait for them."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.turns.concurrency.withdrawal import Withdrawal
from tests.fakes.openai_server import Reply, UntilSet, refusal
from tests.rows.conftest import Rows, answer_of

_TEXTS = [f"w{number}" for number in range(10)]
_LATER = [refusal(429, retry_after="100"), refusal(503, retry_after="100")]


class _OwnChat(llm.OpenAIChat):
    """A model of the user's own, which has no async flavour, so that each row waits in a thread."""


@pytest.fixture
def model(request: pytest.FixtureRequest, rows: Rows) -> Any:
    """The usual model, or one that is asked in threads."""
    return _OwnChat("m", base_url=rows.server.base_url) if request.param == "threads" else rows.model


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set as soon as a row waits before it is sent again."""
    is_waiting, waking = threading.Event(), Withdrawal.waking

    def note(withdrawal: Withdrawal, wake: Callable[[], object]) -> AbstractContextManager[None]:
        is_waiting.set()
        return waking(withdrawal, wake)

    monkeypatch.setattr(Withdrawal, "waking", note)
    return is_waiting


@pytest.fixture
def fill_disk() -> Iterator[Callable[[], None]]:
    """A function after which the journal cannot grow."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill() -> None:
        path: Path = process.of(CurrentJournal).to_read.path  # type: ignore[attr-defined]
        log = path.with_name(f"{path.name}-wal")
        resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size, hard))

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def _answered_when(event: threading.Event, text: str) -> Reply:
    answer = answer_of(text)
    return Reply([UntilSet(event), *answer.pieces], content_type=answer.content_type)


@pytest.mark.skipif(sys.platform != "linux", reason="a limit to the size of files stands for a full disk")
@pytest.mark.parametrize("model", ["usual", "threads"], indirect=True)
@pytest.mark.parametrize("later", _LATER, ids=["429", "503"])
def test_a_row_that_waits_is_not_sent_when_the_disk_is_full(
    rows: Rows, model: Any, later: Reply, waits: threading.Event, fill_disk: Callable[[], None]
) -> None:
    is_full = threading.Event()

    def reply(text: str) -> Reply:
        return _answered_when(is_full, "w0" * 10_000) if text == "Say w0" else later

    rows.replies = reply
    filler = threading.Thread(target=lambda: (waits.wait(60), fill_disk(), is_full.set()))
    filler.start()
    with pytest.raises(llm.RowsError, match="disk is full"):
        rows.map(_TEXTS, model=model, concurrency=2)
    filler.join()
    assert _wait_for_threads() == []
    asked = rows.take_asked()
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("model", ["usual", "threads"], indirect=True)
@pytest.mark.parametrize("later", _LATER, ids=["429", "503"])
def test_a_row_that_waits_is_not_sent_when_an_iterator_fails(
    rows: Rows, model: Any, later: Reply, waits: threading.Event
) -> None:
    def texts() -> Iterator[str]:
        # While rows wait and enough are left to ask, nothing more is read, so the iterator fails before that.
        yield "w0"
        waits.wait(60)
        raise ValueError("line 2 is no JSON")

    rows.replies = lambda text: later if text == "Say w0" else None
    with pytest.raises(ValueError, match="line 2"):
        rows.map(texts(), model=model, concurrency=2)
    assert _wait_for_threads() == []
    asked = rows.take_asked()
    assert len(asked) == len(set(asked))


def test_a_stop_does_not_wait_for_an_iterator_that_yields_nothing(rows: Rows) -> None:
    is_stopped = threading.Event()

    def texts() -> Iterator[str]:
        yield "w0"
        os.kill(os.getpid(), signal.SIGINT)
        is_stopped.wait(60)

    found = llm.map_rows(texts(), "Say {{ text }}", model=_OwnChat("m", base_url=rows.server.base_url), progress=False)
    with pytest.raises(KeyboardInterrupt):
        list(found)
    assert not is_stopped.is_set()
    assert [run.status for run in llm.runs()] == ["interrupted"]
    is_stopped.set()


def test_after_a_stop_no_thread_runs_another_tool_or_asks_for_its_row_again(rows: Rows, waits: threading.Event) -> None:
    runs, may_end, is_running = list[str](), threading.Event(), threading.Event()

    def look(word: str) -> str:
        """Look a word up."""
        runs.append(word)
        is_running.set()
        may_end.wait(60)
        return word

    calls = [
        {"id": f"c{number}", "type": "function", "function": {"name": "look", "arguments": f'{{"word": "{number}"}}'}}
        for number in range(2)
    ]
    message = {"role": "assistant", "content": None, "tool_calls": calls}
    asks = {"id": "x", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    rows.replies = lambda _: Reply.of_json(asks)
    stopper = threading.Thread(target=lambda: (is_running.wait(60), os.kill(os.getpid(), signal.SIGINT)))
    stopper.start()
    with pytest.raises(KeyboardInterrupt):
        llm.map_rows(["a"], "Say {{ text }}", model=_OwnChat("m", base_url=rows.server.base_url), tools=[look])
    stopper.join()
    may_end.set()
    assert _wait_for_threads() == []
    assert runs == ["0"]
    assert rows.take_asked() == ["Say a"]


def _wait_for_threads() -> list[threading.Thread]:
    """Wait for the threads of all rows, and return those that do not end."""
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("llm_notebook rows")]
    for thread in threads:
        thread.join(10)
    return [thread for thread in threads if thread.is_alive()]
