"""The front end of one kernel: what it is known to support, and how to reach it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.bus import Bus, Sender, package_version, widget_script
from llm_notebook.notebook.frontend.kernel import (
    front_end_session,
    in_kernel,
    is_console,
    is_interactive,
    soon,
    watch_prompts,
)
from llm_notebook.transcript.visible import visible

if TYPE_CHECKING:
    from llm_notebook.notebook.frontend.widget import ChannelWidget, TranscriptWidget

__all__ = ["FrontEnd"]

_LONGEST_VERSION = 100
_NOT_BUILT = (
    "For buttons here, build the front end: run `python -m scripts.front_end` in the checkout of llm_notebook, "
    "restart the kernel and reload this page."
)
_NOT_INSTALLED = (
    "For buttons here, run `pip install jupyter-llm-notebook` in the environment that JupyterLab runs in, "
    "not the kernel's, and reload this page."
)


class FrontEnd:
    """The front end of one shell. What it supports becomes known as its messages arrive, and is None until then.

    Attributes:
        is_notebook: whether the shell runs in a kernel, and not in a terminal.
        extension: whether our Lab extension is there; None while that is unknown.
        widgets: whether the front end can show our widget; None while that is unknown.
        version: the version in the latest `hello` from our code in the browser, whether the extension or the widget; empty
            until one arrives. It may differ from `package_version()` where JupyterLab and the kernel run in different
            environments. It comes from the browser unchecked, so show it as text only.
        bus: the connection to the pages; None if there is no notebook.
        wants_cells: whether pages send the cells of the notebook with every prompt.
        prompts: the sessions of front ends where one types at a prompt.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.is_notebook = in_kernel(shell)
        self.extension: bool | None = None
        self.widgets: bool | None = None
        self.version = ""
        self._own_version = package_version()
        self.bus: Bus | None = None
        self.wants_cells = False
        self._channel: ChannelWidget | None = None
        self._changed: Callable[[], None] = lambda: None
        self._unwatch: Callable[[], None] = lambda: None
        self.prompts: set[str] = set()

    def open(self, received: Callable[[dict[str, Any]], None], changed: Callable[[], None]) -> None:
        """Connect, if there is a notebook to connect to.

        Args:
            received: called with each message from a page, in the thread in which it arrives.
            changed: called when more becomes known about the front end.
        """
        if not self.is_notebook:
            return
        self._changed = changed
        self._unwatch = watch_prompts(self.shell, self.prompts.add)
        self.bus = Bus(self.shell, lambda message: self._receive(message, received), self._note_lost_extension)
        self.bus.open(offer=is_interactive(self.shell))
        if widget_script() is None:
            self.widgets = False
        elif _always_shows_widgets(self.shell):
            self.widgets = True
        elif is_interactive(self.shell):
            # This loads ipywidgets, so it is done when the cell is over.
            soon(self.shell, 0, self.look_for_widgets)

    def look_for_widgets(self) -> None:
        """Find out whether the front end can show our widget, unless that is known already or our extension is there."""
        is_open = self.bus is not None
        # nbclient saves the state of every widget, so a notebook that it runs must not contain any.
        if (
            is_open
            and self._channel is None
            and self.widgets is None
            and not self.extension
            and is_interactive(self.shell)
        ):
            self._channel = _open_channel(self._receive_from_widget)

    def close(self) -> None:
        """Disconnect."""
        self._unwatch()
        if self.bus is not None:
            self.bus.close()
            self.bus = None
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def broadcaster(self) -> Sender | None:
        """Return a function that sends a message to every page from any thread, or None if no page listens."""
        # The extension says hello before a widget can. So if only widgets have said it, there is no extension.
        if self.bus is None or self.extension is False or (self.wants_widget and self.extension is None):
            return None
        return self.bus.sender()

    def senders(self, widget: TranscriptWidget | None) -> list[Sender]:
        """Return functions that send a message to every page that follows a turn.

        Args:
            widget: shows the turn; None if no widget does.
        """
        return list(filter(None, (self.broadcaster(), None if widget is None else widget.sender())))

    @property
    def wants_widget(self) -> bool:
        """Whether transcripts are shown by our widget."""
        return bool(self.widgets) and not self.extension

    @property
    def only_appends(self) -> bool:
        """Whether the running cell was typed at the prompt of a console, where text can be added, but no output can be updated."""
        return is_console(self.shell) and front_end_session(self.shell) in self.prompts

    @property
    def advice(self) -> str:
        """Markdown that says how to get buttons; empty if there are some, if there cannot be any, or if that is unknown."""
        if self.mismatch:
            return self.mismatch
        if self.extension is not False or self.widgets or is_console(self.shell):
            return ""
        return _NOT_BUILT if widget_script() is None else _NOT_INSTALLED

    @property
    def mismatch(self) -> str:
        """A sentence if our code in the browser has a different version than this package; otherwise empty."""
        if self.version in ("", self._own_version):
            return ""
        said = visible(self.version)
        return f"llm_notebook is {self._own_version} in the kernel and {said} in this page. Reload the page to decide."

    def note_extension(self) -> None:
        """Note that our Lab extension has just shown that it is there."""
        # A page may use `%llm act` before it has a comm, or after it has closed ours.
        if self.bus is not None:
            self.bus.reopen()
        if not self.extension:
            self.extension = True
            self._changed()

    def _receive(self, message: dict[str, Any], received: Callable[[dict[str, Any]], None]) -> None:
        self._note_version(message)
        self.note_extension()
        if self.wants_cells and isinstance(message, dict) and message.get("type") == "hello":
            self._tell_wants()
        received(message)

    def want_cells(self, wanted: bool) -> None:
        """Say whether pages are to send the cells of the notebook with every prompt."""
        changes, self.wants_cells = wanted != self.wants_cells, wanted
        if changes:
            self._tell_wants()

    def _tell_wants(self) -> None:
        send = self.broadcaster()
        if send is not None:
            send({"type": "context", "wanted": self.wants_cells})

    def _note_version(self, message: object) -> None:
        # Any script in the page can open a comm, so the message may have any shape.
        if isinstance(message, dict) and message.get("type") == "hello" and isinstance(message.get("version"), str):
            self.version = message["version"][:_LONGEST_VERSION]

    def _note_lost_extension(self) -> None:
        self.extension = False
        self._changed()
        soon(self.shell, 0, self.look_for_widgets)

    def _receive_from_widget(self, hello: dict[str, Any]) -> None:
        # The widget stays open. JupyterLab sends what all widgets say through one subshell and deletes it after the last of them,
        # even if another one has come to use it in the meantime; from then on it would lose every click in that widget.
        self._note_version(hello)
        if not self.widgets:
            self.widgets = True
            self._changed()


def _always_shows_widgets(shell: InteractiveShell) -> bool:
    return "google.colab" in sys.modules or "__vsc_ipynb_file__" in shell.user_ns


def _open_channel(received: Callable[[dict[str, Any]], None]) -> ChannelWidget | None:
    try:
        from llm_notebook.notebook.frontend.widget import ChannelWidget  # loads ipywidgets
    except ImportError:
        return None
    channel = ChannelWidget()
    channel.on_hello(received)
    return channel
