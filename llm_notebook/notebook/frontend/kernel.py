"""All that differs between front ends and ipykernel versions: who runs this cell, and how output reaches it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.turns.log import Origin

__all__ = [
    "CellIdentity",
    "MainThread",
    "Publish",
    "Request",
    "as_request",
    "cell_identity",
    "comm_publisher",
    "current_origin",
    "current_request",
    "held_interrupts",
    "in_kernel",
    "is_interactive",
    "journal_cell",
    "publisher",
    "threadsafe_publisher",
]

Publish = Callable[[dict[str, Any], str, bool], None]
CellIdentity = tuple[str, str]


@dataclass(slots=True, frozen=True)
class Request:
    """The request that runs a cell. Output and questions that name it as their parent land in that cell.

    Attributes:
        ident: the front end that sent it, for questions on stdin.
        message: the request itself.
    """

    ident: Any
    message: dict[str, Any]


def in_kernel(shell: InteractiveShell) -> bool:
    """True where output goes to a notebook front end, False in a terminal."""
    return getattr(shell, "kernel", None) is not None


def is_interactive(shell: InteractiveShell) -> bool:
    """True where a human can click or type: not under nbclient, nbconvert and papermill, which take no input."""
    kernel = getattr(shell, "kernel", None)
    return kernel is None or bool(getattr(kernel, "_allow_stdin", False))


def publisher(shell: InteractiveShell) -> Publish:
    """A function (MIME bundle, display id, is an update) that shows output in the running cell, from its own thread."""

    def publish(bundle: dict[str, Any], display_id: str, update: bool) -> None:
        shell.display_pub.publish(data=bundle, metadata={}, transient={"display_id": display_id}, update=update)

    return publish


def threadsafe_publisher(shell: InteractiveShell) -> Publish | None:
    """A publisher bound to the running cell that any thread may call, or None where the front end offers no such thing.

    ipykernel's iopub socket takes messages from every thread; the cell's parent header is taken now, because a thread would
    otherwise publish into whatever cell runs later. Captured output (`%%capture`) and message hooks need the ordinary way.
    """
    from ipykernel.zmqshell import ZMQDisplayPublisher  # there is no ipykernel in a terminal

    display = shell.display_pub
    if type(display) is not ZMQDisplayPublisher or getattr(display, "_hooks", None):
        return None
    session, socket, topic = display.session, display.pub_socket, display.topic
    parent = _parent(shell)
    if session is None or socket is None or parent is None:
        return None

    def publish(bundle: dict[str, Any], display_id: str, update: bool) -> None:
        content = {"data": bundle, "metadata": {}, "transient": {"display_id": display_id}}
        kind = "update_display_data" if update else "display_data"
        session.send(socket, kind, content, parent=parent, ident=topic)

    return publish


def comm_publisher(shell: InteractiveShell, comm_id: str) -> Callable[[dict[str, Any]], None] | None:
    """A function that sends data on an open comm from any thread, or None where there is no kernel.

    Comm.send() is not used: on 7.4 it notes the sending thread's subshell as the place for replies, and on all versions it
    names whatever cell runs at that moment.
    """
    kernel: Any = getattr(shell, "kernel", None)
    if kernel is None or kernel.session is None:
        return None
    parent = _parent(shell)
    topic = f"comm-{comm_id}".encode("ascii")

    def send(data: dict[str, Any]) -> None:
        content = {"comm_id": comm_id, "data": data}
        kernel.session.send(kernel.iopub_socket, "comm_msg", content, parent=parent, ident=topic)

    return send


@contextmanager
def held_interrupts() -> Iterator[list[int]]:
    """Let the block finish although ■ is pressed; the list it is given then holds the signal."""
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))  # noqa: ARG005
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def current_request(shell: InteractiveShell) -> Request | None:
    """The request that runs the current cell; None in a terminal."""
    message = _parent(shell)
    kernel: Any = getattr(shell, "kernel", None)
    if message is None or kernel is None:
        return None
    idents = getattr(kernel, "_parent_ident", None)
    return Request(idents["shell"] if idents is not None else [], message)


@contextmanager
def as_request(shell: InteractiveShell, request: Request) -> Iterator[None]:
    """Let the block run as the request's cell did: what it prints, shows and asks lands there, and ■ raises in it.

    Only in the kernel's main thread, while no cell runs.
    """
    kernel: Any = shell.kernel  # type: ignore[attr-defined]
    before = current_request(shell)
    kernel.set_parent(request.ident, request.message, channel="shell")
    kernel._publish_status("busy", "shell")
    allowed = kernel._allow_stdin
    kernel._forward_input(bool(request.message.get("content", {}).get("allow_stdin", True)))
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
        # Figures of matplotlib are shown when this is triggered, in the cell that is the parent then.
        shell.events.trigger("post_execute")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
        kernel._restore_input()
        kernel._allow_stdin = allowed
        sys.stdout.flush()
        sys.stderr.flush()
        kernel._publish_status("idle", "shell")
        if before is not None:
            kernel.set_parent(before.ident, before.message, channel="shell")


class MainThread:
    """Runs a function in the kernel's main thread while no cell runs, whichever thread a comm message came to.

    Comm messages are handled in the main thread between cells (6.x), in a thread of their own at any moment (7.0 to 7.3), or in
    the main thread between cells and while an async cell awaits (7.4).
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell: Any = shell
        self._cell_runs = False
        shell.events.register("pre_run_cell", self._cell_began)
        shell.events.register("post_run_cell", self._cell_ended)

    def run(self, function: Callable[[], None]) -> None:
        """Run the function: at once where that is possible, else as soon as the kernel is idle."""
        if threading.current_thread() is threading.main_thread() and not self._cell_runs:
            function()
            return
        self._shell.kernel.io_loop.add_callback(self._between_cells, function)

    def close(self) -> None:
        """Forget the shell."""
        self._shell.events.unregister("pre_run_cell", self._cell_began)
        self._shell.events.unregister("post_run_cell", self._cell_ended)

    async def _between_cells(self, function: Callable[[], None]) -> None:
        lock: asyncio.Lock | None = getattr(self._shell.kernel, "_main_asyncio_lock", None)
        if lock is None:
            function()
            return
        async with lock:
            function()

    def _cell_began(self, *_info: Any) -> None:
        self._cell_runs = True

    def _cell_ended(self, *_result: Any) -> None:
        self._cell_runs = False


def cell_identity(shell: InteractiveShell) -> CellIdentity:
    """(identity of the cell, identity of this execution of it).

    The cell is named by the id that the front end sends, else by its text; the execution by its request, else by its number.
    Where nothing is ever run again, in a terminal, under nbclient and at the click of a button, every execution is a cell of
    its own: the same words typed twice are two turns.
    """
    parent = _parent(shell)
    if parent is None:
        number = str(shell.execution_count)
        return f"number:{number}", number
    execution = str(parent.get("header", {}).get("msg_id"))
    cell_id = parent.get("metadata", {}).get("cellId")
    if isinstance(cell_id, str) and cell_id:
        return f"id:{cell_id}", execution
    content = parent.get("content", {})
    text = content.get("code")
    if not isinstance(text, str) or not content.get("allow_stdin", True):
        return f"execution:{execution}", execution
    return f"text:{text}", execution


def journal_cell(cell: str) -> str:
    """A cell's identity as the journal keeps it: bounded, and empty where the cell is never run again as the same one."""
    kind, _, name = cell.partition(":")
    if kind == "text":
        return f"text:{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    return cell if kind == "id" else ""


def current_origin(shell: InteractiveShell, cell: str, text: str, keeps: bool = True) -> Origin:
    """Where something is asked, for the journal.

    Args:
        cell: the cell's identity.
        text: what the user typed.
        keeps: it goes into the journal.
    """
    path = shell.user_ns.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
    kernel: Any = getattr(shell, "kernel", None)
    session = getattr(getattr(kernel, "session", None), "session", "") or f"process-{os.getpid()}"
    # A kernel that is not a notebook's has a session name too, which is no path.
    notebook = str(path) if str(path).endswith(".ipynb") else ""
    return Origin(journal_cell(cell), notebook, str(session), text, keeps=keeps)


def _parent(shell: InteractiveShell) -> dict[str, Any] | None:
    """The request that runs the current cell."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else getattr(kernel, "_parent_header", None)
    return parent if isinstance(parent, dict) and parent else None
