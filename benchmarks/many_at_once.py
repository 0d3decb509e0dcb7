"""Measures the CPU time of a short prompt when many are asked at once: sync and async, with TLS, and kept in a journal."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measuring import Row, median_of, print_table, run_program, serving

__all__ = ["run"]

_SERVER = "benchmarks.sse_server"
_PROMPTS = 1000
_FEW, _SOME, _MANY = 16, 64, 500
_ROUNDS = 3

_TIMED = """
import json, sys, time
import llm_notebook as llm
url, prompts, at_once, ca_file, journal = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5]
if journal:
    llm.open_journal(journal)
settings = {"base_url": f"{url}/3/32"} | ({"tls": llm.TLSSettings(ca_file=ca_file)} if ca_file else {})
def timed(ask_all):
    ask_all(at_once)
    start = time.process_time()
    ask_all(prompts)
    print(json.dumps({"cpu": (time.process_time() - start) / prompts}))
"""

_SYNC = (
    _TIMED
    + """
from concurrent.futures import ThreadPoolExecutor
model = llm.OpenAIChat("m", **settings)
threads = ThreadPoolExecutor(at_once)
timed(lambda count: list(threads.map(lambda _: model.prompt("x").text(), range(count))))
"""
)

_ASYNC = (
    _TIMED
    + """
import asyncio
model = llm.AsyncOpenAIChat("m", **settings)
loop = asyncio.new_event_loop()
async def ask_all(count):
    left = iter(range(count))
    async def ask():
        for _ in left:
            await model.prompt("x").text()
    await asyncio.gather(*[ask() for _ in range(at_once)])
timed(lambda count: loop.run_until_complete(ask_all(count)))
"""
)


def run() -> list[Row]:
    """Measure, print and return the rows."""
    with tempfile.TemporaryDirectory() as folder, serving(_SERVER) as port:
        url = f"http://localhost:{port}"
        rows = _compare_few_and_many(url)
        kept = [_cost(_ASYNC, url, _SOME, journal=str(Path(folder, f"{number}.db"))) for number in range(_ROUNDS)]
        unkept = [_cost(_ASYNC, url, _SOME) for _ in range(_ROUNDS)]
    with tempfile.TemporaryDirectory() as folder, serving(_SERVER, folder) as port:
        rows += _compare_few_and_many(f"https://localhost:{port}", str(Path(folder, "ca.pem")))
    rows.append(Row("async, kept in a journal", median_of(kept), "not kept", median_of(unkept), "<= 200 us more"))
    print_table(f"A prompt of {_PROMPTS:,}, {_MANY} at once; with a journal, {_SOME} at once (CPU)", rows, "us", 1e6)
    return rows


def _compare_few_and_many(url: str, ca_file: str = "") -> list[Row]:
    rows = []
    for face, program in {"sync": _SYNC, "async": _ASYNC}.items():
        few, many = (
            median_of([_cost(program, url, at_once, ca_file) for _ in range(_ROUNDS)]) for at_once in (_FEW, _MANY)
        )
        rows.append(Row(f"{face}, TLS" if ca_file else face, many, f"{_FEW} at once", few, "<= 1.3"))
    return rows


def _cost(program: str, url: str, at_once: int, ca_file: str = "", journal: str = "") -> float:
    return run_program(program, url, str(_PROMPTS), str(at_once), ca_file, journal)["cpu"]


if __name__ == "__main__":
    run()
