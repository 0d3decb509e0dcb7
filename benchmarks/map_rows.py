"""Measures `map_rows()` over 10,000 rows beside clients that keep nothing: bare httpx2 and aiohttp with a semaphore and a loop of retries."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

from benchmarks.measuring import Row, median_of, print_table, run_program, serving

__all__ = ["run"]

_SERVER = "benchmarks.rows_server"
_ROWS = 10_000
_AT_ONCE, _MANY = 64, 500
_ROUNDS = 3

_TIMED = """
import asyncio, json, sys, time
url, count, at_once = f"http://127.0.0.1:{sys.argv[1]}/v1", int(sys.argv[2]), int(sys.argv[3])
texts = [f"text {number} with some words in it" for number in range(count)]
def timed(ask_all):
    start, cpu = time.perf_counter(), time.process_time()
    answers = ask_all()
    wall, cpu = time.perf_counter() - start, (time.process_time() - cpu) / count
    assert answers == ["good"] * count
    print(json.dumps({"wall": wall, "cpu": cpu}))
"""

_OURS = (
    _TIMED
    + """
import llm_notebook as llm
if sys.argv[4]:
    llm.open_journal(sys.argv[4])
model = llm.AsyncOpenAIChat("m", base_url=url)
def ask_all():
    rows = llm.map_rows(
        texts, "Classify: {{ text }}", schema="label, score float", model=model, concurrency=at_once,
        keep=bool(sys.argv[4]), progress=False,
    )
    return [row["label"] for row in rows]
timed(ask_all)
"""
)

_BARE = (
    _TIMED
    + """
async def ask_all(post):
    semaphore = asyncio.Semaphore(at_once)
    async def ask(text):
        body = {"model": "m", "messages": [{"role": "user", "content": f"Classify: {text}"}]}
        async with semaphore:
            while True:
                status, hint, content = await post(body)
                if status == 200:
                    try:
                        return json.loads(json.loads(content)["choices"][0]["message"]["content"])["label"]
                    except ValueError:
                        continue
                await asyncio.sleep(float(hint) / 1000 if hint else 0.5)
    return await asyncio.gather(*map(ask, texts))
"""
)

_HTTPX2 = (
    _BARE
    + """
import httpx2
async def main():
    limits = httpx2.Limits(max_connections=at_once, max_keepalive_connections=at_once)
    async with httpx2.AsyncClient(limits=limits, timeout=60) as client:
        async def post(body):
            reply = await client.post(f"{url}/chat/completions", json=body)
            return reply.status_code, reply.headers.get("retry-after-ms"), reply.content
        return list(await ask_all(post))
timed(lambda: asyncio.run(main()))
"""
)

_AIOHTTP = (
    _BARE
    + """
import aiohttp
async def main():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as client:
        async def post(body):
            async with client.post(f"{url}/chat/completions", json=body) as reply:
                return reply.status, reply.headers.get("retry-after-ms"), await reply.read()
        return list(await ask_all(post))
timed(lambda: asyncio.run(main()))
"""
)


def run() -> list[Row]:
    """Measure, print and return the rows. Libraries that are not installed are left out."""
    peers = {"httpx2": _HTTPX2, "aiohttp": _AIOHTTP}
    peers = {name: program for name, program in peers.items() if importlib.util.find_spec(name)}
    measured: dict[str, list[dict[str, float]]] = {}
    for number in range(_ROUNDS):
        for name, program in {"ours": _OURS, **peers}.items():
            measured.setdefault(name, []).append(_measure(program, number, _AT_ONCE, keep=name == "ours"))
        measured.setdefault("many", []).append(_measure(_OURS, number, _MANY, keep=True))
        measured.setdefault("unkept", []).append(_measure(_OURS, number, _AT_ONCE, keep=False))
    wall = {name: median_of([one["wall"] for one in found]) for name, found in measured.items()}
    cpu = {name: median_of([one["cpu"] for one in found]) for name, found in measured.items()}
    walls, cpus = [], []
    for name in peers:
        walls.append(Row("map_rows, with a journal", wall["ours"], name, wall[name], "<= 1.15"))
        cpus.append(
            Row("map_rows, with a journal", cpu["ours"], name, cpu[name], "<= 1.3" if name == "httpx2" else "-")
        )
    cpus.append(Row(f"map_rows, {_MANY} at once", cpu["many"], f"{_AT_ONCE} at once", cpu["ours"], "<= 1"))
    cpus.append(Row("map_rows, with a journal", cpu["ours"], "without one", cpu["unkept"], "-"))
    print_table(f"{_ROWS:,} rows, {_AT_ONCE} at once, from beginning to end", walls, "s", 1)
    print_table("The same, CPU for each row", cpus, "ms", 1e3)
    return [*walls, *cpus]


def _measure(program: str, seed: int, at_once: int, *, keep: bool) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, serving(_SERVER, str(seed)) as port:
        journal = str(Path(folder, "rows.db")) if keep else ""
        return run_program(program, str(port), str(_ROWS), str(at_once), journal)


if __name__ == "__main__":
    run()
