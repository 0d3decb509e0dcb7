"""A real ipykernel in a process of its own, driven as a front end drives it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

__all__ = ["Cell", "Kernel", "running_kernel"]

PATIENCE = 60
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Cell:
    """One execution: its reply and every output message that is addressed to it, in order."""

    reply: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.reply.get("status"))

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """The contents of the messages of these kinds."""
        return [message["content"] for message in self.messages if message["msg_type"] in kinds]

    @property
    def frames(self) -> list[str]:
        """Every Markdown that was shown, in order, updates included."""
        return [
            content["data"]["text/markdown"]
            for content in self.of("display_data", "update_display_data")
            if "text/markdown" in content["data"]
        ]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The MIME bundles that the cell ends with, one for each display."""
        shown: dict[str, dict[str, Any]] = {}
        for content in self.of("display_data", "update_display_data"):
            shown[content.get("transient", {}).get("display_id") or uuid.uuid4().hex] = content["data"]
        return list(shown.values())

    @property
    def markdown(self) -> list[str]:
        return [bundle["text/markdown"] for bundle in self.outputs if "text/markdown" in bundle]

    @property
    def stdout(self) -> str:
        return "".join(content["text"] for content in self.of("stream") if content["name"] == "stdout")

    @property
    def traceback(self) -> str:
        """What the error output shows; nothing where there is none."""
        return "\n".join("\n".join(content["traceback"]) for content in self.of("error"))


class Kernel:
    """A kernel with our magics and the scripted models."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client

    def send(self, code: str, cell_id: str | None = None, *, allow_stdin: bool = True) -> str:
        """Queue a cell; returns the id of its request."""
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": True,
        }
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id} if cell_id else {})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def collect(self, *requests: str, watch: Callable[[Cell], Any] = lambda cell: None) -> list[Cell]:
        """The cells of these requests, once the kernel is done with all of them.

        Args:
            watch: called after every message with the cell that it belongs to.
        """
        cells = {request: Cell() for request in requests}
        idle: set[str] = set()
        deadline = time.monotonic() + PATIENCE
        while len(idle) < len(cells):
            message = self.client.get_iopub_msg(timeout=deadline - time.monotonic())
            cell = cells.get(message["parent_header"].get("msg_id", ""))
            if cell is None:
                continue
            cell.messages.append(message)
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                idle.add(message["parent_header"]["msg_id"])
            watch(cell)
        while not all(cell.reply for cell in cells.values()):
            reply = self.client.get_shell_msg(timeout=PATIENCE)
            cell = cells.get(reply["parent_header"]["msg_id"])
            if cell is not None:
                cell.reply = reply["content"]
        return list(cells.values())

    def run(self, code: str, cell_id: str | None = None, **options: Any) -> Cell:
        """Run one cell to its end."""
        return self.collect(self.send(code, cell_id, **options))[0]

    def value(self, expression: str) -> Any:
        """The value of an expression in the kernel, by its repr."""
        shown = self.run(f"print(repr({expression}))")
        assert shown.status == "ok", shown.traceback
        return eval(shown.stdout)

    def interrupt(self) -> None:
        """Press ■."""
        self.manager.interrupt_kernel()


@contextmanager
def running_kernel(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Kernel]:
    """A kernel that knows no folder of the user's and no key."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLM_", "OPENAI_"))}
    own = {
        "LLM_USER_PATH": str(folder / "llm"),
        "LLM_NOTEBOOK_DATA": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        "PYTHONPATH": str(REPOSITORY),
    }
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**kept, **own, **(environment or {})}, cwd=str(folder))
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        kernel = Kernel(manager, client)
        prepared = kernel.run("%load_ext llm_notebook\n%load_ext tests.notebook.scripted\n%llm default echo")
        assert prepared.status == "ok", prepared.traceback
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
