"""Runs that are stopped, killed or begun twice: what is answered is kept, and is not paid for again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.http.rate_limits.limiter import Gate, Limits
from llm_notebook.rows import plan
from tests.fakes.openai_server import Cut, OpenAIServer, Reply, UntilSet, refusal
from tests.rows.conftest import Rows, answer_of

_COUNT = 60
_RUN = f"""
import sys
import llm_notebook as llm
model = llm.AsyncOpenAIChat("m", base_url=sys.argv[1])
found = llm.map_rows([f"w{{n}}" for n in range({_COUNT})], "Say {{{{ text }}}}", model=model, concurrency=4, progress=False)
print(sum(row["answer"] is not None for row in found))
"""


class _Gate:
    """Lets a number of answers through, and holds the others until it is opened."""

    def __init__(self, free: int) -> None:
        self.seen: Counter[str] = Counter()
        self.is_shut = threading.Event()
        self.open = threading.Event()
        self._free = free

    def reply(self, text: str) -> Reply:
        self.seen[text] += 1
        answer = answer_of(text.rpartition(" ")[2])
        if self.seen.total() <= self._free or self.open.is_set():
            return answer
        self.is_shut.set()
        return Reply([UntilSet(self.open), *answer.pieces], content_type=answer.content_type)


@pytest.mark.parametrize("kind", [list, iter])
def test_an_interrupt_keeps_what_is_answered(
    openai_server: OpenAIServer, kind: Callable[[list[str]], list[str] | Iterator[str]]
) -> None:
    rows = Rows(openai_server, "sync")
    gate = _Gate(20)
    rows.replies = gate.reply
    texts = [f"w{number}" for number in range(_COUNT)]
    model = llm.AsyncOpenAIChat("m", base_url=openai_server.base_url)
    stopper = threading.Thread(target=lambda: (gate.is_shut.wait(60), os.kill(os.getpid(), signal.SIGINT)))
    stopper.start()
    with pytest.raises(KeyboardInterrupt):
        rows.map(kind(texts), model=model, concurrency=4)
    stopper.join()
    gate.open.set()
    assert gate.seen.total() <= 24
    found = rows.map(kind(texts), model=model, concurrency=4)
    assert [row["answer"] for row in found] == texts
    assert gate.seen.total() <= _COUNT + 4
    assert sorted(run.status for run in llm.runs()) == ["complete", "interrupted"]


def test_a_stop_ends_the_wait_for_a_limit_and_nothing_is_sent_afterwards(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting, waking = set[object](), Gate.waking

    def stop() -> None:
        if rows.face == "sync":
            os.kill(os.getpid(), signal.SIGINT)
        else:
            # The event loop of the main thread would not notice a signal that another thread sends just before the loop waits.
            signal.raise_signal(signal.SIGINT)

    def note(gate: Gate, wake: Callable[[], object]) -> object:
        waiting.add(wake)
        # Two rows in the places of those that were refused, and two in the places of those that were answered.
        if len(waiting) == 4:
            asyncio.get_running_loop().call_soon(stop)
        return waking(gate, wake)

    monkeypatch.setattr(Gate, "waking", note)
    rows.replies = lambda text: None if text in ("Say w0", "Say w1") else refusal(429, retry_after="100")
    texts = [f"w{number}" for number in range(_COUNT)]
    with pytest.raises(KeyboardInterrupt):
        rows.map(texts, concurrency=4)
    asked = rows.take_asked()
    assert len(asked) <= 6
    # Nobody is left who could send anything when the hundred seconds are over.
    assert [thread.name for thread in threading.enumerate() if "rows" in thread.name] == []
    process.of(Limits).seen.clear()
    rows.replies = lambda _: None
    assert [row["answer"] for row in rows.map(texts, concurrency=4)] == texts
    assert set(rows.take_asked()) == {f"Say {text}" for text in texts} - {"Say w0", "Say w1"}
    assert sorted(run.status for run in llm.runs()) == ["complete", "interrupted"]


def test_a_killed_run_pays_at_most_for_what_was_under_way_twice(openai_server: OpenAIServer, isolated: Path) -> None:
    rows = Rows(openai_server, "sync")
    for free in (3, 10, 25):
        gate = _Gate(free)
        rows.replies = gate.reply
        run = subprocess.Popen([sys.executable, "-c", _RUN, openai_server.base_url], env=_environment(isolated))
        assert gate.is_shut.wait(60)
        run.kill()
        run.wait()
        gate.open.set()
    rows.replies = lambda text: answer_of(text.rpartition(" ")[2])
    done = _run(openai_server, isolated)
    assert done.stdout.split() == [str(_COUNT)]
    assert len(rows.take_asked()) <= _COUNT + 3 * 4


def test_two_processes_cannot_be_at_the_same_run(openai_server: OpenAIServer, isolated: Path) -> None:
    rows = Rows(openai_server, "sync")
    gate = _Gate(3)
    rows.replies = gate.reply
    run = subprocess.Popen([sys.executable, "-c", _RUN, openai_server.base_url], env=_environment(isolated))
    assert gate.is_shut.wait(60)
    second = _run(openai_server, isolated)
    assert "Another process is at the same run" in second.stderr
    gate.open.set()
    assert run.wait(60) == 0
    assert set(rows.take_asked()) == {f"Say w{number}" for number in range(_COUNT)}
    assert max(gate.seen.values()) == 1
    assert _run(openai_server, isolated).stdout.split() == [str(_COUNT)]
    assert rows.take_asked() == []


def test_two_threads_cannot_be_at_the_same_run(rows: Rows) -> None:
    gate = _Gate(3)
    rows.replies = gate.reply
    texts = [f"w{number}" for number in range(_COUNT)]
    found: list[Any] = []
    first = threading.Thread(target=lambda: found.append(rows.map(texts, concurrency=4)))
    first.start()
    assert gate.is_shut.wait(60)
    with pytest.raises(llm.RowsError, match="The same run goes on in this process"):
        rows.map(texts, concurrency=4)
    # Another run does not concern it, and a run that keeps nothing could not be continued.
    gate.open.set()
    assert [row["answer"] for row in rows.map(["other"])] == ["other"]
    first.join()
    assert [row["answer"] for row in found[0]] == texts
    assert max(gate.seen.values()) == 1
    rows.take_asked()
    rows.map(texts, concurrency=4)
    assert rows.take_asked() == []


@pytest.mark.parametrize("failing", [refusal(429), refusal(503), Reply([Cut()]), refusal(400), refusal(401)])
def test_what_was_never_answered_is_asked_again_and_nothing_else(rows: Rows, failing: Reply) -> None:
    is_over = failing.status == 400
    rows.replies = lambda text: failing if "w1" in text else None
    model = type(rows.model)("m", base_url=rows.server.base_url, max_retries=0)
    with patch.dict(plan._MOST_ATTEMPTS, clear=True):
        rows.map(["w0", "w1", "w2"], model=model)
    rows.take_asked()
    rows.replies = lambda _: None
    found = rows.map(["w0", "w1", "w2"], model=model)
    assert rows.take_asked() == ([] if is_over else ["Say w1"])
    assert (found[1]["answer"] is None) is is_over
    assert rows.map(["w0", "w1", "w2"], model=model, retry="failed")[1]["answer"] == "w1"


def test_a_row_whose_answer_did_not_come_in_time_is_asked_again(rows: Rows) -> None:
    answer, go_on = answer_of("w0"), threading.Event()
    rows.replies = lambda _: Reply([UntilSet(go_on), *answer.pieces], content_type=answer.content_type)
    model = type(rows.model)("m", base_url=rows.server.base_url, max_retries=0, timeout=0.5)
    with patch.dict(plan._MOST_ATTEMPTS, clear=True):
        [late] = rows.map(["w0"], model=model)
    go_on.set()
    assert late["answer"] is None
    assert "0.5 s" in late["error"]
    rows.take_asked()
    rows.replies = lambda _: None
    assert [row["answer"] for row in rows.map(["w0", "w1"])] == ["w0", "w1"]
    # The request that was given up may reach a busy server only now.
    assert Counter(rows.take_asked()) in ({"Say w0": 1, "Say w1": 1}, {"Say w0": 2, "Say w1": 1})


_ON_A_FULL_DISK = """
import resource, signal, sys
import llm_notebook as llm
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = llm.AsyncOpenAIChat("m", base_url=sys.argv[1])
texts = [f"w{n}" for n in range(400)]
def run():
    return llm.map_rows(texts, "Say {{ text }}", model=model, concurrency=4, progress=False)
llm.open_journal()
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
try:
    run()
except llm.RowsError as error:
    print(error)
    print(sum(row["answer"] is not None for row in error.partial))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(sum(row["answer"] is not None for row in run()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a limit to the size of files stands for a full disk")
def test_a_full_disk_stops_the_run_and_what_is_done_is_kept(openai_server: OpenAIServer, isolated: Path) -> None:
    rows = Rows(openai_server, "async")
    done = _run(openai_server, isolated, _ON_A_FULL_DISK)
    said, partial, whole = done.stdout.splitlines()
    assert "look whether the disk is full" in said
    assert "is kept" in said
    assert 0 < int(partial) < 400
    assert int(whole) == 400
    # What could not be kept is asked again, and nothing else.
    assert len(rows.take_asked()) <= 400 + 4


@pytest.mark.skipif(sys.platform != "linux", reason="a limit to the size of files stands for a full disk")
def test_a_full_disk_stops_a_run_in_which_every_row_is_refused_in_its_own_way(
    openai_server: OpenAIServer, isolated: Path
) -> None:
    rows = Rows(openai_server, "async")
    rows.replies = lambda text: refusal(400, f"No, {text}. " * 40) if int(text[5:]) % 40 else None
    said = _run(openai_server, isolated, _ON_A_FULL_DISK).stdout.splitlines()[0]
    assert "look whether the disk is full" in said


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {"LLM_NOTEBOOK_JOURNAL": str(folder / "rows.db")}


def _run(server: OpenAIServer, folder: Path, program: str = _RUN) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program, server.base_url]
    return subprocess.run(command, env=_environment(folder), capture_output=True, text=True, check=False, timeout=120)
