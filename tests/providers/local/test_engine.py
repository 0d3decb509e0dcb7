"""The engine: it computes in a separate thread, delivers everything, and stops between tokens and between batches."""

from __future__ import annotations

import os
import queue
import tempfile
from typing import Any

import pytest

from llm_notebook.errors import ModelError
from llm_notebook.providers.local.engine import Engine, Generation, thread_count

pytestmark = pytest.mark.model

# The answer to this goes on until its limit.
ENDLESS = {"messages": [{"role": "user", "content": "Go on."}], "stream": True, "max_tokens": 4000, "ignore_eos": True}


@pytest.fixture(scope="module")
def engine(weights) -> Engine:
    return Engine(lambda: weights, context_tokens=4096)


def _generation(engine: Engine, body: dict[str, Any]) -> tuple[Generation, queue.SimpleQueue[Any]]:
    outcomes: queue.SimpleQueue[Any] = queue.SimpleQueue()
    return Generation(engine, body, outcomes.put), outcomes


def _text(outcomes: queue.SimpleQueue[Any]) -> str:
    text = ""
    while (chunk := outcomes.get()) is not None:
        text += (chunk["choices"][0]["delta"].get("content") or "") if chunk["choices"] else ""
    return text


def test_chunks_come_one_by_one_and_then_none(engine):
    generation, outcomes = _generation(engine, ENDLESS | {"max_tokens": 20})
    generation.start()
    assert _text(outcomes)
    generation.wait(30)
    assert not engine.running


def test_cancelling_ends_it_before_its_time(engine):
    generation, outcomes = _generation(engine, ENDLESS)
    generation.start()
    outcomes.get()
    generation.cancel()
    generation.wait(30)
    assert not engine.running


def test_a_long_prompt_can_be_cancelled_while_it_is_read(engine):
    long_prompt = [{"role": "user", "content": "pelican " * 1500}]
    generation, outcomes = _generation(engine, ENDLESS | {"messages": long_prompt, "return_progress": True})
    generation.start()
    while not (progress := outcomes.get()["prompt_progress"])["processed"]:
        pass
    assert progress["processed"] < progress["total"]
    generation.cancel()
    left = []
    while (outcome := outcomes.get()) is not None:
        left.append(outcome)
    assert all(chunk["prompt_progress"]["processed"] < chunk["prompt_progress"]["total"] for chunk in left)


def test_cancelled_before_it_begins_nothing_is_computed(engine):
    generation, outcomes = _generation(engine, ENDLESS)
    generation.cancel()
    generation.start()
    assert outcomes.empty()


def test_the_next_generation_is_served_after_a_cancelled_one(engine):
    generation, outcomes = _generation(engine, ENDLESS)
    generation.start()
    outcomes.get()
    generation.cancel()
    following, said = _generation(engine, ENDLESS | {"max_tokens": 3})
    following.start()
    assert _text(said)


def test_an_exception_is_delivered_to_the_reader():
    def find():
        raise ModelError("nowhere")

    generation, outcomes = _generation(Engine(find), ENDLESS)
    generation.start()
    with pytest.raises(ModelError, match="nowhere"):
        raise outcomes.get()


def test_the_environment_is_left_as_it_was(engine, monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    engine.server()
    assert "OMP_WAIT_POLICY" not in os.environ


def test_a_long_path_of_temporary_files_is_no_obstacle(weights, tmp_path, monkeypatch):
    long_path = tmp_path / ("x" * 120)
    long_path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long_path))
    generation, outcomes = _generation(Engine(lambda: weights, context_tokens=256), ENDLESS | {"max_tokens": 3})
    generation.start()
    assert _text(outcomes)
    assert not list(long_path.iterdir())


@pytest.mark.parametrize(("processors", "threads"), [(1, 1), (2, 1), (3, 1), (4, 2), (8, 4), (64, 4)])
def test_threads_are_few(monkeypatch, processors, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(processors)), raising=False)
    assert thread_count() == threads
