"""The turns of this kernel that can be shown, decided about and gone on with, whoever asks: a cell, a button or a magic."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.journal.operations import CallEntry, TurnEntry
from llm_notebook.notebook.display.feed import Feed
from llm_notebook.notebook.display.notebook import AnswerDisplay, answer_display
from llm_notebook.notebook.errors import CellHalted
from llm_notebook.notebook.frontend.frontend import FrontEnd
from llm_notebook.notebook.frontend.kernel import Request, current_request, held_interrupts, is_interactive
from llm_notebook.notebook.recalling import is_open, paused_chain, rounds_named
from llm_notebook.parts.identifiers import new_id
from llm_notebook.providers.catalog.costs import Cost, cost_of, is_billed, total
from llm_notebook.tools.calls import PauseChain
from llm_notebook.transcript.reloading import view_of_turns
from llm_notebook.transcript.requests import full_value
from llm_notebook.transcript.view import State, TranscriptView, add_usage
from llm_notebook.turns.pauses import PausedChain

__all__ = ["AskHuman", "LiveTurn", "LiveTurns", "OnPause", "Settled"]

OnPause = Literal["stop", "continue"]
_MOST_KEPT = 32
_CELLS_BELOW = "Cells below did not run."
_STOPPED = "■ Stopped by you while a tool was running."

AskHuman = Callable[["LiveTurn", PauseChain], Any]
"""Asks a human on the spot, by keyboard: returns the continuation to read on, or None to leave the question open."""
Settled = Callable[["LiveTurn", Any], None]
"""Told when a run of a turn is over or paused, before its record is shown: (the turn, the chain that was read)."""


@dataclass(slots=True, eq=False)
class LiveTurn:
    """One transcript: what is shown of it, and how it is gone on with.

    Attributes:
        view: what it shows; change it only while it is not running, and then call `display.refresh()`.
        feed: numbers what changes in it.
        display: shows it.
        context: whatever the magic that asked wants to find again when the turn settles; None if it was read from the journal.
        request: the request of the cell that shows it; None in a terminal, or if that was in another kernel.
        chain: what was read of it last; None if that was in another kernel.
        paused: where it is gone on with, None while it runs and where it is over.
        rounds: its rounds in the journal, where this kernel has only read them there.
        is_running: somebody goes on with it right now.
        costs: of its finished rounds in this kernel.
    """

    view: TranscriptView
    feed: Feed
    display: AnswerDisplay
    context: Any = None
    request: Request | None = None
    chain: Any = None
    paused: PausedChain | None = None
    rounds: Sequence[TurnEntry] = ()
    is_running: bool = False
    costs: list[Cost] = field(default_factory=list)

    @property
    def is_waiting(self) -> bool:
        """A human is to decide something about it."""
        return not self.is_running and (self.paused is not None or bool(self.rounds)) and self.view.state == "paused"


@dataclass(slots=True, eq=False)
class LiveTurns:
    """The turns of one shell.

    Attributes:
        shell: where they are shown.
        settled: what the magics do when a run is over: the conversation, `--out`, remarks in `turn.view`.
        on_pause: whether a pause stops the cells that are queued below.
        front: what is known of the front end.
        turns: the turns that are known, by the id of their transcript.
        received: called with what a reader does in a widget.
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

    def show(self, chain: Any, view: TranscriptView, *, context: Any = None, ask: AskHuman | None = None) -> LiveTurn:
        """Read a chain into the running cell, from its first moment to its end or its first open question.

        Args:
            chain: a ChainResponse that nobody has read yet.
            view: an empty view of it.
            context: kept as `LiveTurn.context`.
            ask: asks the human by keyboard at a pause, for terminals and `--wait`; without it a pause ends the cell with buttons.

        Returns:
            The turn, done or (where `on_pause` is "continue") paused.

        Raises:
            CellHalted: ■ was pressed, or the turn is paused and the cells below must not run. All is shown already.
            PauseChain: paused, and no human can decide here (nbclient, papermill).
            Exception: what ended the chain; what had arrived is shown and kept.
        """
        view.id = view.id or chain.log.chain_id or new_id()
        chain.log.chain_id = view.id
        turn = self._made(view, context)
        stops = ask is None and self.on_pause == "stop" and is_interactive(self.shell)
        self._run(turn, chain, ask, remark=_CELLS_BELOW if stops else "")
        return turn

    def go_on_with(
        self, turn: LiveTurn, resume: Callable[[], Any], *, here: bool = False, ask: AskHuman | None = None
    ) -> None:
        """Go on with a turn in the running cell.

        Args:
            turn: not running.
            resume: makes the chain to read.
            here: show the turn in the running cell as well, in an output of its own.
            ask: as for `show()`.
        """
        self._run(turn, resume(), ask, here=here)

    def show_again(self, turn: LiveTurn) -> None:
        """Show a turn in the running cell, with the buttons of its open questions; the model is not asked.

        Raises:
            CellHalted: it waits for a human, and the cells below must not run.
        """
        turn.request = current_request(self.shell)
        turn.display.open(here=True)
        turn.display.close()
        self._stop_queue(turn)

    def known(self, transcript: str, *, request: str = "") -> LiveTurn | None:
        """The turn with this id, read from the journal where this kernel does not know it; None where nobody does.

        Args:
            transcript: the turn's id.
            request: one of its questions, by which the journal finds it.
        """
        found = self.turns.get(transcript)
        if found is None and (rounds := rounds_named(transcript, request)):
            found = self.turns.get(rounds[0].begun.chain_id) or self.reopened(rounds)
        return found

    def reopened(self, rounds: Sequence[TurnEntry]) -> LiveTurn:
        """A turn that the journal has, shown nowhere yet by this kernel."""
        view = view_of_turns(rounds)
        turn = self._made(view, None, is_shown=False)
        turn.rounds = rounds if is_open(rounds) or view.state in ("interrupted", "failed") else ()
        return turn

    def where_it_goes_on(self, turn: LiveTurn) -> PausedChain | None:
        """What goes on with a turn, with the tools as they are defined now where it comes from another kernel."""
        if turn.paused is None and turn.rounds:
            return paused_chain(turn.rounds, self.shell.user_ns)
        return turn.paused

    def tell(self, message: dict[str, Any], turn: LiveTurn | None = None) -> None:
        """Tell something to every page that shows transcripts of this kernel."""
        for send in (self.front.broadcaster(),) if turn is None else turn.display.senders():
            if send is not None:
                send(message)

    def tell_state(self, turn: LiveTurn) -> None:
        """Tell whoever shows a turn how it stands."""
        self.tell({"type": "state", "document": turn.feed.document()}, turn)

    def front_end_changed(self) -> None:
        """More is known of the front end: what waits for a click is shown as it can be clicked there."""
        for turn in list(self.turns.values()):
            if turn.is_waiting:
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

    def _run(
        self, turn: LiveTurn, chain: Any, ask: AskHuman | None = None, *, here: bool = False, remark: str = ""
    ) -> None:
        """Read to the end, or to the first question that stays open; `remark` is then told with it."""
        turn.request = current_request(self.shell)
        while True:
            pause = self._read(turn, chain, here=here, remark=remark)
            if pause is None:
                return
            answer = ask(turn, pause) if ask is not None else None
            if answer is None:
                break
            chain = answer
        if not is_interactive(self.shell):
            # Where nobody can decide, the pause is an error like any other; what it came through says nothing to a reader.
            raise pause.with_traceback(None)
        self._stop_queue(turn)

    def _stop_queue(self, turn: LiveTurn) -> None:
        if turn.view.state == "paused" and self.on_pause == "stop":
            raise CellHalted("Waiting for your approval.")

    def _read(self, turn: LiveTurn, chain: Any, *, here: bool, remark: str) -> PauseChain | None:
        """Read a chain as far as it comes; returns the pause that ended it, if one did."""
        view, display = turn.view, turn.display
        began = time.monotonic() - view.seconds
        state: State = "failed"
        pause: PauseChain | None = None

        def retrying(retry: Any) -> None:
            view.seconds = time.monotonic() - began
            view.show_notice(f"{retry.reason}.", retry.delay, f"Try {retry.attempt} of {retry.of}.")
            display.changed()

        def call_changed(entry: CallEntry) -> None:
            view.update_call(entry, time.monotonic() - began)
            display.changed()

        chain.on_retry = retrying
        chain.log.on_call = call_changed
        view.remarks = [said for said in view.remarks if said not in (_CELLS_BELOW, _STOPPED)]
        view.begin(view.seconds)
        turn.is_running, turn.paused, turn.rounds = True, None, ()
        turn.chain = chain
        was_stopped, fed = False, 0
        try:
            display.open(here=here)
            for event in chain.stream_events():
                # Wherever ■ strikes, it is known which events the reader has seen.
                with held_interrupts() as pressed:
                    view.feed(event, time.monotonic() - began)
                    fed += 1
                if pressed:
                    raise KeyboardInterrupt
                display.changed()
            state = "done"
        except PauseChain as error:
            pause, state = error, "paused"
        except KeyboardInterrupt:
            was_stopped = True
            pause = self._question_left_by(chain)
            # What had arrived is kept, so it is shown.
            for event in islice(chain.arrived_events(), fed, None):
                view.feed(event, time.monotonic() - began)
            state, remark = ("interrupted", "") if pause is None else ("paused", _STOPPED)
        finally:
            with held_interrupts() as pressed:
                view.end(state, time.monotonic() - began)
                if state == "paused" and remark:
                    view.remarks = [*view.remarks, remark]
                _account(turn, chain)
                self.settled(turn, chain)
                turn.is_running = False
                turn.paused = pause.paused if pause is not None else chain.left
                display.close()
        if was_stopped or pressed:
            raise CellHalted("Stopped by you.")
        return pause

    def _question_left_by(self, chain: Any) -> PauseChain | None:
        """■ was pressed. The question that this leaves where a tool was running: nobody knows how far it came."""
        with suppress(KeyboardInterrupt):
            chain.close()
        if chain.left is None or not chain.log.has_lost:
            return None
        try:
            # The interrupted call is the first without a result: it is asked about before anything else runs.
            chain.left.resume().read_all()
        except PauseChain as pause:
            return pause
        except BaseException:
            return None
        return None

    def _made(self, view: TranscriptView, context: Any, *, is_shown: bool = True) -> LiveTurn:
        """A turn that is known from now on. The oldest of those that are over are forgotten."""
        feed = Feed(view)
        display = answer_display(self.front, feed, self._received, is_shown=is_shown)
        turn = LiveTurn(view, feed, display, context)
        with self._lock:
            for known in [known for known in self.turns.values() if known.view.is_over][:-_MOST_KEPT]:
                del self.turns[known.view.id]
            self.turns[view.id] = turn
        return turn

    def _received(self, message: dict[str, Any]) -> None:
        self.received(message)


def _account(turn: LiveTurn, chain: Any) -> None:
    """What the transcript says of a chain beside what it said: tokens, cost, and whether the journal has it."""
    view = turn.view
    view.not_saved = chain.log.not_saved
    view.scopes = chain.log.scopes
    for response in chain.finished_responses():
        view.usage = add_usage(view.usage, response.usage())
        if is_billed(response.model):
            turn.costs.append(cost_of(response.model, response.usage(), response.response_json))
    view.cost = total(turn.costs) if view.show_usage else ""
