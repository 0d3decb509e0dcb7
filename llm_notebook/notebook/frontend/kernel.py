"""The kernel, and all differences between ipykernel versions: which request is running, and how output reaches a cell.

Jupyter has no address for "that cell". A message lands in the output of a cell because it names, as its parent, the request that
ran the cell. ipykernel keeps the parent of the running cell in a variable (6.x) or in a context variable with a fallback (7.x),
and every ordinary way of showing something reads it at the moment of sending. That does not work for us, in two cases: a painter
thread sends when the main thread may already be running another cell, and a click resumes a turn when no cell, or a different one, is
running. So this module does two things:

- It takes the parent when a run begins and binds it to a function (`threadsafe_publisher`, `comm_publisher`). Such a function writes
  to the iopub socket, which ipykernel allows in every thread.
- It sets the parent for the duration of a block (`as_request`). Then everything that the block does, including the user's own
  tools with their `print()`, `input()` and plots, behaves as if the cell of that request were running.

`as_request` takes the place of the kernel's own request handler, so it does the same things: it reports busy and idle, allows or
refuses stdin as the request says, installs the signal handler that turns ■ into KeyboardInterrupt, and restores everything at the end.

That is safe only in the main thread while no cell runs, but where comm messages arrive depends on the version: in the main thread
between cells (6.x), in a thread of their own at any moment (7.0 to 7.3), or in the main thread, between cells and while an async
cell awaits (7.4). `MainThread` takes a function from any of these places and runs it where it is safe.

The private names of ipykernel that this needs are listed in the protocol `_Kernel` and used in this module only.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, cast

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.turns.concurrency.interrupts import interruptible

__all__ = [
    "CommSender",
    "MainThread",
    "Publish",
    "Request",
    "as_request",
    "cell_id_of",
    "comm_publisher",
    "current_request",
    "front_end_session",
    "in_kernel",
    "is_captured",
    "is_console",
    "is_in_output_widget",
    "is_interactive",
    "kernel_session",
    "publisher",
    "soon",
    "tags_of",
    "threadsafe_publisher",
    "watch_prompts",
    "watch_skipped",
]

Publish = Callable[[dict[str, Any], str, bool], None]
"""Shows a MIME bundle: (the bundle, a display id, whether it updates the output with that id)."""


class _Session(Protocol):
    """The parts of jupyter_client's session that are used here: it packs and sends messages."""

    session: str

    def send(
        self,
        stream: object,
        msg_or_type: str,
        content: dict[str, Any],
        *,
        parent: dict[str, Any] | None,
        ident: object,
        buffers: list[bytes] | None = None,
    ) -> object: ...


class _Loop(Protocol):
    """The parts of tornado's event loop that are used here."""

    def add_callback(self, callback: Callable[..., object], *args: object) -> None: ...
    def call_later(self, delay: float, callback: Callable[..., object]) -> object: ...


class _Kernel(Protocol):
    """The parts of ipykernel's kernel that are used here.

    Four names exist only in some versions and are looked up where they are needed: `get_parent()`, which replaces the `_parent_header` of
    older versions; `_parent_ident`; `_main_asyncio_lock`, which is held while a cell runs; and `_send_abort_reply()`, which is called
    with each request that is skipped.
    """

    session: _Session | None
    iopub_socket: object
    io_loop: _Loop
    _allow_stdin: bool

    def set_parent(self, ident: object, parent: dict[str, Any], channel: str) -> None: ...
    def _publish_status(self, status: str, channel: str) -> None: ...
    def _forward_input(self, allow_stdin: bool) -> None: ...
    def _restore_input(self) -> None: ...


@dataclass(slots=True, frozen=True)
class Request:
    """A request that runs a cell. Output and questions that name it as their parent land in that cell.

    Attributes:
        ident: the ZeroMQ address of the front end that sent the request, to which questions on stdin are sent.
        message: the request itself.
    """

    ident: object
    message: dict[str, Any]


def is_console(shell: InteractiveShell) -> bool:
    """Return whether the running cell belongs to a front end that only appends, such as `jupyter console`, qtconsole or Spyder.

    Such front ends show each output once, and ignore updates of it. Every notebook front end except Colab says which cell it runs.
    """
    message = _parent(shell)
    if message is None or "google.colab" in sys.modules:
        return False
    content = message.get("content")
    can_ask = isinstance(content, dict) and content.get("allow_stdin", False) is True
    return can_ask and not cell_id_of(message)


def cell_id_of(message: Mapping[str, Any]) -> str:
    """Return the id of the cell that a request runs; empty if the front end sends none."""
    metadata = message.get("metadata")
    cell = metadata.get("cellId") if isinstance(metadata, dict) else None
    return cell if isinstance(cell, str) else ""


def tags_of(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the tags of the cell that a request runs, where the front end sends them."""
    metadata = message.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def is_in_output_widget(shell: InteractiveShell) -> bool:
    """Return whether an `Output` widget of ipywidgets captures the output of the running cell. Updates never reach such a widget."""
    # If there is no widget, this module has not been loaded. There is no public list of the widgets.
    known: dict[str, Any] = getattr(sys.modules.get("ipywidgets.widgets.widget"), "_instances", {})
    message = _parent(shell)
    running = message.get("header", {}).get("msg_id") if message is not None and known else None
    return bool(running) and any(getattr(widget, "msg_id", None) == running for widget in list(known.values()))


def in_kernel(shell: InteractiveShell) -> bool:
    """Return whether output goes to a notebook front end, and not to a terminal."""
    return _kernel_of(shell) is not None


def is_interactive(shell: InteractiveShell) -> bool:
    """Return whether a human can click or type. Under nbclient, nbconvert and papermill, which refuse input, nobody can."""
    kernel = _kernel_of(shell)
    return kernel is None or bool(getattr(kernel, "_allow_stdin", False))


def publisher(shell: InteractiveShell) -> Publish:
    """Return a function that shows output in the running cell, to be called in the cell's own thread."""

    def publish(bundle: dict[str, Any], display_id: str, update: bool) -> None:
        shell.display_pub.publish(data=bundle, metadata={}, transient={"display_id": display_id}, update=update)

    return publish


def threadsafe_publisher(shell: InteractiveShell) -> Publish | None:
    """Return a publisher that is bound to the running cell and that any thread may call.

    Returns:
        The publisher; None if output must go the ordinary way because it is captured (`%%capture`, message hooks), or if the
        front end is not ipykernel's.
    """
    display: Any = shell.display_pub
    if is_captured(shell):
        return None
    session, socket, topic = display.session, display.pub_socket, display.topic
    # A thread that looked up the parent at the moment of sending would publish into whatever cell runs then.
    parent = _parent(shell)
    if session is None or socket is None or parent is None:
        return None

    def publish(bundle: dict[str, Any], display_id: str, update: bool) -> None:
        content = {"data": bundle, "metadata": {}, "transient": {"display_id": display_id}}
        kind = "update_display_data" if update else "display_data"
        session.send(socket, kind, content, parent=parent, ident=topic)

    return publish


def is_captured(shell: InteractiveShell) -> bool:
    """Return whether output is captured (`%%capture`, message hooks). With front ends other than ipykernel's, it always counts as captured."""
    from ipykernel.zmqshell import ZMQDisplayPublisher  # there is no ipykernel in a terminal

    display = shell.display_pub
    hooks = getattr(display, "_hooks", ())
    # A hook of our own that passes everything on captures nothing.
    return type(display) is not ZMQDisplayPublisher or not all(getattr(hook, "only_looks", False) for hook in hooks)


class CommSender(Protocol):
    """Sends data on a comm."""

    def __call__(self, data: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Send the data, with buffers beside it."""


def comm_publisher(shell: InteractiveShell, comm_id: str) -> CommSender | None:
    """Return a function that sends data on an open comm from any thread, or None if there is no kernel.

    It replaces Comm.send(), which names whatever cell runs at the moment of sending, and which in 7.4 also makes the subshell of the
    sending thread the place where replies are handled.
    """
    kernel = _kernel_of(shell)
    if kernel is None or kernel.session is None:
        return None
    session, socket = kernel.session, kernel.iopub_socket
    parent = _parent(shell)
    topic = f"comm-{comm_id}".encode("ascii")

    def send(data: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        content = {"comm_id": comm_id, "data": data}
        session.send(socket, "comm_msg", content, parent=parent, ident=topic, buffers=list(buffers))

    return send


def current_request(shell: InteractiveShell) -> Request | None:
    """Return the request that runs the current cell, or None in a terminal."""
    message = _parent(shell)
    kernel = _kernel_of(shell)
    if message is None or kernel is None:
        return None
    idents = getattr(kernel, "_parent_ident", None)
    return Request(idents["shell"] if idents is not None else [], message)


@contextmanager
def as_request(shell: InteractiveShell, request: Request) -> Iterator[None]:
    """Run the block as if the request's cell were running: what it prints, shows and asks lands there, and ■ interrupts the block.

    Use it only in a kernel, in its main thread and while no cell runs.
    """
    kernel = _kernel_of(shell)
    assert kernel is not None
    before = current_request(shell)
    kernel.set_parent(request.ident, request.message, channel="shell")
    kernel._publish_status("busy", "shell")
    allowed = kernel._allow_stdin
    kernel._forward_input(bool(request.message.get("content", {}).get("allow_stdin", True)))
    try:
        with interruptible():
            yield
            # This makes matplotlib show its figures in the cell that is the parent at that moment.
            shell.events.trigger("post_execute")
    finally:
        kernel._restore_input()
        kernel._allow_stdin = allowed
        sys.stdout.flush()
        sys.stderr.flush()
        kernel._publish_status("idle", "shell")
        if before is not None:
            kernel.set_parent(before.ident, before.message, channel="shell")


class MainThread:
    """Runs functions in the kernel's main thread while no cell runs, whichever thread a comm message arrived in.

    Args:
        shell: the shell of a kernel.
        cell_runs: returns whether a cell is under way.
    """

    def __init__(self, shell: InteractiveShell, cell_runs: Callable[[], bool]) -> None:
        self._shell = shell
        self._cell_runs = cell_runs

    def run(self, function: Callable[[], None]) -> None:
        """Run the function: at once if that is possible, otherwise as soon as the kernel is idle."""
        if threading.current_thread() is threading.main_thread() and not self._cell_runs():
            function()
            return
        kernel = _kernel_of(self._shell)
        assert kernel is not None
        kernel.io_loop.add_callback(self._run_between_cells, function)

    async def _run_between_cells(self, function: Callable[[], None]) -> None:
        # If a kernel has this lock, callbacks of its event loop may run in the middle of an async cell, which holds the lock.
        lock: asyncio.Lock | None = getattr(_kernel_of(self._shell), "_main_asyncio_lock", None)
        if lock is None:
            function()
            return
        async with lock:
            function()


def watch_skipped(shell: InteractiveShell, skipped: Callable[[dict[str, Any]], None]) -> Callable[[], None]:
    """Watch for requests that the kernel skips because a cell before them failed or was stopped.

    Args:
        shell: the shell of a kernel. Some kernels do not report skipped requests.
        skipped: called with each such request, once it has been answered.

    Returns:
        A function that stops watching.
    """
    return _watch(shell, "_send_abort_reply", lambda _stream, request, *_rest: skipped(request))


def watch_prompts(shell: InteractiveShell, typed: Callable[[str], None]) -> Callable[[], None]:
    """Watch for front ends where one types at a prompt. They ask whether what is typed is a complete input.

    Args:
        shell: the shell of a kernel. Some kernels cannot be asked that.
        typed: called with the session of a front end that asks.

    Returns:
        A function that stops watching.
    """

    def note(_code: str) -> None:
        if session := front_end_session(shell):
            typed(session)

    return _watch(shell, "do_is_complete", note)


def _watch(shell: InteractiveShell, name: str, called: Callable[..., object]) -> Callable[[], None]:
    """Call a function after each call of a method of the kernel, if it has that method, and return a function that stops this."""
    kernel: Any = _kernel_of(shell)
    method = getattr(kernel, name, None)
    if method is None:
        return lambda: None

    def call_and_tell(*args: object) -> object:
        outcome = method(*args)
        called(*args)
        return outcome

    def stop() -> None:
        # If somebody has wrapped it since, their wrapper stays.
        if vars(kernel).get(name) is call_and_tell:
            delattr(kernel, name)

    setattr(kernel, name, call_and_tell)
    return stop


def front_end_session(shell: InteractiveShell) -> str:
    """Return the unique name of the session of the front end that runs the current cell; empty if that is unknown."""
    request = _parent(shell)
    header = None if request is None else request.get("header")
    session = header.get("session") if isinstance(header, dict) else None
    return session if isinstance(session, str) else ""


def soon(shell: InteractiveShell, seconds: float, function: Callable[[], None]) -> None:
    """Call a function in the kernel's main thread after some seconds, once the kernel is idle. May be called in any thread."""
    kernel = _kernel_of(shell)
    if kernel is not None:
        kernel.io_loop.add_callback(kernel.io_loop.call_later, seconds, function)


def kernel_session(shell: InteractiveShell) -> str:
    """Return the unique name of this kernel's session; empty in a terminal."""
    kernel = _kernel_of(shell)
    return kernel.session.session if kernel is not None and kernel.session is not None else ""


def _kernel_of(shell: InteractiveShell) -> _Kernel | None:
    return cast("_Kernel | None", getattr(shell, "kernel", None))


def _parent(shell: InteractiveShell) -> dict[str, Any] | None:
    """Return the request that runs the current cell, or None if there is none."""
    kernel = _kernel_of(shell)
    if kernel is None:
        return None
    parent = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else getattr(kernel, "_parent_header", None)
    return parent if isinstance(parent, dict) and parent else None
