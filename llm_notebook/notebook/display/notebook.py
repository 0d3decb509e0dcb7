"""Shows a turn while it streams: in a notebook as one output that is updated, in a terminal as plain text.

A turn may be followed in three ways at once, and the kernel seldom knows which of them a reader has before the first words
arrive:

1. Our Lab extension receives numbered deltas by comm (`Bus.sender()`).
2. Our widget receives the same deltas as widget state.
3. Everything else (Colab before its widgets load, nbclient, the saved file) has only the output itself, which is repainted whole.

The deltas cost what is new. A repaint costs the whole text, so it happens at a `Pace`: only when the text has grown by a fixed
share of itself, or after some seconds. The repaints then form a geometric series, and all of them together are a fixed multiple
of the text. While one of the first two ways is known to work, repaints are rare; they only keep the saved notebook useful if the
kernel dies.

A painter thread does the sending. The thread that reads the chain only sets an event per chunk (`changed`), so a chunk costs
next to nothing, a fast stream is coalesced to 20 messages a second (Jupyter's server drops messages beyond a rate), and the
display stays alive (seconds that pass, "Trying again in 3 s") while the model is silent and the reader blocked. The painter uses
functions that were bound to the cell when the run began; `frontend/kernel.py` says why. Where output cannot be sent from a thread,
as under `%%capture`, there is no painter and the turn is shown once, when it is over.

What stays in the notebook is the *record*: the MIME bundle of the last `refresh()`, without anything alive. A widget is part of
it only while the turn waits for a click, because ipywidgets would otherwise keep every finished answer in the kernel's memory.
"""

from __future__ import annotations

import math
import sys
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.display.encoding import write
from llm_notebook.notebook.display.feed import Feed
from llm_notebook.notebook.display.silence import Silence
from llm_notebook.notebook.display.terminal import TerminalDisplay, has_colours
from llm_notebook.notebook.frontend.bus import Sender
from llm_notebook.notebook.frontend.frontend import FrontEnd
from llm_notebook.notebook.frontend.kernel import (
    Publish,
    in_kernel,
    is_console,
    is_in_output_widget,
    publisher,
    threadsafe_publisher,
)
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.rendering import markdown_of, plain_of, turn_words
from llm_notebook.transcript.visible import terminal_safe

if TYPE_CHECKING:
    from llm_notebook.notebook.frontend.widget import TranscriptWidget
    from llm_notebook.transcript.blocks import CallBlock

__all__ = ["AnswerDisplay", "NotebookDisplay", "Pace", "answer_display", "show_markdown"]

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_BEFORE_WAITING_SHOWS = 0.15  # seconds
_SHORTEST_INTERVAL = 0.05  # seconds
# Each run of the cell with `%llm resume` adds an output, and each output is repainted.
_MOST_OUTPUTS = 4
_FIRST_REMINDER = 2.0  # seconds after the run began
_REMINDERS_APART = 1.25  # how much later each reminder comes than the one before
_LONG = 2**20  # characters
_LONG_REMINDERS_APART = 5.0  # seconds between two reminders for each so many characters

Bundle = dict[str, Any]


class AnswerDisplay(Protocol):
    """Shows one turn, which takes one or several runs. The caller feeds the view and says when it has changed."""

    def open(self, *, here: bool = False) -> None:
        """Begin a run: show that something is under way.

        Args:
            here: add an output in the running cell, even if the turn is shown elsewhere already.
        """

    def changed(self) -> None:
        """Note that the view has changed. This is cheap enough to be called for every chunk."""

    def printed(self, block: CallBlock, text: str | None) -> None:
        """Note that a call has printed a text, or with None that it has cleared what it had printed."""

    def close(self) -> None:
        """End the run: show the turn as it will stay."""

    def refresh(self) -> None:
        """Show a change between two runs in every output of the turn."""

    def leave(self) -> None:
        """Reduce the outputs to the turn's record, because this kernel will not continue it."""

    def senders(self) -> list[Sender]:
        """Return functions that send a message to every page that follows the turn, in the name of the running cell."""


def answer_display(
    front: FrontEnd, feed: Feed, received: Callable[[dict[str, Any]], None], *, is_shown: bool = True
) -> AnswerDisplay:
    """Return the display that suits the front end.

    Args:
        front: the front end that shows the turn.
        feed: the turn's messages.
        received: called with what a reader does in a widget.
        is_shown: whether the turn has an output in the running cell. Otherwise only pages that show it already are kept up to
            date, until it is opened with `here`.
    """
    if front.is_notebook:
        return NotebookDisplay(front, feed, received, is_shown=is_shown)
    return TerminalDisplay(feed.view, is_coloured=has_colours(front.shell))


def show_markdown(shell: InteractiveShell, markdown: str, plain: str, *, html: str = "") -> None:
    """Show a finished text.

    Args:
        shell: the shell to show it in.
        markdown: the text for a notebook; it must be safe already.
        plain: the text for a terminal, which control characters in it do not reach.
        html: the same for pages that show HTML, if it looks better than Markdown there; it must be safe already.
    """
    if in_kernel(shell):
        bundle = {"text/markdown": markdown, "text/plain": terminal_safe(plain)} | ({"text/html": html} if html else {})
        publisher(shell)(bundle, uuid.uuid4().hex, False)
    else:
        write(terminal_safe(plain) + "\n")


@dataclass(slots=True)
class Pace:
    """Decides when a text that is sent whole is sent again, so that all sendings together stay in proportion to the text.

    Attributes:
        growth: the share of itself by which the text must have grown. For a text of very many characters it is more: a megabyte doubles.
        patience: the seconds after which it is sent in any case.
    """

    growth: float = 1 / 64
    patience: float = 2.0
    _size: int = 0
    _at: float = 0.0

    def due(self, size: int, now: float) -> bool:
        """Return whether the text is to be sent at this moment, and if so take it as sent.

        Args:
            size: the length of the text, in characters.
            now: the time in seconds, on a monotonic clock.
        """
        growth = max(self.growth, min(3.0, self._size / _LONG))
        if size - self._size < self._size * growth and now - self._at < self.patience:
            return False
        self._size, self._at = size, now
        return True


@dataclass(slots=True)
class _Output:
    """One output that shows the turn, and whether it has been sent to the front end."""

    display_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_shown: bool = False


class NotebookDisplay:
    """Shows a turn in a notebook, as the module describes.

    Args:
        front: the front end that shows the turn.
        feed: the turn's messages.
        received: called with what a reader does in a widget.
        is_shown: whether the turn has an output in the running cell.
        clock: returns seconds, and never goes back.
    """

    def __init__(
        self,
        front: FrontEnd,
        feed: Feed,
        received: Callable[[dict[str, Any]], None],
        *,
        is_shown: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._front = front
        self._feed = feed
        self._received = received
        self._clock = clock
        self._outputs = [_Output()] if is_shown else []
        self._widget: TranscriptWidget | None = None
        self._wake = threading.Event()
        # It is called for every chunk.
        self.changed: Callable[[], None] = self._wake.set
        self._closed = threading.Event()
        self._markdown: str | None = None
        self._painter: threading.Thread | None = None

    def open(self, *, here: bool = False) -> None:
        if here and all(output.is_shown for output in self._outputs):
            self._outputs = [*self._outputs[1 - _MOST_OUTPUTS :], _Output()]
        self._closed.clear()
        publish = threadsafe_publisher(self._front.shell)
        if publish is None or (not self._front.extension and is_in_output_widget(self._front.shell)):
            return
        # What the cell has printed so far is to appear above the answer.
        sys.stdout.flush()
        sys.stderr.flush()
        if self._widget is None and self._wants_widget():
            self._widget = self._make_widget()
        senders = self.senders()
        is_live = self._front.extension or self._widget is not None
        pace = Pace(1.0, math.inf) if is_live else Pace()
        began = self._clock() - self._feed.view.seconds
        self._painter = threading.Thread(
            target=self._paint, args=(publish, senders, pace, began), name="llm_notebook painter", daemon=True
        )
        self._painter.start()

    def printed(self, block: CallBlock, text: str | None) -> None:
        self._wake.set()

    def close(self) -> None:
        self._closed.set()
        self._wake.set()
        if self._painter is not None:
            self._painter.join()
            self._painter = None
        view = self._feed.view
        # A turn that fails at once shows its error alone, without an empty output above it.
        if self._markdown is not None or view.blocks or view.problem is not None or view.state != "failed":
            self.refresh()

    def refresh(self) -> None:
        is_paused = self._feed.view.state == "paused"
        if is_paused and self._widget is None and self._wants_widget():
            self._widget = self._make_widget()
        elif self._widget is not None and not (is_paused and self._wants_widget()) and not self._widget.is_revived:
            # A revived widget stays: the reloaded page shows it, and no update of the output reaches that page.
            self._widget.close()
            self._widget = None
        # Captured output is not for the pages that follow the turn.
        is_seen = threadsafe_publisher(self._front.shell) is not None
        document = self._feed.document()
        record = self._record(document)
        shell = self._front.shell
        if not self._front.extension and (is_console(shell) or is_in_output_widget(shell)):
            # What was shown before stays as it was there, and cannot be updated.
            self._outputs = [_Output(output.display_id) for output in self._outputs[-1:]]
        senders = self.senders() if is_seen else []
        self._show(publisher(shell), record, self._widget if is_paused else None)
        message = {"type": "record", "document": document, "bundle": record}
        for send in senders:
            send(message)

    def leave(self) -> None:
        if self._widget is not None:
            self._widget.close()
            self._widget = None
            self._show(publisher(self._front.shell), self._record(self._feed.document()), None)

    def _wants_widget(self) -> bool:
        """Return whether transcripts are shown by our widget."""
        return bool(self._front.widgets) and not self._front.extension

    def _make_widget(self) -> TranscriptWidget:
        from llm_notebook.notebook.frontend.widget import TranscriptWidget  # loads ipywidgets

        return TranscriptWidget(self._front.shell, self._feed.document, self._received)

    def senders(self) -> list[Sender]:
        bus = self._front.bus
        pages = None if bus is None else bus.sender()
        return list(filter(None, (pages, None if self._widget is None else self._widget.sender())))

    def _paint(self, publish: Publish, senders: list[Sender], pace: Pace, began: float) -> None:
        """Send what changes until the run is over; the body of the painter thread."""
        # An answer that comes at once is not preceded by a flash of "Waiting for …".
        self._wake.wait(timeout=_BEFORE_WAITING_SHOWS)
        opened, reminder = self._clock(), _FIRST_REMINDER
        silence = Silence(self._feed.view, opened)
        while not self._closed.is_set():
            self._wake.clear()
            view = self._feed.view
            view.show_printed(self._clock())
            silence.look(self._clock())
            is_counted = view.silent or bool(view.notice)
            if is_counted:
                view.seconds = self._clock() - began
            sent = self._tell(senders)
            if self._clock() - opened >= reminder:
                # A page that was loaded during the run shows only what was saved, and cannot ask a kernel that is busy. The
                # reminders become rarer, so that a long answer is not sent whole over and over.
                longer = self._clock() - opened + _LONG_REMINDERS_APART * view.size / _LONG
                reminder = max(reminder * _REMINDERS_APART, longer)
                sent += self._send(senders, {"type": "state", "document": self._feed.document()})
            if is_counted or pace.due(view.size, self._clock()):
                sent += self._show_if_new(publish, is_rare=math.isinf(pace.patience))
            # 20 messages a second, however many pages and outputs each change is sent to.
            self._closed.wait(_SHORTEST_INTERVAL * max(1, sent))
            # Seconds are counted on screen, so there is something to paint each second.
            self._wake.wait(timeout=1.0)

    def _tell(self, senders: list[Sender]) -> int:
        """Send what is new to every page that follows the turn. Return how many messages that took."""
        message = self._feed.next() if senders else None
        return 0 if message is None else self._send(senders, message)

    def _send(self, senders: list[Sender], message: dict[str, Any]) -> int:
        for send in senders:
            send(message)
        return len(senders)

    def _show_if_new(self, publish: Publish, *, is_rare: bool) -> int:
        """Repaint the outputs unless they show the same already. Return how many messages that took."""
        # "Waiting for …" need not be counted in the saved notebook.
        if is_rare and (self._feed.view.silent or self._feed.view.notice) and self._markdown is not None:
            return 0
        is_plain_too = is_rare and self._feed.view.size < _LONG
        record = self._record(self._feed.document(), is_plain_too=is_plain_too)
        if record["text/markdown"] == self._markdown and all(output.is_shown for output in self._outputs):
            return 0
        self._show(publish, record, self._widget)
        return len(self._outputs)

    def _show(self, publish: Publish, record: Bundle, widget: TranscriptWidget | None) -> None:
        bundle = record
        if widget is not None:
            view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
            bundle = {**record, _WIDGET_VIEW: view}
        self._markdown = record["text/markdown"]
        for output in self._outputs:
            publish(bundle, output.display_id, output.is_shown)
            output.is_shown = True

    def _record(self, document: dict[str, Any], *, is_plain_too: bool = True) -> Bundle:
        """Return the bundle of the turn without anything alive.

        Args:
            document: the whole transcript.
            is_plain_too: add the plain text. Only viewers of the saved notebook read it, and they read the last bundle.
        """
        view = self._feed.view
        advice = self._front.advice if view.state == "paused" else ""
        words = turn_words(view)
        record: Bundle = {MIME_TYPE: document, "text/markdown": f"{markdown_of(view, words)}\n\n{advice}".rstrip()}
        if is_plain_too:
            record["text/plain"] = f"{plain_of(view, words)}\n\n{advice}".rstrip()
        return record
