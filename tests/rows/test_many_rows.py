"""Two thousand rows on a server that refuses, fails, breaks off and starts slowly: every row comes back, in order, and is paid for once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

import llm_notebook as llm

_COUNT = 2_000


@pytest.fixture
def address() -> Iterator[str]:
    """The scripted server of the benchmarks, in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.rows_server"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


def test_two_thousand_rows_come_back_whole_and_in_order_and_none_is_paid_for_twice(address: str) -> None:
    model = llm.AsyncOpenAIChat("m", base_url=f"{address}/v1")
    texts = [f"w{number}" for number in range(_COUNT)]
    found = asyncio.run(
        llm.amap_rows(texts, "Say {{ text }}", schema="label, score float", model=model, concurrency=64, progress=False)
    )
    assert [row["label"] for row in found] == texts
    assert {row["error"] for row in found} == {None}
    assert len({row["turn"] for row in found}) == _COUNT
    assert int(urlopen(f"{address}/answered").read()) == _COUNT
    [run] = llm.runs()
    assert (run.status, run.answered, run.failed) == ("complete", _COUNT, 0)
