"""Rows that an executor's workers ask: threads, processes, and a cluster of Dask's. What they answer is kept here, and a killed worker loses nothing."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import Counter
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.http.rate_limits.limit_headers import Stated
from llm_notebook.providers.http.rate_limits.limiter import Limits
from llm_notebook.rows.executors.workers import Task, Traveller, ask_here, this_process
from tests.fakes.openai_server import OpenAIServer, Reply, Request, refusal
from tests.rows.conftest import Rows, answer_of

_COUNT = 40
_TEXTS = [f"w{number}" for number in range(_COUNT)]


def _processes(workers: int = 2) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


class _Keys:
    """Answers rows, and notes with which key each was asked."""

    def __init__(self, server: OpenAIServer) -> None:
        self.seen: Counter[str] = Counter()
        server.answer = self._answer

    def _answer(self, request: Request) -> Reply:
        self.seen[request.headers.get("authorization", "").removeprefix("Bearer ")] += 1
        return answer_of(request.json()["messages"][-1]["content"].rpartition(" ")[2])


def test_threads_ask_with_the_key_that_is_given(rows: Rows) -> None:
    keys = _Keys(rows.server)
    with ThreadPoolExecutor(4) as executor:
        found = rows.map(_TEXTS, executor=executor, key="mine", schema=None)
        assert [row["answer"] for row in found] == _TEXTS
        assert keys.seen == {"mine": _COUNT}
        turns = {turn.begun.turn_id for turn in llm.history(limit=_COUNT)}
        assert {row["turn"] for row in found} == turns
        rows.map(_TEXTS, executor=executor, key="mine")
    assert keys.seen.total() == _COUNT


def test_processes_use_keys_of_their_own_unless_ours_are_to_be_sent(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_OF_WORKERS", "theirs")
    keys = _Keys(rows.server)
    model = type(rows.model)("m", base_url=rows.server.base_url, key="ours", key_env_var="KEY_OF_WORKERS")
    with _processes() as executor:
        found = rows.map(_TEXTS[:10], model=model, executor=executor)
        assert [row["error"] for row in found] == [None] * 10
        assert [row["answer"] for row in found] == _TEXTS[:10]
        assert keys.seen == {"theirs": 10}
        rows.map(_TEXTS[:10], model=model, executor=executor, send_keys=True, resume=False)
        assert keys.seen == {"theirs": 10, "ours": 10}


@pytest.mark.parametrize("send_keys", [False, True])
def test_a_task_takes_no_key_along_unless_it_is_to_be_sent(send_keys: bool) -> None:
    model = llm.AsyncOpenAIChat(
        "m", base_url="http://me:password@localhost:1/v1", key="sk-secret", headers={"x-token": "sk-header"}
    )
    prompt = llm.Prompt("x", model, options=model.Options(temperature=0.5), schema="label")
    task = Task(Traveller.of(model, send_keys=send_keys), prompt, "sk-given", send_keys, 1, this_process())
    pickled = pickle.dumps(task)
    for secret in (b"sk-given", b"sk-header", b"password"):
        assert (secret in pickled) is send_keys
    assert b"sk-secret" not in pickled
    arrived = pickle.loads(pickled)
    assert arrived.prompt.messages == prompt.messages
    assert (arrived.prompt.options.temperature, arrived.prompt.schema) == (0.5, prompt.schema)
    assert arrived.prompt.model.model_id == "m"


def test_a_worker_in_another_process_uses_its_part_of_a_limit(openai_server: OpenAIServer) -> None:
    openai_server.answer = lambda _request: answer_of("yes")
    model = llm.AsyncOpenAIChat("m", base_url=openai_server.base_url)
    for home, free in ((this_process(), 8), ("elsewhere", 2)):
        task = Task(Traveller.of(model, send_keys=False), llm.Prompt("x", model), None, False, 4, home)
        assert ask_here(task).error is None
        gate = process.of(Limits).of(("https://of.a.server", home))
        gate.learn({"requests": Stated(8, 60, 1000.0)}, None)
        assert [list(gate.waits()) for _ in range(free)] == [[]] * free
        assert next(gate.waits()) > 0


def test_what_fails_on_a_worker_fails_with_the_same_sentence_here(rows: Rows) -> None:
    rows.replies = lambda text: refusal(400, "That is not allowed.") if text == "Say w1" else None
    with _processes() as executor:
        found = rows.map(_TEXTS[:3], executor=executor)
    assert [row["answer"] for row in found] == ["w0", None, "w2"]
    assert "That is not allowed." in found[1]["error"]


class _KillsOne:
    """Answers rows, and kills a worker when so many were asked."""

    def __init__(self, server: OpenAIServer, pids: list[int], after: int) -> None:
        self.seen: Counter[str] = Counter()
        self._pids, self._after, self._lock = pids, after, threading.Lock()
        server.answer = self._answer

    def _answer(self, request: Request) -> Reply:
        text = request.json()["messages"][-1]["content"].rpartition(" ")[2]
        with self._lock:
            self.seen[text] += 1
            if self.seen.total() == self._after:
                os.kill(self._pids[0], signal.SIGKILL)
        return answer_of(text)


def test_a_pool_that_breaks_stops_the_run_and_a_new_one_asks_the_rest(openai_server: OpenAIServer) -> None:
    rows = Rows(openai_server, "sync")
    pids: list[int] = []
    kills = _KillsOne(openai_server, pids, after=15)
    with _processes() as executor:
        pids += [executor.submit(os.getpid).result()]
        with pytest.raises(llm.RowsError, match=r"because a worker has died .* the same call asks the rest") as raised:
            rows.map(_TEXTS, executor=executor, concurrency=4)
    partial: Any = raised.value.partial
    assert len(partial) == _COUNT
    with _processes() as executor:
        assert [row["answer"] for row in rows.map(_TEXTS, executor=executor, concurrency=4)] == _TEXTS
    assert kills.seen.total() <= _COUNT + 4


def test_a_cluster_whose_worker_is_killed_answers_every_row_and_pays_for_none_twice_that_was_answered(
    openai_server: OpenAIServer,
) -> None:
    import distributed  # slow to import, and needed here only

    rows = Rows(openai_server, "sync")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        pids = list(client.run(os.getpid).values())
        kills = _KillsOne(openai_server, pids, after=15)
        executor: Executor = client.get_executor()
        found = rows.map(_TEXTS, executor=executor, concurrency=4)
        assert [row["answer"] for row in found] == _TEXTS
        assert all(row["turn"] for row in found)
        # Four were in flight, at most two of them on the worker that was killed.
        assert kills.seen.total() <= _COUNT + 4
        assert rows.map(_TEXTS, executor=executor) == found
    assert kills.seen.total() <= _COUNT + 4
