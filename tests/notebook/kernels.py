"""A real ipykernel in a separate process, driven as a front end drives it."""

from __future__ import annotations

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from llm_notebook.transcript.document import MIME_TYPE
from tests.notebook.ipykernels import ipykernel_folder

__all__ = ["Cell", "Kernel", "running_kernel"]

PATIENCE = 60
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Cell:
    """One execution of a cell.

    Attributes:
        reply: the content of its reply; empty until it arrives.
        messages: the messages on iopub that are addressed to it, in order.
    """

    reply: dict[str, Any] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.reply.get("status"))

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the contents of the messages of these kinds."""
        return [message["content"] for message in self.messages if message["msg_type"] in kinds]

    @property
    def seconds(self) -> float:
        """The time from its first message to its last."""
        dates = [message["header"]["date"] for message in self.messages]
        return float((dates[-1] - dates[0]).total_seconds())

    @property
    def frames(self) -> list[str]:
        """Each Markdown that was shown, updates included, in order and without immediate repetitions."""
        shown = [
            content["data"]["text/markdown"]
            for content in self.of("display_data", "update_display_data")
            if "text/markdown" in content["data"]
        ]
        return [markdown for before, markdown in zip([None, *shown], shown, strict=False) if markdown != before]

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
        """What the cell says went wrong: an error output, or the sentence that its transcript explains; empty if nothing did."""
        shown = [bundle[MIME_TYPE] for bundle in self.outputs if MIME_TYPE in bundle]
        explained = any(document["state"] == "failed" and document["error"] for document in shown)
        sentence = [str(self.reply.get("evalue"))] if explained and self.reply.get("ename") == "CellHalted" else []
        return "\n".join(["\n".join(content["traceback"]) for content in self.of("error")] + sentence)


class Kernel:
    """A kernel with our magics and the scripted models.

    Attributes:
        heard: all messages on iopub so far.
        subshell_id: the subshell that handles comm messages; None for the main thread.
    """

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager = manager
        self.client = client
        self.heard: list[dict[str, Any]] = []
        self.subshell_id: str | None = None

    def send(
        self,
        code: str,
        cell_id: str | None = None,
        *,
        allow_stdin: bool = True,
        notebook: str | dict[str, Any] | None = None,
        tags: Sequence[str] = (),
    ) -> str:
        """Queue a cell. Return the id of its request.

        Args:
            code: the text of the cell.
            cell_id: its id; None for a front end that sends none.
            allow_stdin: whether the front end can ask its user.
            notebook: the notebook's path, or all that our extension says about it; None for another front end.
            tags: those of the cell.
        """
        metadata: dict[str, Any] = {"cellId": cell_id} if cell_id else {}
        if notebook is not None:
            metadata["llm_notebook"] = {"path": notebook} if isinstance(notebook, str) else notebook
        if tags:
            metadata["tags"] = list(tags)
        return self._execute(code, metadata, allow_stdin=allow_stdin)

    @contextmanager
    def queueing(self) -> Iterator[None]:
        """Let no cell that is sent inside begin before all of them are sent, so that the later ones wait while the first runs."""
        go = Path(f"{self.manager.connection_file}-go")
        go.unlink(missing_ok=True)
        wait = f"while not __import__('os').path.exists({str(go)!r}): __import__('time').sleep(0.01)"
        self._execute(f"{wait}\n__import__('os').remove({str(go)!r})", {}, silent=True)
        yield
        go.touch()

    def _execute(self, code: str, metadata: dict[str, Any], *, silent: bool = False, allow_stdin: bool = False) -> str:
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": {},
            "allow_stdin": allow_stdin,
            "stop_on_error": True,
        }
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def collect(self, *requests: str, watch: Callable[[Cell], Any] = lambda cell: None) -> list[Cell]:
        """Wait until the kernel has finished these requests, and return their cells.

        Args:
            requests: the ids of the requests.
            watch: called after every message with the cell that it belongs to.
        """
        cells = {request: Cell() for request in requests}
        idle: set[str] = set()
        deadline = time.monotonic() + PATIENCE
        while len(idle) < len(cells):
            message = self._next(deadline)
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

    def _next(self, deadline: float) -> dict[str, Any]:
        message: dict[str, Any] = self.client.get_iopub_msg(timeout=max(0.0, deadline - time.monotonic()))
        self.heard.append(message)
        return message

    def hear(self, condition: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait for the next message on iopub that meets the condition, and return it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            message = self._next(deadline)
            if condition(message):
                return message

    def comm(self, target: str) -> str:
        """Return the id of the comm that the kernel opened last for this target."""
        opened = [message["content"] for message in self.heard if message["msg_type"] == "comm_open"]
        return str([content["comm_id"] for content in opened if content["target_name"] == target][-1])

    def comm_messages(self, target: str) -> list[dict[str, Any]]:
        """Return the messages that the kernel sent on the comm that it opened last for this target."""
        comm_id = self.comm(target)
        sent = [message for message in self.heard if message["msg_type"] == "comm_msg"]
        return [message for message in sent if message["content"]["comm_id"] == comm_id]

    def tell(self, target: str, data: dict[str, Any]) -> str:
        """Send data on the comm that the kernel opened last for this target. Return the id of the message."""
        return self.tell_comm(self.comm(target), data)

    def tell_comm(self, comm_id: str, data: dict[str, Any]) -> str:
        """Send data on a comm. Return the id of the message."""
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        if self.subshell_id is not None:
            message["header"]["subshell_id"] = self.subshell_id
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def use_subshell(self) -> None:
        """Send all further comm messages to a subshell, as JupyterLab does if the kernel has subshells."""
        request = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(request)
        deadline = time.monotonic() + PATIENCE
        while True:
            reply = self.client.get_control_msg(timeout=deadline - time.monotonic())
            if reply["parent_header"].get("msg_id") == request["header"]["msg_id"]:
                self.subshell_id = str(reply["content"]["subshell_id"])
                return

    def answer_question(self, text: str) -> dict[str, Any]:
        """Answer the next `input()`. Return the question."""
        question: dict[str, Any] = self.client.get_stdin_msg(timeout=PATIENCE)
        self.client.input(text)
        return question

    def close_comm(self, comm_id: str) -> None:
        """Close a comm of the kernel's, as a front end does that does not know its target. Whatever is run next finds it closed."""
        self.client.shell_channel.send(self.client.session.msg("comm_close", {"comm_id": comm_id, "data": {}}))

    def run(self, code: str, cell_id: str | None = None, **options: Any) -> Cell:
        """Run one cell to its end and return it."""
        return self.collect(self.send(code, cell_id, **options))[0]

    def value(self, expression: str) -> Any:
        """Return the value of an expression in the kernel, read from its repr."""
        shown = self.run(f"print(repr({expression}))")
        assert shown.status == "ok", shown.traceback
        return eval(shown.stdout)

    def restart(self) -> None:
        """Kill the kernel, whatever it does, and start it again with the same folders."""
        # The manager presses ■ first, which lets a kernel end what it does in peace.
        with suppress(ProcessLookupError):
            os.kill(self.manager.provisioner.pid, signal.SIGKILL)
        self.manager.restart_kernel(now=True)
        self.client.wait_for_ready(timeout=PATIENCE)
        self.heard.clear()

    def wait_until_dead(self) -> None:
        """Wait until the kernel has killed itself."""
        deadline = time.monotonic() + PATIENCE
        while self.manager.is_alive():
            assert time.monotonic() < deadline, "the kernel is still alive"
            time.sleep(0.05)

    def interrupt(self) -> None:
        """Press ■."""
        self.manager.interrupt_kernel()


@contextmanager
def running_kernel(
    folder: Path, environment: Mapping[str, str] | None = None, *, ipykernel: str | None = None
) -> Iterator[Kernel]:
    """Run a kernel that sees none of the user's folders and keys, with the scripted models; `echo` is the default.

    Args:
        folder: the folder for its files.
        environment: further environment variables.
        ipykernel: the version of ipykernel; None for the installed one.
    """
    # Under pytest, ipykernel leaves alone what other programs write.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LLM_", "OPENAI_", "PYTEST_"))}
    own = {
        "LLM_USER_PATH": str(folder / "llm"),
        "LLM_NOTEBOOK_DATA": str(folder / "data"),
        "IPYTHONDIR": str(folder / "ipython"),
        # As Jupyter's server tells it to a kernel.
        "JPY_SESSION_NAME": "/home/me/started.ipynb",
        "PYTHONPATH": os.pathsep.join([*([str(ipykernel_folder(ipykernel))] if ipykernel else []), str(REPOSITORY)]),
    }
    # `%llm default echo` does the same, and takes a second, because it asks the plugins of the `llm` package for their models.
    settings = Path(own["LLM_USER_PATH"], "llm_notebook", "settings.json")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"default_model": "echo"}), encoding="utf-8")
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env={**kept, **own, **(environment or {})}, cwd=str(folder))
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=PATIENCE)
        kernel = Kernel(manager, client)
        prepared = kernel.run("%load_ext llm_notebook\n%load_ext tests.notebook.scripted")
        assert prepared.status == "ok", prepared.traceback
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
