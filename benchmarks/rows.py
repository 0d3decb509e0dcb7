"""Measures `map_rows()` over 10,000 rows beside clients that keep nothing: bare httpx2 and aiohttp, and the libraries openai, litellm and chatlas.

All have a semaphore and a loop of retries around them, because none of the libraries asks again for an answer that comes broken. A client is
measured if it is installed here, or in an environment of its own at `.cache/benchmarks/NAME`, made by
`python -m venv .cache/benchmarks/litellm && .cache/benchmarks/litellm/bin/pip install litellm`; others are left out.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import ROOT, Row, median_of, print_table, run_program, serving

__all__ = ["run"]

_SERVER = "benchmarks.rows_server"
_ROWS = 10_000
_AT_ONCE, _MANY = 64, 500
_ROUNDS = 3
_NAMES = {
    "ours": "map_rows, with a journal",
    "many": f"map_rows, {_MANY} at once",
    "unkept": "without one",
}

_TIMED = """
import asyncio, json, sys, time
url, count, at_once = f"http://127.0.0.1:{sys.argv[1]}/v1", int(sys.argv[2]), int(sys.argv[3])
texts = [f"text {number} with some words, all of them good" for number in range(count)]
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
import llm_notebook.providers.http.transport, llm_notebook.rows.mapping  # the others have loaded themselves by then, too
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


_OPENAI = (
    _BARE
    + """
import openai
async def main():
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=10) as client:
        async def post(body):
            reply = await client.chat.completions.with_raw_response.create(**body)
            return 200, None, reply.content
        return list(await ask_all(post))
timed(lambda: asyncio.run(main()))
"""
)

_LITELLM = (
    _BARE
    + """
import litellm
litellm.suppress_debug_info = True
async def main():
    async def post(body):
        try:
            reply = await litellm.acompletion(
                model="openai/m", messages=body["messages"], api_base=url, api_key="none", num_retries=10
            )
        except Exception:
            return 500, None, b""
        return 200, None, reply.model_dump_json()
    return list(await ask_all(post))
timed(lambda: asyncio.run(main()))
"""
)

_CHATLAS = (
    _BARE
    + """
import chatlas
async def main():
    chat = chatlas.ChatOpenAICompletions(model="m", base_url=url, api_key="none")
    async def post(body):
        try:
            reply = await chat.__deepcopy__({}).chat_async(body["messages"][0]["content"], echo="none", stream=False)
            text = await reply.get_content()
        except Exception:
            return 500, None, b""
        return 200, None, json.dumps({"choices": [{"message": {"content": text}}]})
    return list(await ask_all(post))
timed(lambda: asyncio.run(main()))
"""
)


def run() -> list[Row]:
    """Measure, print and return the rows. Clients that are not installed are left out."""
    programs = {"httpx2": _HTTPX2, "aiohttp": _AIOHTTP, "openai": _OPENAI, "litellm": _LITELLM, "chatlas": _CHATLAS}
    peers = {name: (program, python) for name, program in programs.items() if (python := _python_with(name))}
    measured: dict[str, list[dict[str, float]]] = {}
    for number in range(_ROUNDS):
        for name, (program, python) in {"ours": (_OURS, sys.executable), **peers}.items():
            found = _measure(program, number, _AT_ONCE, keep=name == "ours", python=python)
            measured.setdefault(name, []).append(found)
        measured.setdefault("many", []).append(_measure(_OURS, number, _MANY, keep=True))
        measured.setdefault("unkept", []).append(_measure(_OURS, number, _AT_ONCE, keep=False))
    walls, cpus = [], []
    for name in peers:
        is_bare = name in ("httpx2", "aiohttp")
        walls.append(_compared(measured, "wall", "ours", name, "<= 1.15" if is_bare else "-"))
        cpus.append(_compared(measured, "cpu", "ours", name, "<= 1.3" if name == "httpx2" else "-"))
    walls.append(_compared(measured, "wall", "ours", "unkept", "-"))
    cpus.append(_compared(measured, "cpu", "many", "ours", "<= 1"))
    cpus.append(_compared(measured, "cpu", "ours", "unkept", "-"))
    print_table(f"{_ROWS:,} rows, {_AT_ONCE} at once, from beginning to end", walls, "s", 1)
    print_table("The same, CPU for each row", cpus, "ms", 1e3)
    return [*walls, *cpus]


def _compared(measured: dict[str, list[dict[str, float]]], fact: str, name: str, peer: str, aim: str) -> Row:
    cost, peer_cost = (median_of([one[fact] for one in measured[each]]) for each in (name, peer))
    return Row(_NAMES[name], cost, _NAMES.get(peer, peer), peer_cost, aim)


def _python_with(library: str) -> str:
    """Return the Python of the environment that has a library; empty if there is none."""
    own = ROOT / ".cache" / "benchmarks" / library / "bin" / "python"
    if own.exists():
        return str(own)
    return sys.executable if importlib.util.find_spec(library) else ""


def _measure(program: str, seed: int, at_once: int, *, keep: bool, python: str = sys.executable) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder, serving(_SERVER, str(seed)) as port:
        journal = str(Path(folder, "rows.db")) if keep else ""
        return run_program(program, str(port), str(_ROWS), str(at_once), journal, python=python)


if __name__ == "__main__":
    run()
