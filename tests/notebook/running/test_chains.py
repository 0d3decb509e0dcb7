"""Chains in a real kernel, where an event loop is always running."""

from __future__ import annotations

from llm_notebook.transcript.document import MIME_TYPE
from tests.notebook.kernels import Kernel

CELL = """
import asyncio, contextvars
import llm_notebook as llm
from tests.fakes.faces import Face, asks

where = contextvars.ContextVar("where")
where.set("in the cell")

async def look() -> str:
    await asyncio.sleep(0)
    return where.get()

model = Face().rounds(asks(llm.ToolCall("look", {}, "1"), llm.ToolCall("look", {}, "2")), "done")
text = model.chain("Hi", tools=[look]).text()
seen = [part.output for part in model.requests[1].messages[-1].parts]
"""


def test_an_async_tool_runs_in_a_sync_chain_of_a_cell(kernel: Kernel) -> None:
    ran = kernel.run(CELL)
    assert ran.status == "ok", ran.traceback
    assert kernel.value("(text, seen)") == ("done", ["in the cell", "in the cell"])


def test_a_source_typed_into_a_cell_is_part_of_what_is_approved(kernel: Kernel) -> None:
    def defined(body: str) -> str:
        return f"@llm.require_approval\ndef erase(path: str) -> str:\n    return {body!r}\n"

    start = """
import llm_notebook as llm
from tests.fakes.faces import Face, asks
model = Face().rounds(asks(llm.ToolCall("erase", {"path": "/a"}, "1")), "done")
try:
    model.chain("Hi", tools=[erase]).text()
except llm.PauseChain as pause:
    waiting = pause
waiting.approve()
"""
    assert kernel.run("import llm_notebook as llm").status == "ok"
    assert kernel.run(defined("one")).status == "ok"
    asked = kernel.run(start)
    assert asked.status == "ok", asked.traceback
    assert kernel.run(defined("two")).status == "ok"
    again = kernel.run("waiting.resume(tools=[erase]).text()")
    assert (again.reply["ename"], again.outputs[0][MIME_TYPE]["state"]) == ("PauseChain", "paused")
    late = kernel.run("waiting.approve()")
    assert "which asks as things stand" in late.traceback
    # Other tests may have left questions in this kernel.
    changed = kernel.value("llm.pending()[-1].request.changed")
    assert changed == "You decided about this before. Since then its code changed."
