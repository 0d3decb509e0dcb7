"""How a turn reaches the eye while it streams: one display that is updated in a notebook, plain text in a terminal."""

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

from llm_notebook.notebook.display.feed import Feed
from llm_notebook.notebook.display.terminal import TerminalDisplay
from llm_notebook.notebook.frontend.frontend import FrontEnd, Sender
from llm_notebook.notebook.frontend.kernel import Publish, in_kernel, publisher, threadsafe_publisher
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.rendering import markdown_of, plain_of
from llm_notebook.transcript.visible import terminal_safe

if TYPE_CHECKING:
    from llm_notebook.notebook.frontend.widget import TranscriptWidget

__all__ = ["AnswerDisplay", "NotebookDisplay", "Pace", "answer_display", "show_markdown"]

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_BEFORE_WAITING_SHOWS = 0.15
_SHORTEST_INTERVAL = 0.05
_MOST_OUTPUTS = 4
_FIRST_REMINDER = 2.0
_REMINDERS_APART = 1.25

Bundle = dict[str, Any]


class AnswerDisplay(Protocol):
    """Shows one turn, in as many runs as it takes. The caller feeds the view and says when it changed."""

    def open(self, *, here: bool = False) -> None:
        """A run begins: show that something is under way.

        Args:
            here: in an output of its own in the running cell, although it is shown elsewhere already.
        """

    def changed(self) -> None:
        """The view has changed; cheap enough to be called for every chunk."""

    def close(self) -> None:
        """The run is over: show the turn as it will stay."""

    def refresh(self) -> None:
        """Something has changed between two runs: show it wherever the turn is shown."""

    def leave(self) -> None:
        """Nobody will go on with the turn: leave its record, without anything that is alive."""

    def senders(self) -> list[Sender]:
        """Ways to tell those who follow the turn something, from this thread and in the name of the running cell."""


def answer_display(
    front: FrontEnd, feed: Feed, received: Callable[[dict[str, Any]], None], *, is_shown: bool = True
) -> AnswerDisplay:
    """The display that suits the front end.

    Args:
        front: where the turn is shown.
        feed: what is shown.
        received: called with what a reader does in a widget.
        is_shown: it gets an output of its own; otherwise it only tells pages that show it already, until it is opened `here`.
    """
    if in_kernel(front.shell):
        return NotebookDisplay(front, feed, received, is_shown=is_shown)
    return TerminalDisplay(feed.view)


def show_markdown(shell: InteractiveShell, markdown: str, plain: str) -> None:
    """Show a finished text of our own. `markdown` is safe already; of `plain` no control character reaches a terminal."""
    if in_kernel(shell):
        publisher(shell)({"text/markdown": markdown, "text/plain": terminal_safe(plain)}, uuid.uuid4().hex, False)
    else:
        sys.stdout.write(terminal_safe(plain) + "\n")


@dataclass(slots=True)
class Pace:
    """When a text that is sent whole is worth sending again: all sendings together stay in proportion to the text.

    Attributes:
        growth: the part of itself by which the text must have grown.
        patience: seconds after which it is sent in any case.
    """

    growth: float = 1 / 64
    patience: float = 2.0
    _size: int = 0
    _at: float = 0.0

    def due(self, size: int, now: float) -> bool:
        """True if the text should be sent at this moment.

        Args:
            size: of the text by now, in characters.
            now: in seconds, on a clock that only goes forward.
        """
        if size - self._size < self._size * self.growth and now - self._at < self.patience:
            return False
        self._size, self._at = size, now
        return True


@dataclass(slots=True)
class _Output:
    """One output that shows the turn."""

    display_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_shown: bool = False


class NotebookDisplay:
    """A turn under one display id, live in three ways at once: deltas to our extension, deltas to our widget, and repainting.

    A painter thread sends, at most 20 messages a second, so that the newest words and the waiting time appear even while the
    model is silent. Where neither extension nor widget is known to show the turn, it is repainted whole, at its `Pace`. Where
    output cannot be sent from a thread, as under `%%capture`, the turn is shown once, when it is over.
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
        self._closed = threading.Event()
        self._markdown: str | None = None
        self._painter: threading.Thread | None = None

    def open(self, *, here: bool = False) -> None:
        if here and all(output.is_shown for output in self._outputs):
            self._outputs = [*self._outputs[1 - _MOST_OUTPUTS :], _Output()]
        self._closed.clear()
        publish = threadsafe_publisher(self._front.shell)
        if publish is None:
            return
        # What the cell has printed before stands above.
        sys.stdout.flush()
        sys.stderr.flush()
        if self._front.wants_widget and self._widget is None:
            self._widget = self._made_widget()
        senders = self.senders()
        is_live = self._front.extension or self._widget is not None
        pace = Pace(1.0, math.inf) if is_live else Pace()
        began = self._clock() - self._feed.view.seconds
        self._painter = threading.Thread(
            target=self._paint, args=(publish, senders, pace, began), name="llm_notebook painter", daemon=True
        )
        self._painter.start()

    def changed(self) -> None:
        self._wake.set()

    def close(self) -> None:
        self._closed.set()
        self._wake.set()
        if self._painter is not None:
            self._painter.join()
            self._painter = None
        view = self._feed.view
        # What fails at once shows its error alone, without an empty output above it.
        if self._markdown is not None or view.blocks or view.state != "failed":
            self.refresh()

    def refresh(self) -> None:
        is_paused = self._feed.view.state == "paused"
        if self._widget is None and self._front.wants_widget and is_paused:
            self._widget = self._made_widget()
        elif self._widget is not None and not (is_paused and self._front.wants_widget) and not self._widget.is_revived:
            self._widget.close()
            self._widget = None
        # Under %%capture and the like, nobody but the captor sees it.
        is_seen = threadsafe_publisher(self._front.shell) is not None
        document = self._feed.document()
        self._show(publisher(self._front.shell), document, self._widget if is_paused else None)
        if is_seen:
            record = {"type": "record", "document": document, "bundle": self._bundle(document, None)}
            for send in self.senders():
                send(record)

    def leave(self) -> None:
        if self._widget is not None:
            self._widget.close()
            self._widget = None
            self._show(publisher(self._front.shell), self._feed.document(), None)

    def _made_widget(self) -> TranscriptWidget:
        from llm_notebook.notebook.frontend.widget import TranscriptWidget  # loads ipywidgets

        return TranscriptWidget(self._front.shell, self._feed.document, self._received)

    def senders(self) -> list[Sender]:
        widget = None if self._widget is None else self._widget.sender()
        return [sender for sender in (self._front.broadcaster(), widget) if sender is not None]

    def _paint(self, publish: Publish, senders: list[Sender], pace: Pace, began: float) -> None:
        self._wake.wait(timeout=_BEFORE_WAITING_SHOWS)
        opened, reminder = self._clock(), _FIRST_REMINDER
        while not self._closed.is_set():
            self._wake.clear()
            view = self._feed.view
            is_counted = view.silent or bool(view.notice)
            if is_counted:
                view.seconds = self._clock() - began
            sent = self._tell(senders)
            if self._clock() - opened >= reminder:
                # A page that was loaded meanwhile has only what was saved, and the kernel is too busy to be asked.
                reminder *= _REMINDERS_APART
                sent += self._send(senders, {"type": "state", "document": self._feed.document()})
            if is_counted or pace.due(view.size, self._clock()):
                sent += self._show_if_new(publish, is_rare=math.isinf(pace.patience))
            self._closed.wait(_SHORTEST_INTERVAL * max(1, sent))
            self._wake.wait(timeout=1.0)

    def _tell(self, senders: list[Sender]) -> int:
        """Send what is new to everyone who follows; returns how many messages that took."""
        message = self._feed.next() if senders else None
        return 0 if message is None else self._send(senders, message)

    def _send(self, senders: list[Sender], message: dict[str, Any]) -> int:
        for send in senders:
            send(message)
        return len(senders)

    def _show_if_new(self, publish: Publish, *, is_rare: bool) -> int:
        if is_rare and (self._feed.view.silent or self._feed.view.notice) and self._markdown is not None:
            return 0
        if markdown_of(self._feed.view) == self._markdown and all(output.is_shown for output in self._outputs):
            return 0
        self._show(publish, self._feed.document(), self._widget, is_plain_too=is_rare)
        return len(self._outputs)

    def _show(
        self, publish: Publish, document: dict[str, Any], widget: TranscriptWidget | None, *, is_plain_too: bool = True
    ) -> None:
        bundle = self._bundle(document, widget)
        if not is_plain_too:
            # For viewers of the saved notebook, who see what comes last.
            del bundle["text/plain"]
        self._markdown = bundle["text/markdown"]
        for output in self._outputs:
            publish(bundle, output.display_id, output.is_shown)
            output.is_shown = True

    def _bundle(self, document: dict[str, Any], widget: TranscriptWidget | None) -> Bundle:
        view = self._feed.view
        advice = self._front.advice if view.state == "paused" else ""
        bundle: Bundle = {
            MIME_TYPE: document,
            "text/markdown": f"{markdown_of(view)}\n\n{advice}".rstrip(),
            "text/plain": f"{plain_of(view)}\n\n{advice}".rstrip(),
        }
        if widget is not None:
            bundle[_WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        return bundle
