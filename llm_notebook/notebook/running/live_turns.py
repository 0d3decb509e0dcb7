"""The turns that this kernel can show and continue, for a cell, a button and a magic alike.

A `LiveTurn` is one transcript: a view of it, a feed of its changes, a display, and the way to continue it. A cell makes one from
a chain (`show`), and later requests find it by the transcript's id (`find`). A turn that an earlier kernel left unfinished is not
among them. It is rebuilt from the journal when it is asked for, and has `rounds` where the others have a `chain`.

Each run goes through `_read`, which does five things in this order, however the run ends: it opens the display, feeds every event to
the view, closes the view in the state in which the run ended, lets the magics take what outlives the turn (`settled`), and shows
the record. A run ends in one of four ways: complete, paused at a question, stopped by ■, or failed. Only the exception of a failed run
leaves `_read` unchanged; the other ends become a state of the view, and a CellHalted if the cells below must not run.

■ may strike between any two bytecodes, so two things are protected from it: feeding a single event, so that the rest of what arrived
can be added exactly once; and the closing block, so that a second press cannot lose the answer. If ■ strikes while a tool runs, it is not
known how far the tool got. The interrupted call is then asked about at once rather than run again: `ask_about_stopped_call`.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.errors import AnswerMisfit, ChainLimitReached, JournalError, ModelError, UnknownModelError
from llm_notebook.journal.operations import TurnEntry
from llm_notebook.models.pauses import PauseChain
from llm_notebook.notebook.display.feed import Feed
from llm_notebook.notebook.display.notebook import answer_display
from llm_notebook.notebook.display.terminal import TerminalDisplay
from llm_notebook.notebook.errors import CellHalted
from llm_notebook.notebook.frontend.kernel import current_request, is_interactive
from llm_notebook.notebook.running.accounting import Spent, account_for
from llm_notebook.notebook.running.failures import explain_failure, explains, halt_at_limit, plain_error
from llm_notebook.notebook.running.live_turn import AskWith, LiveTurn, Resume, ask_about_stopped_call, follow
from llm_notebook.notebook.running.outcome import ask_for_correction, take_answer
from llm_notebook.notebook.running.printed import PrintRoutes
from llm_notebook.notebook.running.problems import EXPECTED
from llm_notebook.notebook.running.remarks import add_remark, drop_remarks
from llm_notebook.notebook.waits.deciding import mark_problems, renew, show_calls, show_settled
from llm_notebook.notebook.waits.held_up import HeldUpCells
from llm_notebook.notebook.waits.recalling import has_open_calls, load_paused_chain, read_inside, read_rounds
from llm_notebook.parts.identifiers import new_id
from llm_notebook.transcript.endings import Limit, can_go_on
from llm_notebook.transcript.reloading import view_of_turns
from llm_notebook.transcript.view import State, TranscriptView
from llm_notebook.turns.concurrency.interrupts import held_interrupts, holdable_interrupts, interruptible
from llm_notebook.turns.pauses import PausedChain

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.notebook.cells.session import ConversationNode
    from llm_notebook.notebook.frontend.frontend import FrontEnd
    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.notebook.prompts.wanted import Wanted

__all__ = ["AskHuman", "LiveTurns", "OnPause", "Settled"]

OnPause = Literal["stop", "continue"]
_MOST_KEPT = 32
_WENT_ON = "The conversation has gone on since. The model is told the result before its next prompt."
_STOPPED = "■ Stopped by you while a tool was running."

AskHuman = Callable[["LiveTurn", PauseChain], "ChainResponse | None"]
"""Asks a human on the spot, by keyboard. Returns the chain that continues, or None to leave the question open."""
Settled = Callable[["LiveTurn", "ChainResponse"], None]
"""Called when a run of a turn is over or paused, before its record is shown: (the turn, the chain that was read)."""


@dataclass(slots=True, eq=False)
class LiveTurns:
    """The turns of one shell.

    Attributes:
        shell: the shell that shows them.
        front: the front end.
        settled: lets the magics take what outlives a run: the conversation, `--out`, remarks in `turn.view`.
        on_pause: whether a pause stops the cells that are queued below.
        turns: the turns by the id of their transcript. Those that are over are forgotten after a while.
        cell_tools: for each cell (see `Origin.cell`), the tools that it was last run with, by name. They are given to the turns of
            earlier kernels that wait in the cell.
        received: called with what a reader does in a widget.
        paused: called with the id of each transcript that ends a cell with a question.
        held_up: the cells that are skipped because a turn waits.
        routes: routes what tools print to their calls.
    """

    shell: InteractiveShell
    front: FrontEnd
    settled: Settled
    on_pause: OnPause = "stop"
    held_up: HeldUpCells = field(init=False)
    routes: PrintRoutes = field(init=False)
    turns: dict[str, LiveTurn] = field(default_factory=dict)
    cell_tools: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    received: Callable[[dict[str, Any]], None] = lambda _message: None
    spent: Spent = field(default_factory=Spent)
    paused: Callable[[str], None] = lambda _transcript: None

    def __post_init__(self) -> None:
        self.held_up = HeldUpCells(self.shell, self.turns.values)
        self.routes = PrintRoutes(self.shell)

    def show(
        self,
        chain: ChainResponse,
        view: TranscriptView,
        *,
        context: tuple[Arguments, ConversationNode] | None = None,
        ask: AskHuman | None = None,
        ask_with: AskWith | None = None,
        wanted: Wanted | None = None,
    ) -> LiveTurn:
        """Read a chain into the running cell, up to its end or to the first question that stays open.

        Args:
            chain: a chain that has not been read yet.
            view: an empty view of it.
            context: kept as `LiveTurn.context`.
            ask: asks the human by keyboard at a pause, for terminals and `--wait`. Without it, a pause ends the cell and shows buttons.
            ask_with, wanted: kept as the attributes of the turn.

        Returns:
            The turn, which is done, or paused if `on_pause` is "continue".

        Raises:
            CellHalted: ■ was pressed, or the turn is paused and the cells below must not run. Everything is shown already.
            PauseChain: the turn is paused, and no human can decide here (nbclient, papermill).
            Exception: the chain failed with this error. What had arrived is shown and kept.
        """
        # The transcript and the chain share one id, by which a later kernel finds the chain of a saved transcript.
        view.id = view.id or chain._chain.log.chain_id or new_id()
        chain._chain.log.chain_id = view.id
        turn = self.register(view, context)
        turn.ask_with, turn.wanted = ask_with, wanted
        self.resume(turn, lambda: chain, ask=ask)
        return turn

    def resume(self, turn: LiveTurn, resume: Resume, *, here: bool = False, ask: AskHuman | None = None) -> None:
        """Continue a turn in the running cell.

        Args:
            turn: a turn that is not running.
            resume: makes the chain to read.
            here: show the turn in the running cell as well, in a further output.
            ask: as for `show()`.

        Raises:
            CellHalted, PauseChain, Exception: as `show()` does.
        """
        turn.request = current_request(self.shell)
        with interruptible():
            pause = self._read_answered(turn, resume(), ask, here=here)
            if pause is None:
                return
            if turn.view.by_keyboard:
                # The question is left to the buttons.
                turn.view.by_keyboard = False
                turn.display.refresh()
            if not is_interactive(self.shell):
                # If nobody can decide, the pause is an error like any other. Its traceback would show only our own frames.
                raise pause.with_traceback(None)
            self._stop_queue(turn)

    def show_again(self, turn: LiveTurn, *, halts: bool = True) -> None:
        """Show a turn in the running cell, with the buttons of its open questions, without asking the model; so, too, if a console has shown it.

        Raises:
            CellHalted: the turn waits for a human, and `halts` says that the cells below must not run then.
        """
        self.examine(turn)
        turn.unread.clear()
        turn.request = current_request(self.shell)
        if self.front.is_notebook and isinstance(turn.display, TerminalDisplay):
            turn.display = answer_display(self.front, turn.feed, self._receive)
        turn.display.open(here=True)
        turn.display.close()
        if halts:
            self._stop_queue(turn)

    def examine_waiting(self, but: str) -> None:
        """Bring the questions of all waiting turns up to date, except for the turn with this id, and tell the pages what has changed."""
        for turn in [turn for turn in self.turns.values() if turn.is_waiting]:
            if turn.view.id != but and self.examine(turn):
                self.tell_state(turn)

    def examine(self, turn: LiveTurn) -> bool:
        """Bring the questions of a waiting turn up to date. No tool is run for this.

        What was decided elsewhere is shown, calls of tools that have changed are asked about again, and if a tool is missing, the card
        says which cell to run.

        Returns:
            Whether anything that a card shows has changed.
        """
        if not turn.is_waiting:
            return False
        before = [block.version for block in turn.view.open_calls]
        # If the journal cannot be read, nothing new is known.
        with suppress(JournalError):
            if (paused := self.load_pause(turn)) is not None:
                show_calls(turn, paused)
                show_settled(turn)
                renew(turn, paused)
                mark_problems(turn, paused)
        return before != [block.version for block in turn.view.open_calls]

    def find(self, transcript: str, *, request: str = "") -> LiveTurn | None:
        """Return a turn of this kernel, or one that is rebuilt from the journal; None if neither has it.

        Args:
            transcript: the id of the turn's transcript.
            request: the id of one of its questions, by which the journal can also find it.
        """
        found = self.turns.get(transcript)
        if found is None and (rounds := read_rounds(transcript, request)):
            found = self.turns.get(rounds[0].begun.chain_id) or self._rebuild(rounds)
        return found

    def _rebuild(self, rounds: Sequence[TurnEntry]) -> LiveTurn:
        """Make a turn from what the journal holds. This kernel does not show it anywhere yet."""
        view = view_of_turns(rounds, inside=read_inside(rounds))
        turn = self.register(view, None, is_shown=False)
        turn.rounds = rounds if has_open_calls(rounds) or can_go_on(view) else ()
        view.scopes, view.grants_end = turn.origin.scopes, not turn.origin.notebook
        return turn

    def rename_notebook(self, before: str, after: str) -> None:
        """Take note that a notebook was renamed, for its turns in this kernel and the tools of their cells."""
        for turn in self.turns.values():
            if turn.chain is not None and turn.origin.notebook == before:
                turn.chain._chain.log.origin = replace(turn.origin, notebook=after)
            # The journal has already renamed it.
            turn.rounds = read_rounds(turn.view.id) if turn.rounds else ()
        self.cell_tools = {
            (after if notebook == before else notebook, *cell): tools
            for (notebook, *cell), tools in self.cell_tools.items()
        }

    def load_pause(self, turn: LiveTurn) -> PausedChain | None:
        """Return the paused chain that a turn continues from; None if there is nothing to continue.

        A turn of another kernel is given the tools that are defined when this is called. If its model cannot be used here, its questions
        say so, and there is nothing to continue.

        Raises:
            JournalError: the journal cannot be read.
        """
        if turn.paused is not None or not turn.rounds:
            return turn.paused
        try:
            return load_paused_chain(turn.rounds, self.shell.user_ns, self.cell_tools.get(turn.origin.cell, {}))
        except (ModelError, UnknownModelError) as error:
            for block in turn.view.open_calls:
                turn.view.mark_question(block.call_id, blocked=str(error))
            return None

    def tell(self, message: dict[str, Any], turn: LiveTurn | None = None) -> None:
        """Send a message to the pages that follow a turn, or to every page that shows transcripts of this kernel."""
        for send in (self.front.broadcaster(),) if turn is None else turn.display.senders():
            if send is not None:
                send(message)

    def tell_state(self, turn: LiveTurn) -> None:
        """Send the current document of a turn to the pages that show it."""
        self.tell({"type": "state", "document": turn.feed.document()}, turn)

    def front_end_changed(self) -> None:
        """Show every turn that waits for a click again, because the front end may be able to show buttons after all."""
        for turn in list(self.turns.values()):
            if turn.is_waiting:
                turn.display.refresh()

    def leave(self) -> None:
        """Reduce every turn to its record and forget it, because these magics are being unloaded."""
        for turn in self.turns.values():
            turn.display.leave()
        self.turns.clear()

    def _read_answered(
        self, turn: LiveTurn, chain: ChainResponse, ask: AskHuman | None, *, here: bool
    ) -> PauseChain | None:
        """Read a chain, and the chain that follows each decision by keyboard. Return the pause that stays open, or None."""
        while True:
            try:
                pause = self._read(turn, chain, here=here, by_keyboard=ask is not None)
            except EXPECTED as error:
                again = ask_for_correction(turn, chain, error)
                if again is not None:
                    chain = again
                    continue
                if turn.view.problem is None or not explains(self.front):
                    raise plain_error(turn, chain, error) from error.__cause__
                raise CellHalted(str(error)) from error
            answer = ask(turn, pause) if pause is not None and ask is not None else None
            if answer is None:
                return pause
            chain = answer

    def _stop_queue(self, turn: LiveTurn) -> None:
        self.paused(turn.view.id)
        if turn.view.state == "paused" and self.on_pause == "stop":
            self.held_up.halt(turn)
            raise CellHalted("Waiting for your approval.", turn.view.id)

    def _read(self, turn: LiveTurn, chain: ChainResponse, *, here: bool, by_keyboard: bool) -> PauseChain | None:
        """Read a chain until it is complete or stops. Return the pause that stopped it, which a cell may ask about by keyboard."""
        view, display = turn.view, turn.display
        began = time.monotonic() - view.seconds
        state: State = "failed"
        pause: PauseChain | None = None
        output = follow(turn, chain, began)
        if view.remarks:
            drop_remarks(view, _STOPPED)
        view.begin(view.seconds)
        reached: ChainLimitReached | None = None
        was_stopped, fed = False, 0
        try:
            display.open(here=here)
            with self.routes.open(output), holdable_interrupts() as hold:
                for event in chain._events():
                    # Feeding and counting must not be separated, or an event could be shown twice or not at all.
                    with hold.lock:
                        view.feed(event, time.monotonic() - began)
                        fed += 1
                    if hold.is_pressed:
                        raise KeyboardInterrupt
                    display.changed()
            take_answer(turn, chain)
            state = "done"
        except PauseChain as error:
            pause, state = error, "paused"
        except ChainLimitReached as error:
            reached, state = error, "interrupted"
            view.limit = Limit(error.limit, len(error.names), chain._chain.responses()[-1]._turn.turn_id)
        except KeyboardInterrupt:
            was_stopped = True
            pause = ask_about_stopped_call(chain)
            # The journal keeps what arrived, so the reader should see it too.
            for event in islice(chain._chain.events(), fed, None):
                view.feed(event, time.monotonic() - began)
            state = "interrupted" if pause is None else "paused"
        finally:
            # A human's decision is shown by the code that receives it, because the clock of this run has stopped.
            chain._chain.log.on_call = None
            with held_interrupts() as pressed:
                view.end(state, time.monotonic() - began)
                self._close(turn, chain, pause, by_keyboard=by_keyboard, was_stopped=was_stopped)
        if was_stopped or pressed:
            raise CellHalted("Stopped by you.")
        if reached is not None:
            halt_at_limit(reached, self.shell, stops=self.on_pause == "stop")
        return pause

    def _close(
        self, turn: LiveTurn, chain: ChainResponse, pause: PauseChain | None, *, by_keyboard: bool, was_stopped: bool
    ) -> None:
        """Show the record of a run that has ended, and keep what outlives the run."""
        view, error, is_paused = turn.view, sys.exception(), turn.view.state == "paused"
        view.by_keyboard = by_keyboard and is_paused and not was_stopped
        if is_paused and was_stopped:
            add_remark(view, _STOPPED)
        if isinstance(error, AnswerMisfit) or (isinstance(error, EXPECTED) and explains(self.front)):
            explain_failure(turn, chain, error)
        if view.state == "done" and chain._chain.went_on:
            add_remark(view, _WENT_ON)
        account_for(turn, chain, self.spent, in_kernel=self.front.is_notebook)
        self.settled(turn, chain)
        turn.is_running = False
        turn.paused = pause.paused if pause is not None else chain._chain.left
        turn.display.close()

    def register(
        self,
        view: TranscriptView,
        context: tuple[Arguments, ConversationNode] | None,
        *,
        is_shown: bool = True,
    ) -> LiveTurn:
        """Make a turn that can be found from now on, and forget the oldest of those that are over."""
        feed = Feed(view)
        display = answer_display(self.front, feed, self._receive, is_shown=is_shown)
        turn = LiveTurn(view, feed, display, context)
        # Comm messages may look for a turn in another thread.
        with self._lock:
            if len(self.turns) > _MOST_KEPT:
                for known in [known for known in self.turns.values() if known.view.is_over][:-_MOST_KEPT]:
                    del self.turns[known.view.id]
            self.turns[view.id] = turn
        return turn

    def _receive(self, message: dict[str, Any]) -> None:
        # `received` is set when the actions connect, so it is looked up for each message.
        self.received(message)
