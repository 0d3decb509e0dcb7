"""The one comm between a kernel and our Lab extension: what the transcripts of this kernel say goes out, what readers do comes in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import comm
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.kernel import comm_publisher

__all__ = ["TARGET", "Bus", "package_version", "widget_script"]

TARGET = "llm_notebook"


def package_version() -> str:
    """The version of this package, which both ends of a connection tell each other."""
    return version("jupyter-llm-notebook")


class Bus:
    """A comm that the kernel opens, and any that a page opens which has lost it.

    Args:
        shell: whose kernel it is.
        received: called with what a page sent: a `ToKernel` of `labextension/src/transcript/document.ts`, not checked in any way.
        lost: called when the front end says that nobody listens.
    """

    def __init__(
        self, shell: InteractiveShell, received: Callable[[dict[str, Any]], None], lost: Callable[[], None]
    ) -> None:
        self._shell = shell
        self._received = received
        self._lost = lost
        self._comms: dict[str, Any] = {}

    def open(self) -> None:
        """Offer the connection. A front end without our extension closes it, or says nothing."""
        comm.get_comm_manager().register_target(TARGET, self._opened)
        self.reopen()

    def reopen(self) -> None:
        """Offer it again, if nothing is open any more."""
        if not self._comms:
            self._keep(comm.create_comm(target_name=TARGET, data={"version": package_version()}))

    def close(self) -> None:
        """Close what is open."""
        with suppress(KeyError):
            comm.get_comm_manager().unregister_target(TARGET, self._opened)
        for opened in list(self._comms.values()):
            opened.close()
        self._comms = {}

    def sender(self) -> Callable[[dict[str, Any]], None]:
        """A function that sends a `FromKernel` to every page, from any thread, in the name of the cell that runs now."""
        senders = [sender for comm_id in list(self._comms) if (sender := comm_publisher(self._shell, comm_id))]

        def send(message: dict[str, Any]) -> None:
            for one in senders:
                one(message)

        return send

    def _opened(self, opened: Any, message: dict[str, Any]) -> None:
        """A page opened a comm of its own, since it did not find ours."""
        self._keep(opened)
        data = message["content"].get("data")
        if data:
            self._received(data)

    def _keep(self, opened: Any) -> None:
        self._comms[opened.comm_id] = opened
        opened.on_msg(lambda message: self._received(message["content"]["data"]))
        opened.on_close(lambda _message: self._closed(opened.comm_id))

    def _closed(self, comm_id: str) -> None:
        self._comms.pop(comm_id, None)
        if not self._comms:
            self._lost()


def widget_script() -> Path | None:
    """The front-end code of the widget, None in a checkout whose JavaScript was never built."""
    path = Path(__file__).parents[2] / "static" / "widget.js"
    return path if path.is_file() else None
