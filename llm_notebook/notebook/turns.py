"""The turns of this kernel that can be shown, decided about and gone on with, whoever asks: a cell, a button or a magic."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.identifiers import new_tool_call_id
from llm_notebook.notebook.display import AnswerDisplay, answer_display
from llm_notebook.notebook.errors import CellHalted
from llm_notebook.notebook.feed import Feed
from llm_notebook.notebook.frontend import FrontEnd
from llm_notebook.notebook.kernel import Request, current_request, held_interrupts, is_interactive
from llm_notebook.tools import PauseChain
from llm_notebook.transcript.requests import full_value
from llm_notebook.transcript.view import State, TranscriptView

__all__ = ["Ask", "LiveTurn", "LiveTurns", "OnPause", "Settled"]

OnPause = Literal["stop", "continue"]
_MOST_KEPT = 32
_CELLS_BELOW = "Cells below did not run."

Ask = Callable[["LiveTurn", PauseChain], Any]
"""Asks a human on the spot, by keyboard: returns the continuation to read on, or None to leave the question open."""
Settled = Callable[["LiveTurn", Any], None]
"""Told when a run of a turn is over or paused, before its record is shown: (the turn, the response that was read)."""


@dataclass(slots=True, eq=False)
class LiveTurn:
    """One transcript: what is shown of it, and how it is gone on with.

    Attributes:
        view: what it shows; change it only while it is not running, and then call `LiveTurns.refresh()`.
        feed: numbers what changes in it.
        display: shows it.
        context: whatever the magic that asked wants to find again when the turn settles; None if it was read from the journal.
        request: the request of the cell that shows it; None in a terminal, or if that was in another kernel.
        pause: what it waits for, None while it runs and when it is over.
    """

    view: TranscriptView
    feed: Feed
    display: AnswerDisplay
    context: Any = None
    request: Request | None = None
    pause: PauseChain | None = None


@dataclass(slots=True, eq=False)
class LiveTurns:
    """The turns of one shell.

    Attributes:
        shell: where they are shown.
        settled: what the magics do when a run is over: the conversation, `--out`, remarks in `turn.view`.
        on_pause: whether a pause stops the cells that are queued below.
    """

    shell: InteractiveShell
    settled: Settled
    on_pause: OnPause = "stop"
    front: FrontEnd = field(init=False)
    turns: dict[str, LiveTurn] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    received: Callable[[dict[str, Any]], None] = lambda _message: None

    def __post_init__(self) -> None:
        self.front = FrontEnd(self.shell)

    def show(self, response: Any, view: TranscriptView, *, context: Any = None, ask: Ask | None = None) -> LiveTurn:
        """Read a response or a chain into the running cell, from its first moment to its end or its first open question.

        Args:
            response: a Response or a ChainResponse that nobody has read yet.
            view: an empty view of it.
            context: kept as `LiveTurn.context`.
            ask: asks the human by keyboard at a pause, for terminals and `--wait`; without it a pause ends the cell with buttons.

        Returns:
            The turn, done or (where `on_pause` is "continue") paused.

        Raises:
            CellHalted: ■ was pressed, or the turn is paused and the cells below must not run. All is shown already.
            PauseChain: paused, and no human can decide here (nbclient, papermill).
            Exception: what ended the response; what had arrived is shown and kept.
        """
        view.id = view.id or new_tool_call_id()
        turn = self._made(view, context)
        turn.request = current_request(self.shell)
        stops = ask is None and self.on_pause == "stop" and is_interactive(self.shell)
        self._run(turn, response, ask, remark=_CELLS_BELOW if stops else "")
        return turn

    def _run(
        self, turn: LiveTurn, response: Any, ask: Ask | None = None, *, here: bool = False, remark: str = ""
    ) -> None:
        """Read to the end, or to the first question that stays open; `remark` is then told with it."""
        while True:
            self._read(turn, response, here=here, remark=remark)
            if turn.pause is None:
                return
            answer = ask(turn, turn.pause) if ask is not None else None
            if answer is None:
                break
            response = answer
        if not is_interactive(self.shell):
            # Where nobody can decide, the pause is an error like any other; what it came through says nothing to a reader.
            raise turn.pause.with_traceback(None)
        if self.on_pause == "stop":
            raise CellHalted("Waiting for your approval.")

    def _read(self, turn: LiveTurn, response: Any, *, here: bool, remark: str) -> None:
        view, display = turn.view, turn.display
        began = time.monotonic() - view.seconds
        state: State = "failed"
        pause: PauseChain | None = None

        def retrying(retry: Any) -> None:
            view.notice = f"{retry.reason}. Trying again, {retry.attempt} of {retry.of}."
            display.changed()

        def call_changed(change: Any) -> None:
            view.call_changed(change, time.monotonic() - began)
            display.changed()

        response.on_retry = retrying
        response.on_call = call_changed
        view.remarks = [said for said in view.remarks if said != _CELLS_BELOW]
        view.begin(view.seconds)
        try:
            display.open(here=here)
            for event in response.stream_events():
                view.feed(event, time.monotonic() - began)
                display.changed()
            state = "done"
        except PauseChain as error:
            pause = error
            state = "paused"
        except KeyboardInterrupt:
            state = "interrupted"
            if hasattr(response, "close"):
                with suppress(KeyboardInterrupt):
                    response.close()
        finally:
            with held_interrupts() as pressed:
                view.end(state, time.monotonic() - began)
                if state == "paused" and remark:
                    view.remarks = [*view.remarks, remark]
                self.settled(turn, response)
                turn.pause = pause
                display.close()
        if state == "interrupted" or pressed:
            raise CellHalted("Stopped by you.")

    def _made(self, view: TranscriptView, context: Any) -> LiveTurn:
        """A turn that is known from now on. The oldest of those that are over are forgotten."""
        feed = Feed(view)
        turn = LiveTurn(view, feed, answer_display(self.front, feed, self._received), context)
        with self._lock:
            for known in [known for known in self.turns.values() if known.view.is_over][:-_MOST_KEPT]:
                del self.turns[known.view.id]
            self.turns[view.id] = turn
        return turn

    def known(self, transcript: str, *, request: str = "") -> LiveTurn | None:
        """The turn with this id, read from the journal where this kernel does not know it; None where nobody does.

        Args:
            transcript: the turn's id.
            request: one of its questions, by which the journal finds it.
        """
        return self.turns.get(transcript)

    def clicked(self, turn: LiveTurn, action: dict[str, Any]) -> Callable[[], Any] | None:
        """Note what a reader asked for, the first of several to do so.

        Returns:
            What makes the response to read on, None where there is nothing to do: the reader then sees how things stand.
        """
        with self._lock:
            pause, turn.pause = turn.pause, None
        if pause is None:
            self.tell({"type": "state", "document": turn.feed.document()}, turn)
            return None
        paused = pause.paused
        return lambda: paused.decide(action["verdict"], said=action.get("text", ""))

    def go_on_with(self, turn: LiveTurn, resume: Callable[[], Any], *, here: bool = False) -> None:
        """Go on with a turn in the running cell.

        Args:
            turn: not running, and nobody else goes on with it.
            resume: makes the response to read.
            here: show the turn in the running cell as well, in an output of its own.
        """
        turn.request = current_request(self.shell)
        self._run(turn, resume(), here=here)

    def _received(self, message: dict[str, Any]) -> None:
        self.received(message)

    def tell(self, message: dict[str, Any], turn: LiveTurn | None = None) -> None:
        """Tell something to every page that shows transcripts of this kernel."""
        for send in (self.front.broadcaster(),) if turn is None else turn.display.senders():
            if send is not None:
                send(message)

    def front_end_changed(self) -> None:
        """More is known of the front end: what waits for a click is shown as it can be clicked there."""
        for turn in list(self.turns.values()):
            if turn.pause is not None:
                turn.display.refresh()

    def leave(self) -> None:
        """Leave only records: the turns are gone on with elsewhere, if at all."""
        for turn in self.turns.values():
            turn.display.leave()
        self.turns.clear()

    def value(self, request: str, name: str) -> str | None:
        """The whole of an argument that a reader is asked about, None if there is no such question."""
        for turn in list(self.turns.values()):
            block = turn.view.call(request)
            if block is not None and block.request is not None:
                return full_value(block.request, name)
        return None

    def revoke(self, transcript: str, grant: str) -> None:
        """Take an "always allow" back."""

    def show_again(self, turn_id: str, context: Any = None) -> LiveTurn:
        """Show a turn of the journal in the running cell, with the buttons of its open questions; the model is not asked.

        Raises:
            CellHalted: it waits for a human, and the cells below must not run.
        """
        raise NotImplementedError(turn_id)

    def decide(self, call_id: str, verdict: str, **decided: Any) -> LiveTurn:
        """Decide about a waiting call by a magic (`%llm approve`, `%llm deny`) and go on in the running cell.

        The transcript is shown in the running cell too; wherever else it is shown, it changes there as well.

        Args:
            call_id: any part of the id that fits one waiting call.
            verdict: "approved", "denied", "answered" or "abandoned".
            decided: `text` (reason or answer), `arguments` (edited ones).

        Raises:
            CellError: there is no such question any more, or its tool is not defined here.
        """
        raise NotImplementedError(call_id)

    def go_on(self, call_or_turn_id: str) -> LiveTurn:
        """Go on in the running cell with what was decided or stopped (`%llm resume`)."""
        raise NotImplementedError(call_or_turn_id)
