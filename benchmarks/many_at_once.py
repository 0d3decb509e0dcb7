"""Measures the CPU time of a short prompt when many are asked at once: few and many prompts in flight, sync and async, with TLS too."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import ROOT, Row, median_of, print_table, run_program

__all__ = ["run"]

_PROMPTS = 1000
_FEW, _MANY = 16, 500
_ROUNDS = 3

_TIMED = """
import json, sys, time
import llm_notebook as llm
url, prompts, at_once, ca_file = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
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
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for tls in (False, True) for row in _measure(tls, Path(folder))]
    print_table(f"A prompt of {_PROMPTS:,}, {_MANY} at once (CPU)", rows, "us", 1e6)
    return rows


def _measure(tls: bool, folder: Path) -> list[Row]:
    certificate = str(folder / "ca.pem") if tls else ""
    arguments = [sys.executable, "-m", "benchmarks.sse_server", *([str(folder)] if tls else [])]
    server = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"{'https' if tls else 'http'}://localhost:{server.stdout.readline().strip()}"
        rows = []
        for face, program in {"sync": _SYNC, "async": _ASYNC}.items():
            cost = {
                at_once: median_of(
                    [run_program(program, url, str(_PROMPTS), str(at_once), certificate)["cpu"] for _ in range(_ROUNDS)]
                )
                for at_once in (_FEW, _MANY)
            }
            what = f"{face}{', TLS' if tls else ''}"
            rows.append(Row(what, cost[_MANY], f"{_FEW} at once", cost[_FEW], "<= 1.3"))
    finally:
        server.kill()
        server.wait()
    return rows


if __name__ == "__main__":
    run()
