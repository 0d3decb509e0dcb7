"""Measures what an answer of 5 MB costs a kernel that shows it: processor time, and bytes sent to the page."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from benchmarks.measuring import ROOT

__all__ = ["run"]

_SIZE = 5_000_000
_PATIENCE = 120  # seconds

# A model that answers at once with all of a text in pieces. Each text is made before the clock starts.
_MODEL = f"""
import random, time
import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.registry import Registry
%load_ext llm_notebook
rng = random.Random(1)
sentence = "The price of order {{}} fell in *August*, and so did that of the others. "
ordinary = "".join(sentence.format(n) + "\\n\\n" * (n % 5 == 0) for n in range({_SIZE} // 60))[:{_SIZE}]
letters = "".join(rng.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ     .", k={_SIZE}))
def cut(text, size):
    return [text[at : at + size] for at in range(0, len(text), size)]
given = {{"ordinary 200": cut(ordinary, 200), "ordinary 20": cut(ordinary, 20), "letters 200": cut(letters, 200), "letters 20": cut(letters, 20)}}
class Writer(llm.Model):
    model_id = "writer"
    can_stream = True
    def execute(self, prompt, stream, response, conversation):
        yield from given[prompt.prompt]
process.of(Registry)._builtin.append(llm.ModelWithAliases(Writer(), None))
"""

_CASES = {
    "ordinary 200": "ordinary text, pieces of 200 characters",
    "ordinary 20": "ordinary text, pieces of 20 characters",
    "letters 200": "random letters, pieces of 200 characters",
    "letters 20": "random letters, pieces of 20 characters",
}


@dataclass(slots=True)
class Cost:
    """What one answer cost.

    Attributes:
        cpu: seconds of the kernel's process.
        base: the part of them that reading the same answer without a page takes.
        sent: the bytes of all messages.
    """

    cpu: float
    base: float
    sent: int


def run() -> None:
    """Measure and print."""
    print(f"\nAn answer of {_SIZE:,} bytes in a kernel (aim <= 1.5 s, <= {2 * _SIZE:,} bytes)")
    for has_extension in (True, False):
        print(f"  with {'the extension' if has_extension else 'outputs only'}")
        for case, what in _CASES.items():
            cost = _measure(case, has_extension)
            print(f"    {what:<42} {cost.cpu:5.2f} s (of it {cost.base:5.2f} s to read it)   {cost.sent:12,} bytes")


def _measure(case: str, has_extension: bool) -> Cost:
    with _kernel() as client:
        offers: list[str] = []
        _run(client, _MODEL, offers)
        if has_extension:
            _say_hello(client, offers[0])
        times, sent = [], []
        for code in (f"llm.get_model('writer').prompt('{case}').text();", f"%llm -m writer {case}"):
            before = _processor_time(client)
            sent.append(_run(client, code))
            times.append(_processor_time(client) - before)
        return Cost(times[1], times[0], sent[1])


@contextmanager
def _kernel() -> Iterator[BlockingKernelClient]:
    """Run a kernel with a journal and settings of its own."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("LLM_USER_PATH", "LLM_NOTEBOOK_DATA", "IPYTHONDIR")
        environment = os.environ | dict.fromkeys(names, folder) | {"PYTHONPATH": str(ROOT)}
        manager = KernelManager(kernel_name="python3")
        manager.start_kernel(env=environment)
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=_PATIENCE)
            yield client
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def _say_hello(client: BlockingKernelClient, comm_id: str) -> None:
    """Answer the kernel's offer of a connection as a page with our extension does."""
    data = {"type": "hello", "by": "extension", "version": "0"}
    message = client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
    client.shell_channel.send(message)
    _drain(client, message["header"]["msg_id"])


def _processor_time(client: BlockingKernelClient) -> float:
    request = client.execute("None", user_expressions={"cpu": "time.process_time()"})
    _drain(client, request)
    return float(_reply(client, request)["user_expressions"]["cpu"]["data"]["text/plain"])


def _run(client: BlockingKernelClient, code: str, offers: list[str] | None = None) -> int:
    """Run a cell. Return the bytes of the messages about it, and add the connections that it offers to a list."""
    request = client.execute(code)
    sent = _drain(client, request, offers)
    reply = _reply(client, request)
    if reply["status"] != "ok":
        raise RuntimeError(f"{reply['ename']}: {reply['evalue']}")
    return sent


def _reply(client: BlockingKernelClient, request: str) -> dict[str, Any]:
    """Return the content of the reply to a request."""
    while True:
        reply = client.get_shell_msg(timeout=_PATIENCE)
        if reply["parent_header"].get("msg_id") == request:
            content: dict[str, Any] = reply["content"]
            return content


def _drain(client: BlockingKernelClient, request: str, offers: list[str] | None = None) -> int:
    """Read messages until this request is done. Return their bytes, and add the connections that are offered to a list."""
    sent = 0
    while True:
        message = client.get_iopub_msg(timeout=_PATIENCE)
        sent += len(json.dumps(message["content"], ensure_ascii=False).encode()) + sum(map(len, message["buffers"]))
        if offers is not None and message["content"].get("target_name") == "llm_notebook":
            offers.append(message["content"]["comm_id"])
        ours = message["parent_header"].get("msg_id") == request
        if ours and message["content"].get("execution_state") == "idle":
            return sent


if __name__ == "__main__":
    run()
