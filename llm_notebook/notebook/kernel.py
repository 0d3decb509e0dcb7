"""All that differs between front ends and ipykernel versions: who runs this cell, and how output reaches it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.interactiveshell import InteractiveShell

__all__ = [
    "CellIdentity",
    "Publish",
    "cell_identity",
    "held_interrupts",
    "in_kernel",
    "publisher",
    "threadsafe_publisher",
]

Publish = Callable[[dict[str, Any], str, bool], None]
CellIdentity = tuple[str, str]


def in_kernel(shell: InteractiveShell) -> bool:
    """True where output goes to a notebook front end, False in a terminal."""
    return getattr(shell, "kernel", None) is not None


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
    from ipykernel.zmqshell import ZMQDisplayPublisher  # noqa: PLC0415  there is no ipykernel in a terminal

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


def _parent(shell: InteractiveShell) -> dict[str, Any] | None:
    """The request that runs the current cell."""
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return None
    parent = kernel.get_parent("shell") if hasattr(kernel, "get_parent") else getattr(kernel, "_parent_header", None)
    return parent if isinstance(parent, dict) and parent else None
