"""Measures the CPU time of a round of a tool loop, beside a loop by hand and the `llm` package; and waiting tools, memory, dicts."""

from __future__ import annotations

import importlib.util

from benchmarks.measuring import Row, median_of, print_table, run_program, serving

__all__ = ["run"]

_LENGTHS = (10, 50, 100)
_SAMPLES = 5

_TIMED = """
import json, sys, time
url, rounds = sys.argv[1], int(sys.argv[2])
base = f"{url}/{rounds}"
def upper(text: str) -> str:
    "Convert text to uppercase."
    return text.upper()
def timed(loop):
    loop()
    start = time.process_time()
    loops = max(3, 300 // rounds)
    for _ in range(loops):
        assert loop().strip() == "done"
    print(json.dumps({"cpu": (time.process_time() - start) / loops / (rounds + 1)}))
"""
_BY_HAND = (
    _TIMED
    + """
import httpx
client = httpx.Client()
tools = [{"type": "function", "function": {"name": "upper", "description": "Convert text to uppercase.", "parameters": {
    "type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}}]
def loop():
    messages = [{"role": "user", "content": "Go"}]
    while True:
        text, call, arguments = "", None, ""
        body = {"model": "m", "messages": messages, "tools": tools, "stream": True}
        with client.stream("POST", base + "/chat/completions", json=body) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    delta = json.loads(line[6:])["choices"][0]["delta"]
                    text += delta.get("content") or ""
                    for piece in delta.get("tool_calls") or ():
                        call = call or piece
                        arguments += piece["function"]["arguments"]
        if call is None:
            return text
        function = {"name": call["function"]["name"], "arguments": arguments}
        messages.append({"role": "assistant", "content": None, "tool_calls": [
            {"id": call["id"], "type": "function", "function": function}]})
        messages.append({"role": "tool", "tool_call_id": call["id"], "content": upper(**json.loads(arguments))})
timed(loop)
"""
)
_OURS = (
    _TIMED
    + """
import llm_notebook as llm
model = llm.OpenAIChat("m", base_url=base)
timed(lambda: model.chain("Go", tools=[upper], chain_limit=0).text())
"""
)
_LLM = (
    _TIMED
    + """
import llm
from llm.default_plugins.openai_models import Chat
model = Chat("m", model_name="m", api_base=base, supports_tools=True)
timed(lambda: model.conversation(tools=[upper], chain_limit=0).chain("Go", key="x").text())
"""
)
_WAITING = """
import asyncio, json, sys, time
import llm_notebook as llm
kind = sys.argv[1]
def script(prompt):
    if len(prompt.messages) > 1:
        yield "done"
        return
    for call in range(100):
        yield llm.StreamEvent("tool_call_name", "wait", tool_call_id=str(call))
class Sync(llm.Model):
    model_id, supports_tools = "m", True
    def execute(self, prompt, stream, response, conversation):
        yield from script(prompt)
class Async(llm.AsyncModel):
    model_id, supports_tools = "m", True
    async def execute(self, prompt, stream, response, conversation):
        for item in script(prompt):
            yield item
async def wait_async():
    await asyncio.sleep(0.05)
def wait():
    time.sleep(0.05)
def once():
    start = time.perf_counter()
    if kind == "async":
        tool = llm.Tool.function(wait_async, name="wait")
        assert asyncio.run(Async().chain("Go", tools=[tool]).text()) == "done"
    else:
        assert Sync().chain("Go", tools=[wait], parallel_tools=100).text() == "done"
    return time.perf_counter() - start
once()
print(json.dumps({"seconds": min(once() for _ in range(3))}))
"""
_MEMORY = """
import json, sys, tracemalloc
import llm_notebook as llm
url, chunks = sys.argv[1], int(sys.argv[2])
model = llm.OpenAIChat("m", base_url=f"{url}/{chunks}/1")
model.prompt("x").text()
tracemalloc.start()
response = model.prompt("x")
seen = sum(1 for chunk in response)
held, peak = tracemalloc.get_traced_memory()
assert seen == chunks
print(json.dumps({"per_chunk": held / chunks, "peak": peak}))
"""
_DICTS = """
import json, time
import llm_notebook as llm
class Model(llm.Model):
    model_id = "m"
messages = [llm.user(f"question {turn}") if turn % 2 == 0 else llm.assistant(f"answer {turn}") for turn in range(2000)]
data = {"model": "m", "prompt": {"messages": [message.to_dict() for message in messages]}, "messages": [messages[1].to_dict()]}
model = Model()
def once(work):
    start = time.process_time()
    result = work()
    return time.process_time() - start, result
reading = min(once(lambda: llm.Response.from_dict(data, model=model))[0] for _ in range(5))
response = llm.Response.from_dict(data, model=model)
writing = min(once(response.to_dict)[0] for _ in range(5))
text = json.dumps(data)
plain = min(once(lambda: json.dumps(json.loads(text)))[0] for _ in range(5))
print(json.dumps({"from_dict": reading, "to_dict": writing, "json": plain}))
"""


def _measure_loops() -> list[Row]:
    programs = {"hand": _BY_HAND, "ours": _OURS} | ({"llm": _LLM} if importlib.util.find_spec("llm") else {})
    rows: list[Row] = []
    with serving("benchmarks.tool_server") as port:
        url = f"http://127.0.0.1:{port}"
        cost: dict[tuple[str, int], float] = {}
        for length in _LENGTHS:
            for name, program in programs.items():
                samples = _SAMPLES if name != "llm" else 1
                cost[name, length] = median_of([run_program(program, url, str(length))["cpu"] for _ in range(samples)])
            rows.append(Row(f"{length} rounds, each", cost["ours", length], "by hand", cost["hand", length], "<= 1.5"))
            if "llm" in programs:
                rows.append(Row(f"the llm package, {length}", cost["llm", length], "ours", cost["ours", length], "-"))
        rows.append(Row("a round of 100", cost["ours", 100], "a round of 10", cost["ours", 10], "<= 1.3"))
    return rows


def run() -> list[Row]:
    """Measure, print and return the rows."""
    rows = _measure_loops()
    print_table("Tool loop, CPU per round", rows, "ms", 1e3)
    waits = [
        Row(f"100 {kind} tools of 50 ms", run_program(_WAITING, kind)["seconds"], "the wait", 0.05, "<= 0.15 s")
        for kind in ("async", "threads")
    ]
    print_table("Tools that wait, wall clock", waits, "s", 1)
    with serving("benchmarks.sse_server") as port:
        memory = run_program(_MEMORY, f"http://127.0.0.1:{port}", "100000")
    held = [
        Row("a chunk held", memory["per_chunk"], "aim", 200, "<= 200 B"),
        Row("peak of 100k chunks", memory["peak"], "aim", 20e6, "<= 20 MB"),
    ]
    print_table("Memory", held, "B", 1)
    spent = run_program(_DICTS)
    dicts = [
        Row("from_dict of 1,000 turns", spent["from_dict"], "json there and back", spent["json"], "-"),
        Row("to_dict of 1,000 turns", spent["to_dict"], "json there and back", spent["json"], "-"),
    ]
    print_table("Dicts, CPU", dicts, "ms", 1e3)
    return [*rows, *waits, *held, *dicts]


if __name__ == "__main__":
    run()
