"""Measures how long ■ takes: from the signal to the reply of the cell that it stops, in cells with `await` and without.

What Python code is stopped in is caught, because IPython may take a second to draw the traceback of many frames.
"""

from __future__ import annotations

import os
import tempfile
import time

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from benchmarks.measuring import ROOT, Row, median_of, print_table

__all__ = ["run"]

_PATIENCE = 60  # seconds
_TIMES = 5

# Each says that it has begun, and then would take two minutes.
_PREPARED = """
import asyncio, time
import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.registry import Registry
%load_ext llm_notebook
class Silent(llm.Model):
    model_id = "silent"
    def execute(self, prompt, stream, response, conversation):
        print("begun", flush=True)
        time.sleep(120)
        yield ""
class Awaited(llm.AsyncModel):
    model_id = "awaited"
    async def execute(self, prompt, stream, response, conversation):
        print("begun", flush=True)
        await asyncio.sleep(120)
        yield ""
class Steady(llm.Model):
    model_id = "steady"
    def execute(self, prompt, stream, response, conversation):
        print("begun", flush=True)
        for number in range(120_000):
            yield f"{number} "
            time.sleep(0.001)
class Asker(llm.Model):
    model_id = "asker"
    supports_tools = True
    def execute(self, prompt, stream, response, conversation):
        response.add_tool_call(llm.ToolCall("wait", {}))
        yield ""
def wait() -> str:
    print("begun", flush=True)
    time.sleep(120)
process.of(Registry)._builtin += [llm.ModelWithAliases(kind(), None) for kind in (Silent, Steady, Asker)]
"""
_CAUGHT = "try:\n    {}\nexcept (KeyboardInterrupt, asyncio.CancelledError):\n    pass"
_CASES = {
    "%llm, silent": "%llm -m silent hi",
    "%llm, streaming": "%llm -m steady hi",
    "%llm beside an await": "await asyncio.sleep(0)\n%llm -m steady hi",
    "prompt().text() beside an await": "await asyncio.sleep(0)\n" + _CAUGHT.format("Silent().prompt('hi').text()"),
    "await prompt().text()": _CAUGHT.format("await Awaited().prompt('hi').text()"),
    "a tool beside an await": "await asyncio.sleep(0)\n" + _CAUGHT.format("Asker().chain('hi', tools=[wait]).text()"),
}


def run() -> None:
    """Measure and print the table. The peer is a `time.sleep()` that is stopped the same way."""
    manager = KernelManager(kernel_name="python3")
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "LLM_USER_PATH": f"{folder}/llm"}
        manager.start_kernel(env=environment, cwd=folder)
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=_PATIENCE)
            client.execute_interactive(_PREPARED, timeout=_PATIENCE, output_hook=lambda _: None)
            peer = _median(manager, client, _CAUGHT.format("print('begun', flush=True); time.sleep(120)"))
            rows = [
                Row(what, _median(manager, client, code), "sleep()", peer, "<= 200 ms") for what, code in _CASES.items()
            ]
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    print_table("From ■ to the reply of the cell", rows, "ms", 1000)


def _median(manager: KernelManager, client: BlockingKernelClient, code: str) -> float:
    return median_of([_stopping(manager, client, code) for _ in range(_TIMES)])


def _stopping(manager: KernelManager, client: BlockingKernelClient, code: str) -> float:
    """Run a cell, press ■ when it says that it has begun, and return the seconds until its reply."""
    request = client.execute(code)
    while True:
        message = client.get_iopub_msg(timeout=_PATIENCE)
        if message["msg_type"] == "stream" and "begun" in message["content"]["text"]:
            break
    pressed = time.monotonic()
    manager.interrupt_kernel()
    while client.get_shell_msg(timeout=_PATIENCE)["parent_header"]["msg_id"] != request:
        pass
    return time.monotonic() - pressed


if __name__ == "__main__":
    run()
