"""Shows a turn while it streams: in a notebook as a single output that is updated, in a terminal or a console as plain text.

A turn may be followed in three ways at once, and the kernel seldom knows which of them a reader is using before the first words
arrive:

1. Our Lab extension receives numbered deltas by comm (`FrontEnd.broadcaster()`).
2. Our widget receives the same deltas as widget state.
3. Everything else (Colab before its widgets load, nbclient, the saved file) has only the output itself, which is repainted as a whole.

A delta costs only what is new. A repaint costs the whole text, so repaints follow a `Pace`: there is one only when the text has grown by a
share of itself, or after some seconds, and only as long as all repaints together stay below a bound. While one of the first two ways is
known to work, repaints are rare, and serve only to keep the saved notebook useful if the kernel dies. So the contents of a long answer
are sent about twice: once in deltas, and once in the bundle that ends the run.

A painter thread does the sending. The thread that reads the chain only sets an event per chunk (`changed`). So a chunk costs next to
nothing, a fast stream is combined into 20 messages a second (Jupyter's server drops messages above a certain rate), and the display stays
alive (the seconds count, "Trying again in 3 s") while the model is silent and the reading thread is blocked. The painter uses
functions that were bound to the cell when the run began; `frontend/kernel.py` says why. Where output cannot be sent from a thread,
as under `%%capture`, there is no painter, and the turn is shown once, when it is over.

What stays in the notebook is the *record*: the MIME bundle of the last `refresh()`, without anything live. A widget is part of
it only while the turn waits for a click, because ipywidgets would otherwise keep every finished answer in the kernel's memory. Pages
that follow the turn are sent the record as well, since a page that was loaded during the run gets no updates of the output. Unless the
record is short, they are sent only its number (`settled`), and a page that does not have the record asks for it.
"""

from __future__ import annotations

import math
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from llm_notebook.notebook.display.feed import Feed
from llm_notebook.notebook.display.pace import Pace, Reminders, SteadyPace
from llm_notebook.notebook.display.silence import Silence
from llm_notebook.notebook.display.terminal import TerminalDisplay, has_colours
from llm_notebook.notebook.frontend.bus import Sender
from llm_notebook.notebook.frontend.frontend import FrontEnd
from llm_notebook.notebook.frontend.kernel import (
    Publish,
    is_console,
    is_in_output_widget,
    publisher,
    threadsafe_publisher,
)
from llm_notebook.transcript.deltas import DeltaWriter
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.saved import is_long, saved_bundle

if TYPE_CHECKING:
    from llm_notebook.notebook.frontend.widget import TranscriptWidget
    from llm_notebook.transcript.blocks import CallBlock

__all__ = ["AnswerDisplay", "NotebookDisplay", "answer_display"]

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
_BEFORE_WAITING_SHOWS = 0.15  # seconds
_SHORTEST_INTERVAL = 0.05  # seconds
_LONG = 2**20  # bytes; about an answer of this size, messages are half as frequent, and each holds more
_BAR_INTERVAL = 0.25  # seconds between the messages about a bar
# How often an output with a bar is repainted at first: if pages follow the turn anyway, and if the output is all there is.
_BAR_FOLLOWED, _BAR_ALONE = 5.0, 0.5  # seconds
_SHORT_RECORD = 2**16  # bytes
# How many bytes the repaints of a run may take: if pages follow the turn, if they may do so, and if the output is all there is.
_FOLLOWED, _PERHAPS_FOLLOWED, _ALONE = 400_000, 900_000, 3_500_000
# How much must be new for a repaint that perhaps nobody sees. It is more than usual, so that the bytes suffice for a longer answer.
_PERHAPS_SEEN = 1 / 16
# Each run of the cell with `%llm resume` adds an output, and each output is repainted.
_MOST_OUTPUTS = 4

Bundle = dict[str, Any]


class AnswerDisplay(Protocol):
    """Shows one turn, which may take several runs. The caller feeds the view and says when it has changed."""

    def open(self, *, here: bool = False) -> None:
        """Begin a run: show that something is under way.

        Args:
            here: add an output in the running cell, even if the turn is shown elsewhere already.
        """

    def changed(self) -> None:
        """Note that the view has changed. This is cheap enough to be called for every chunk."""

    def printed(self, block: CallBlock, text: str | None) -> None:
        """Note that a call has printed a text, or, if the text is None, that it has cleared what it had printed."""

    def close(self) -> None:
        """End the run: show the turn in its final form."""

    def refresh(self) -> None:
        """Show a change that was made between two runs in every output of the turn."""

    def leave(self) -> None:
        """Reduce the outputs to the turn's record, because this kernel will not continue it."""

    def senders(self) -> list[Sender]:
        """Return functions that send a message to every page that follows the turn, on behalf of the running cell."""

    def record_message(self) -> dict[str, Any] | None:
        """Return the message that tells a page what to keep in the notebook; None if there is no notebook."""


def answer_display(
    front: FrontEnd, feed: Feed, received: Callable[[dict[str, Any]], None], *, is_shown: bool = True
) -> AnswerDisplay:
    """Return the display that suits the front end.

    Args:
        front: the front end that shows the turn.
        feed: the turn's messages.
        received: called with what a reader does in a widget.
        is_shown: whether the turn has an output in the running cell. If not, only pages that show it already are kept up to
            date, until it is opened with `here`.
    """
    # Pages that follow the turns of this kernel are told of those of a console, too.
    is_written = is_shown and _only_appends(front) and not front.extension and not _has_bar(feed)
    if front.is_notebook and not is_written:
        return NotebookDisplay(front, feed, received, is_shown=is_shown)
    return TerminalDisplay(feed.view, is_coloured=has_colours(front.shell), explains=front.is_notebook)


def _only_appends(front: FrontEnd) -> bool:
    return bool(front.prompts) and front.only_appends


def _has_bar(feed: Feed) -> bool:
    beside = feed.view.beside
    return beside is not None and beside.make_job is not None


@dataclass(slots=True)
class _Output:
    """One output that shows the turn, and whether it has been sent to the front end."""

    display_id: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_shown: bool = False


class NotebookDisplay:
    """Shows a turn in a notebook, as the module's docstring describes.

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
        # This is called for every chunk.
        self.changed: Callable[[], None] = self._wake.set
        self._closed = threading.Event()
        self._words: str | None = None
        # Whether a console shows the outputs, each as it is first sent. So only the one that is complete has text for it.
        self._only_appends = False
        self._painter: threading.Thread | None = None

    def open(self, *, here: bool = False) -> None:
        if here and all(output.is_shown for output in self._outputs):
            self._outputs = [*self._outputs[1 - _MOST_OUTPUTS :], _Output()]
        self._closed.clear()
        self._only_appends = _only_appends(self._front)
        publish = threadsafe_publisher(self._front.shell)
        if publish is None or (not self._front.extension and is_in_output_widget(self._front.shell)):
            return
        # What the cell has printed so far is to appear above the answer.
        sys.stdout.flush()
        sys.stderr.flush()
        if self._widget is None and self._front.wants_widget:
            self._widget = self._make_widget()
        senders = self._front.senders(self._widget)
        is_followed = self._front.extension is True or self._widget is not None
        pace: Pace
        beside = self._feed.view.beside
        if beside is not None and beside.job is not None:
            pace = SteadyPace(interval=_BAR_FOLLOWED if is_followed else _BAR_ALONE)
        elif is_followed:
            pace = Pace(3.0, math.inf, _FOLLOWED)
        else:
            pace = Pace(_PERHAPS_SEEN, most=_PERHAPS_FOLLOWED) if senders else Pace(most=_ALONE)
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
        if view.beside is not None:
            view.beside.renew_job()
        # A turn that fails at once shows its error alone, without an empty output above it.
        is_shown = (
            self._words is not None
            or view.blocks
            or view.problem is not None
            or (view.beside is not None and view.beside.job is not None)
        )
        if is_shown or view.state != "failed":
            self.refresh()

    def refresh(self) -> None:
        is_paused = self._feed.view.state == "paused"
        shell, widget = self._front.shell, self._widget
        # Captured output is not for the pages that follow the turn.
        is_seen, publish = threadsafe_publisher(shell) is not None, publisher(shell)
        senders = self._front.senders(self._widget) if is_seen else []
        record = self._record()
        self._tell_rest(senders)
        if is_paused and self._widget is None and self._front.wants_widget:
            self._widget = self._make_widget()
        elif self._widget is not None and not (is_paused and self._front.wants_widget) and not self._widget.is_revived:
            # A revived widget stays: the reloaded page shows it, and no update of the output reaches that page.
            self._widget.close()
            self._widget = None
        may_ignore_updates = not self._front.extension and (is_console(shell) or is_in_output_widget(shell))
        if may_ignore_updates or _only_appends(self._front):
            # What was shown before stays as it was, and cannot be updated.
            self._outputs = [_Output(output.display_id) for output in self._outputs[-1:]]
        self._show(publish, record, self._widget if is_paused else None)
        if is_seen and self._widget is not widget:
            senders = self._front.senders(self._widget)
        is_short = self._feed.view.written < _SHORT_RECORD
        self._send(senders, _record_message(record) if is_short else _settled_message(record))

    def leave(self) -> None:
        if self._widget is not None:
            self._widget.close()
            self._widget = None
            self._show(publisher(self._front.shell), self._record(), None)

    def record_message(self) -> dict[str, Any]:
        return _record_message(self._record())

    def _make_widget(self) -> TranscriptWidget:
        from llm_notebook.notebook.frontend.widget import TranscriptWidget  # loads ipywidgets

        return TranscriptWidget(self._front.shell, self._feed.document, self._received)

    def senders(self) -> list[Sender]:
        return self._front.senders(self._widget)

    def _paint(self, publish: Publish, senders: list[Sender], pace: Pace, began: float) -> None:
        """Send what changes until the run is over; the body of the painter thread."""
        # An answer that comes at once should not be preceded by a flash of "Waiting for …".
        self._wake.wait(timeout=_BEFORE_WAITING_SHOWS)
        opened, reminders = self._clock(), Reminders()
        silence = Silence(self._feed.view, opened)
        while not self._closed.is_set():
            self._wake.clear()
            view = self._feed.view
            view.show_printed(self._clock())
            silence.look(self._clock())
            is_counted = view.silent or bool(view.notice)
            has_bar = _has_bar(self._feed)
            if view.beside is not None:
                view.beside.renew_job()
            if is_counted or has_bar:
                view.seconds = self._clock() - began
            sent = self._tell(senders)
            if senders and reminders.due(self._clock() - opened, view.written):
                sent += self._send(senders, {"type": "state", "document": self._feed.document()})
            cost = view.written if is_long(view.written) else 2 * view.written
            is_due = pace.due(view.written, self._clock(), cost)
            if is_counted or is_due:
                sent += self._show_if_new(publish, senders, pace, cost if is_due else 0)
            sent += self._show_beginning(publish)
            # 20 messages a second, however many pages and outputs each change is sent to.
            shortest = _BAR_INTERVAL if has_bar else _SHORTEST_INTERVAL * max(1, sent) * (1 + view.written / _LONG)
            self._closed.wait(shortest)
            # Seconds are counted on screen, so there is something to paint every second.
            self._wake.wait(timeout=1.0)

    def _tell(self, senders: list[Sender]) -> int:
        """Send what is new to every page that follows the turn. Return the number of messages sent."""
        message = self._feed.next() if senders else None
        return 0 if message is None else self._send(senders, message)

    def _tell_rest(self, senders: list[Sender]) -> int:
        """Send the part of the latest document that has not been sent yet, so that no update of an output is ahead of the pages."""
        sent = 0
        for message in self._feed.rest() if senders else ():
            sent += self._send(senders, message)
        return sent

    def _send(self, senders: list[Sender], message: dict[str, Any]) -> int:
        for send in senders:
            send(message)
        return len(senders)

    def _show_if_new(self, publish: Publish, senders: list[Sender], pace: Pace, cost: int) -> int:
        """Repaint the outputs unless they are up to date. Return the number of messages sent.

        Args:
            cost: how many bytes this may take, roughly; 0 if it only shows that nothing is arriving.
        """
        is_rare = math.isinf(pace.patience)
        # "Waiting for …" need not be counted in the saved notebook.
        if is_rare and (self._feed.view.silent or self._feed.view.notice) and self._words is not None:
            return 0
        record = self._record(has_plain=is_rare and not self._only_appends)
        sent = self._tell_rest(senders)
        words = _words(record)
        if words == self._words and all(output.is_shown for output in self._outputs):
            return sent
        if len(words) > cost + _SHORT_RECORD:
            # Much may have arrived since the repaint was decided on.
            return sent
        pace.spent += cost
        self._show(publish, record, self._widget)
        return sent + len(self._outputs)

    def _show_beginning(self, publish: Publish) -> int:
        """Make the outputs that are not there yet, because more has arrived at once than a repaint may take. Return the number of messages sent.

        Pages that follow the turn draw in them what they have been told.
        """
        missing = [output for output in self._outputs if not output.is_shown]
        if missing:
            view = self._feed.beginning()
            record = saved_bundle(view, DeltaWriter(view).full(), has_plain=not self._only_appends)
            self._publish(publish, record, self._widget, missing)
        return len(missing)

    def _show(self, publish: Publish, record: Bundle, widget: TranscriptWidget | None) -> None:
        self._words = _words(record)
        self._publish(publish, record, widget, self._outputs)

    def _publish(
        self, publish: Publish, record: Bundle, widget: TranscriptWidget | None, outputs: Sequence[_Output]
    ) -> None:
        bundle = record
        if widget is not None:
            view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
            bundle = {**record, _WIDGET_VIEW: view}
        for output in outputs:
            publish(bundle, output.display_id, output.is_shown)
            output.is_shown = True

    def _record(self, *, has_plain: bool = True) -> Bundle:
        """Return the bundle of the turn without anything live."""
        view = self._feed.view
        advice = self._front.advice if view.state == "paused" else ""
        return saved_bundle(view, self._feed.document(), advice, has_plain=has_plain)


def _words(record: Bundle) -> str:
    """Return the text of a record for viewers that do not know our transcripts."""
    return str(record.get("text/markdown") or record["text/plain"])


def _record_message(record: Bundle) -> dict[str, Any]:
    return {"type": "record", "document": record[MIME_TYPE], "bundle": record}


def _settled_message(record: Bundle) -> dict[str, Any]:
    document = record[MIME_TYPE]
    return {"type": "settled", "id": document["id"], "seq": document["seq"]}
