"""What is known of the front end of this kernel, and the ways to reach it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.frontend.bus import Bus, widget_script
from llm_notebook.notebook.frontend.kernel import in_kernel, is_interactive

if TYPE_CHECKING:
    from llm_notebook.notebook.frontend.widget import ChannelWidget

__all__ = ["FrontEnd"]

Sender = Callable[[dict[str, Any]], None]
_NOT_BUILT = (
    "For buttons here, build the front end: run `python -m scripts.front_end` in the checkout of llm_notebook, "
    "restart the kernel and reload this page."
)
_NOT_INSTALLED = (
    "For buttons here, run `pip install jupyter-llm-notebook` in the environment that JupyterLab runs in, "
    "not the kernel's, and reload this page."
)


class FrontEnd:
    """One shell's front end. It tells by and by what it can do, and until then nobody knows.

    Attributes:
        extension: our Lab extension is there; None while that is not known.
        widgets: it can show our widget; None while that is not known.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.extension: bool | None = None
        self.widgets: bool | None = None
        self._bus: Bus | None = None
        self._channel: ChannelWidget | None = None
        self._changed: Callable[[], None] = lambda: None

    def open(self, received: Callable[[dict[str, Any]], None], changed: Callable[[], None]) -> None:
        """Connect, where there is a notebook to connect to.

        Args:
            received: called with what a page sends, from the thread that it comes to.
            changed: called when more is known of the front end.
        """
        if not in_kernel(self.shell):
            return
        self._changed = changed
        self._bus = Bus(self.shell, lambda message: self._heard(message, received), self._lost)
        self._bus.open()
        if widget_script() is None:
            self.widgets = False
        elif _always_shows_widgets(self.shell):
            self.widgets = True
        elif is_interactive(self.shell):
            # Nothing may be left in a notebook that nbclient runs, and it saves the state of every widget.
            self._channel = _channel(self._can_show_widgets)

    def close(self) -> None:
        """Disconnect."""
        if self._bus is not None:
            self._bus.close()
            self._bus = None
        self._close_channel()

    def broadcaster(self) -> Sender | None:
        """A function that tells every page something from any thread, None where nobody listens."""
        if self._bus is None or self.extension is False:
            return None
        return self._bus.sender()

    @property
    def wants_widget(self) -> bool:
        """Transcripts are shown by our widget."""
        return bool(self.widgets) and not self.extension

    @property
    def advice(self) -> str:
        """Markdown that says what to install for buttons, and where; empty where there are some, or that is not known."""
        if self.extension is not False or self.widgets:
            return ""
        return _NOT_BUILT if widget_script() is None else _NOT_INSTALLED

    def has_extension(self) -> None:
        """Our Lab extension has just shown that it is there."""
        if self._bus is not None:
            self._bus.reopen()
        if not self.extension:
            self.extension = True
            self._close_channel()
            self._changed()

    def _heard(self, message: dict[str, Any], received: Callable[[dict[str, Any]], None]) -> None:
        self.has_extension()
        received(message)

    def _lost(self) -> None:
        self.extension = False
        self._changed()

    def _can_show_widgets(self) -> None:
        self.widgets = True
        self._close_channel()
        self._changed()

    def _close_channel(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


def _always_shows_widgets(shell: InteractiveShell) -> bool:
    return "google.colab" in sys.modules or "__vsc_ipynb_file__" in shell.user_ns


def _channel(heard: Callable[[], None]) -> ChannelWidget | None:
    try:
        from llm_notebook.notebook.frontend.widget import ChannelWidget  # loads ipywidgets
    except ImportError:
        return None
    channel = ChannelWidget()
    channel.on_hello(heard)
    return channel
