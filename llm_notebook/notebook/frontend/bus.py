"""The comm between a kernel and the Lab extension: changes of transcripts go out, and what readers do comes in.

A comm is Jupyter's channel between a kernel and a page. Either side may open one under a target's name. A channel does not survive
everything: a page loses its end when it is reloaded, a kernel loses its own when it is restarted, and the other side is not always
informed. So either side may have to open one: the kernel opens a comm when the magics are loaded, and every page that finds none opens
one itself. The bus therefore holds any number of comms. It sends to all of them, and accepts messages from any.

Silence can mean several things. JupyterLab closes a comm whose target it does not know, which is how the kernel learns that the
extension is missing. Other front ends ignore the offer, so the kernel knows nothing until a message arrives. That is why the
bus reports only two facts, "a message came" and "the last comm was closed", and `FrontEnd` draws the conclusions.

Messages are sent by `comm_publisher()` and not by `Comm.send()`, because a painter thread sends them on behalf of a running cell;
`kernel.py` explains the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import comm
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.kernel import comm_publisher
from llm_notebook.transcript.packing import packed

if TYPE_CHECKING:
    from comm.base_comm import BaseComm

__all__ = ["TARGET", "Bus", "Sender", "package_version", "widget_script"]

TARGET = "llm_notebook"


def package_version() -> str:
    """Return the version of this package, which each end of a connection sends to the other."""
    return version("jupyter-llm-notebook")


Sender = Callable[[dict[str, Any]], None]
"""Sends a message to pages."""


class Bus:
    """The comm that the kernel opened, and those that pages opened.

    Args:
        shell: the shell of the kernel.
        received: called with what a page sent: a `ToKernel` of `labextension/src/transcript/protocol/document.ts`, unchecked.
        lost: called when the last comm is closed, so that no page listens any more.
    """

    def __init__(
        self, shell: InteractiveShell, received: Callable[[dict[str, Any]], None], lost: Callable[[], None]
    ) -> None:
        self._shell = shell
        self._received = received
        self._lost = lost
        self._comms: dict[str, BaseComm] = {}
        self._version = package_version()

    def open(self, *, offer: bool) -> None:
        """Accept connections, and with `offer` also offer one. A front end without our extension closes or ignores it.

        Programs that run notebooks without a reader, such as nbconvert, print a warning about an offer that they do not know.
        """
        comm.get_comm_manager().register_target(TARGET, self._accept)
        if offer:
            self.reopen()

    def reopen(self) -> None:
        """Offer the connection again if no comm is open."""
        if not self._comms:
            self._keep(comm.create_comm(target_name=TARGET, data={"version": self._version}))

    def close(self) -> None:
        """Close every comm and accept no more."""
        with suppress(KeyError):
            comm.get_comm_manager().unregister_target(TARGET, self._accept)
        for opened in list(self._comms.values()):
            opened.close()
        self._comms = {}

    def sender(self) -> Sender | None:
        """Return a function that sends a `FromKernel` to every page, on behalf of the running cell; None if no page listens.

        The function may be called in any thread.
        """
        senders = [sender for comm_id in list(self._comms) if (sender := comm_publisher(self._shell, comm_id))]
        if not senders:
            return None

        def send(message: dict[str, Any]) -> None:
            if message["type"] in ("state", "record"):
                # A page that was loaded after the comm was opened learns the version from the first document.
                message = {**message, "version": self._version}
            buffers: list[bytes] = []
            if message["type"] in ("delta", "state"):
                message, _, buffers = packed(message)
            for send_to_page in senders:
                send_to_page(message, buffers)

        return send

    def _accept(self, opened: BaseComm, message: dict[str, Any]) -> None:
        """Accept a comm from a page that did not find ours; its first message may come with it."""
        self._keep(opened)
        data = message["content"].get("data")
        if data:
            self._received(data)

    def _keep(self, opened: BaseComm) -> None:
        self._comms[opened.comm_id] = opened
        opened.on_msg(lambda message: self._received(message["content"]["data"]))
        opened.on_close(lambda _message: self._drop(opened.comm_id))

    def _drop(self, comm_id: str) -> None:
        self._comms.pop(comm_id, None)
        if not self._comms:
            self._lost()


def widget_script() -> Path | None:
    """Return the path of the widget's front-end code, or None in a checkout whose JavaScript has not been built."""
    path = Path(__file__).parents[2] / "static" / "widget.js"
    return path if path.is_file() else None
