"""Measures the CPU time of a streamed chunk: ours, plain httpx with a compiled JSON parser, and the `llm` package."""

from __future__ import annotations

import importlib.util

from benchmarks.measuring import Row, median_of, print_table, run_program, serving

__all__ = ["run"]

_CHUNKS = 5000
_ROUNDS = 5

_TIMED = """
import json, sys, time
url, count, packed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
base = f"{url}/{count}/{packed}"
def timed(consume):
    consume()
    start = time.process_time()
    seen = consume()
    assert seen == count, (seen, count)
    print(json.dumps({"cpu": (time.process_time() - start) / count}))
"""

_HTTPX = (
    _TIMED
    + """
import httpx
from pydantic_core import from_json
client = httpx.Client()
def consume():
    seen = 0
    with client.stream("POST", base + "/chat/completions", json={"model": "m", "messages": []}) as reply:
        for line in reply.iter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                choices = from_json(line[6:])["choices"]
                if choices and choices[0]["delta"].get("content"):
                    seen += 1
    return seen
timed(consume)
"""
)

_OURS = (
    _TIMED
    + """
import llm_notebook as llm
model = llm.OpenAIChat("m", base_url=base)
timed(lambda: sum(1 for chunk in model.prompt("x")))
"""
)

_OURS_ASYNC = (
    _TIMED
    + """
import asyncio
import llm_notebook as llm
model = llm.AsyncOpenAIChat("m", base_url=base)
loop = asyncio.new_event_loop()
async def consume():
    return len([chunk async for chunk in model.prompt("x")])
timed(lambda: loop.run_until_complete(consume()))
"""
)

_HTTPX_ASYNC = (
    _TIMED
    + """
import asyncio, httpx
from pydantic_core import from_json
loop = asyncio.new_event_loop()
client = httpx.AsyncClient()
async def consume():
    seen = 0
    async with client.stream("POST", base + "/chat/completions", json={"model": "m", "messages": []}) as reply:
        async for line in reply.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                choices = from_json(line[6:])["choices"]
                if choices and choices[0]["delta"].get("content"):
                    seen += 1
    return seen
timed(lambda: loop.run_until_complete(consume()))
"""
)

_LLM = (
    _TIMED
    + """
from llm.default_plugins.openai_models import Chat
model = Chat("m", model_name="m", api_base=base)
timed(lambda: sum(1 for chunk in model.prompt("x", key="x") if chunk))
"""
)


def run() -> list[Row]:
    """Measure, print and return the rows."""
    programs = {"httpx": _HTTPX, "ours": _OURS, "httpx async": _HTTPX_ASYNC, "ours async": _OURS_ASYNC}
    if importlib.util.find_spec("llm"):
        programs["llm"] = _LLM
    with serving("benchmarks.sse_server") as port:
        rows = [row for packed in (1, 32) for row in _measure(programs, f"http://127.0.0.1:{port}", packed)]
    print_table("A streamed chunk (CPU)", rows, "us", 1e6)
    return rows


def _measure(programs: dict[str, str], url: str, packed: int) -> list[Row]:
    samples: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(_ROUNDS):
        for name, program in programs.items():
            samples[name].append(run_program(program, url, str(_CHUNKS), str(packed))["cpu"])
    cost = {name: median_of(values) for name, values in samples.items()}
    how = "one event a packet" if packed == 1 else f"{packed} events a packet"
    rows = [
        Row(f"sync, {how}", cost["ours"], "httpx", cost["httpx"], "<= 1.2"),
        Row(f"async, {how}", cost["ours async"], "httpx async", cost["httpx async"], "<= 1.2"),
    ]
    if "llm" in cost:
        rows.append(Row(f"sync, {how}", cost["ours"], "llm", cost["llm"], "<= 0.067 (15 times less)"))
    return rows


if __name__ == "__main__":
    run()
