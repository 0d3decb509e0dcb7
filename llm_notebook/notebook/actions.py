"""Performs what readers do with transcripts, each thing once, whether it comes from a button or from a magic.

The same wish arrives in three ways. A button of the Lab extension makes the cell's page execute `%llm act JSON` (`act`), so that the
click queues behind running cells and its output lands in the cell. A button of the widget arrives by comm (`receive`), in whatever
thread and at whatever moment ipykernel delivers it. And `%llm approve` and its like call `decide` and `resume`. All meet in `_prepare`.

Work is split by what it needs. Answering `resync`, sending the rest of a long value and revoking a grant touch no chain, so they
happen in the thread that the message arrived in. Deciding and continuing run the user's tools, so `MainThread` moves them to the
kernel's main thread, between cells, and `as_request` runs them as if the cell that shows the turn were running.

A double click, a click in two tabs and a click that comes late must not run anything twice. Nothing here counts clicks. The
journal decides: a decision is a compare-and-set on the call's state, bound to the digest of the question that the reader saw
(`paused.settle(..., replaces=False)`), and only the click that it counts for gets a chain to read. Everybody else is sent the
current state, which shows what has been decided. A question that stays open says on its card why the decision about it had no effect.

A click must not decide about something that its reader has not seen either. A page says with each decision which transcript and which
request of it are meant, and the digest of everything that the card showed; what does not fit the question that waits is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llm_notebook.approvals.requests import DECIDED
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import Revoked
from llm_notebook.models.stored.resuming import AbsentModel
from llm_notebook.notebook.errors import CellError, CellHalted
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.notebook.frontend.kernel import MainThread, as_request
from llm_notebook.notebook.overview import tell_page
from llm_notebook.notebook.running.failures import store_typed_key
from llm_notebook.notebook.running.further_runs import APART, ask_another, continue_answer, start_over, without_chain
from llm_notebook.notebook.running.live_turn import LiveTurn, Resume
from llm_notebook.notebook.running.live_turns import AskHuman, LiveTurns
from llm_notebook.notebook.waits.captured import CapturedQuestions
from llm_notebook.notebook.waits.deciding import (
    explain_refusal,
    granted_scope,
    problem_with,
    renew,
    show_calls,
    show_settled,
    was_displayed,
)
from llm_notebook.notebook.waits.deciding_together import decide_all, is_about_all
from llm_notebook.transcript.blocks import CallBlock
from llm_notebook.transcript.calls.requests import edited_arguments, full_value

if TYPE_CHECKING:
    from IPython.core.interactiveshell import ExecutionResult

    from llm_notebook.notebook.frontend.cells import CellWatch

__all__ = ["Actions"]

# The actions that run a chain, and so belong into the main thread.
_CLICKS = ("decide", "decideAll", "continue", "retry", "ask", "install")
_DECIDED_ALREADY = "That was decided already. `%llm pending` lists what waits for you."


class Actions:
    """Performs what readers do, as the module describes.

    Args:
        turns: the turns of this kernel.
        cells: tells when its cells begin and end.
    """

    def __init__(self, turns: LiveTurns, cells: CellWatch) -> None:
        self._turns = turns
        self._cells = cells
        self._main: MainThread | None = None
        self._captured = CapturedQuestions(turns)
        self._was_click = False

    def open(self) -> None:
        """Begin to perform, and watch for cells that make missing tools or change others."""
        self._cells.over = self._note_end
        if self._turns.front.is_notebook:
            self._main = MainThread(self._turns.shell, lambda: self._cells.is_running)
            self._turns.front.look_for_widgets()
        self._turns.received = self.receive
        self._captured.open()
        self._turns.held_up.open()

    def close(self) -> None:
        """Leave every turn as a record."""
        self._captured.close()
        self._turns.held_up.close()
        self._turns.leave()
        self._main = None

    def receive(self, message: object) -> None:
        """Perform a `ToKernel` that arrived by comm. Any script in the page can send one, so it may have any shape."""
        if not isinstance(message, dict):
            return
        match message.get("type"):
            case "resync":
                self._resync(str(message.get("id")), to_keep=message.get("record") is True)
            case "value":
                self._send_value(str(message.get("request")), str(message.get("name")))
            case "revoke":
                self._revoke(str(message.get("grant")))
            case "overview" | "default" | "panel":
                tell_page(self._turns, message)
            case "key":
                given = (str(message.get(name) or "") for name in ("transcript", "name", "key"))
                store_typed_key(self._turns, *given)
            case kind if kind in _CLICKS and self._main is not None:
                self._main.run(lambda: self._click(message))

    def act(self, line: str) -> None:
        """Perform an Action of `labextension/src/transcript/protocol/document.ts` in the running cell: `%llm act JSON`.

        Only our Lab extension uses this command.

        Raises:
            CellError: the line is not such an action, or it cannot be performed here.
            CellHalted: the turn paused again, or was stopped. Everything is shown already.
        """
        self._was_click = True
        mismatch = self._turns.front.mismatch
        self._turns.front.note_extension()
        try:
            action = json.loads(line)
        except (ValueError, RecursionError):
            action = None
        if not isinstance(action, dict) or action.get("type") not in (*_CLICKS, "revoke"):
            raise CellError("This is not an action of a transcript. `%llm pending` lists what waits for you.")
        if action["type"] == "revoke":
            self._revoke(str(action.get("grant")))
            return
        if mismatch:
            raise CellError(mismatch)
        turn = self._find_turn(action)
        is_apart = turn is not None and action["type"] in APART
        if turn is not None and is_apart and (perform := without_chain(self._turns, turn, action)) is not None:
            perform()
            return
        resume = None if turn is None else self._answer(turn, action)
        if turn is not None and resume is not None:
            self._turns.resume(turn, resume)

    def decide(
        self, turn: LiveTurn, block: CallBlock, verdict: str, *, text: str = "", ask: AskHuman | None = None
    ) -> None:
        """Decide about a waiting call for a magic and continue the turn in the running cell, which then shows it too.

        Args:
            turn: the turn that waits.
            block: the call.
            verdict: "approved", "denied", "answered" or "abandoned".
            text: the reason of a denial, or the answer.
            ask: asks by keyboard at the next pause; None where buttons ask.

        Raises:
            CellError: nothing waits there, or the tool is not defined here.
            CellHalted: the turn paused again, or was stopped. Everything is shown already.
        """
        if block.request is None:
            raise CellError("Nothing waits for a decision there.")
        action = {
            "type": "decide",
            "request": block.request.id,
            "digest": block.request.digest,
            "verdict": verdict,
            "text": text,
        }
        was_open = block in turn.view.open_calls
        resume = self._prepare(turn, action)
        if problem := block.refused or block.blocked:
            raise CellError(problem)
        if resume is None and was_open and block not in turn.view.open_calls:
            # It was settled without a run: the record says how.
            self._turns.show_again(turn)
            return
        if resume is None and block.is_asked and block.request.digest != action["digest"]:
            # The tool has changed since it was asked about.
            self._turns.show_again(turn)
            return
        if resume is None:
            raise CellError(_DECIDED_ALREADY)
        self._turns.resume(turn, resume, here=True, ask=ask)

    def forget(self, turn: LiveTurn, block: CallBlock, *, ask: AskHuman | None = None) -> bool:
        """Drop a question for a magic. Returns whether the turn has continued, because the others were decided before; `ask` as above.

        Raises:
            CellError: it was decided already.
            CellHalted: the turn paused again, or was stopped. Everything is shown already.
        """
        if block.request is None or block not in turn.view.open_calls:
            raise CellError(_DECIDED_ALREADY)
        asked = {"request": block.request.id, "digest": block.request.digest}
        resume = self._prepare(turn, {"type": "decide", "verdict": "abandoned", "drop": True, **asked})
        if block in turn.view.open_calls:
            raise CellError(block.refused or block.blocked or _DECIDED_ALREADY)
        if resume is not None:
            self._turns.resume(turn, resume, here=True, ask=ask)
        return resume is not None

    def resume(self, turn: LiveTurn, *, ask: AskHuman | None = None) -> None:
        """Continue a turn for a magic in the running cell, which then shows it too. What is undecided is asked again.

        Args:
            turn: the turn.
            ask: asks by keyboard at the next pause; None where buttons ask.

        Raises:
            CellError: there is nothing to continue.
            CellHalted: the turn paused again, or was stopped. Everything is shown already.
        """
        resume = self._prepare(turn, {"type": "continue"})
        if resume is None:
            raise CellError("There is nothing to continue: that answer is complete.")
        self._turns.resume(turn, resume, here=True, ask=ask)

    def _click(self, action: dict[str, Any]) -> None:
        """Perform an action that arrived by comm, in the main thread and in the cell that shows its turn."""
        turn = self._find_turn(action)
        if turn is None:
            return
        if self._turns.front.mismatch:
            self._turns.tell_state(turn)
            return
        shell = self._turns.shell
        perform = without_chain(self._turns, turn, action) if action["type"] in APART else None
        if perform is not None and turn.request is not None:
            with as_request(shell, turn.request), suppress(CellHalted):
                perform()
            return
        resume = self._answer(turn, action)
        if resume is None:
            return
        if turn.request is None:
            with suppress(CellHalted):
                self._turns.resume(turn, resume)
            return
        with as_request(shell, turn.request), suppress(CellHalted):
            try:
                self._turns.resume(turn, resume)
            except CellHalted:
                raise
            except BaseException:  # shown in the cell, as the error of any cell is
                shell.showtraceback()

    def _find_turn(self, action: dict[str, Any]) -> LiveTurn | None:
        """Find the turn that an action is about. If there is none, tell the page that its transcript is gone."""
        transcript = str(action.get("transcript"))
        turn = self._turns.find(transcript)
        if turn is None:
            self._turns.tell({"type": "gone", "id": transcript})
        return turn

    def _answer(self, turn: LiveTurn, action: Mapping[str, Any]) -> Resume | None:
        """Prepare what a page asks for, as `_prepare` does. A decision about anything else than what is asked is none.

        Of several questions each has a card, and the turn goes on after the last of them is decided.
        """
        seen = {"decide": was_displayed, "decideAll": is_about_all}.get(action["type"])
        was_seen = seen is None or seen(turn, action)
        resume = self._prepare(turn, action) if was_seen else None
        if seen is not None and resume is None:
            has_changed = explain_refusal(turn, action, is_new=not was_seen)
            # Of what was prepared in vain, the pages have been told already.
            if has_changed or not was_seen:
                self._turns.tell_state(turn)
        if resume is not None and action["type"] == "decide" and turn.view.open_calls:
            turn.display.refresh()
            return None
        return resume

    def _prepare(self, turn: LiveTurn, action: Mapping[str, Any]) -> Resume | None:
        """Keep what a reader decided, and prepare the run that follows from it.

        Returns:
            What makes the chain to read. None if the action comes too late or cannot be performed; the pages that show the turn
            have then been sent its current state.
        """
        resume = None
        if not turn.is_running:
            match action["type"]:
                case "decide":
                    resume = self._decide(turn, action)
                case "decideAll":
                    resume = decide_all(turn, self._turns.load_pause(turn), action)
                case "continue":
                    resume = continue_answer(turn, self._turns.load_pause(turn))
                case "retry":
                    resume = start_over(turn)
                case "ask":
                    resume = ask_another(turn, str(action.get("model")))
        if resume is None:
            self._turns.tell_state(turn)
        return resume

    def _decide(self, turn: LiveTurn, action: Mapping[str, Any]) -> Resume | None:
        """Keep a decision, unless it is about another question than the one that waits, or somebody decided before."""
        paused = self._turns.load_pause(turn)
        block = turn.view.call(str(action.get("request")))
        request = block.request if block is not None else None
        if paused is None or block is None or request is None or request.digest != action.get("digest"):
            return None
        if (verdict := action.get("verdict")) not in DECIDED:
            return None
        # Nothing is kept where a decision cannot be carried out, so that the reader can run the cell with the tool and decide then.
        call = paused.log.call(request.id)
        problem = problem_with(verdict, paused, request, call)
        if problem or block.blocked or block.refused:
            turn.view.mark_question(block.call_id, blocked=problem)
        if problem:
            return None
        try:
            if verdict == "approved" and renew(turn, paused, call):
                # The tool is not the one that the reader saw: the question is drawn again, and decides nothing yet.
                return None
            grants = action.get("grant") is not None
            scope = granted_scope(action, turn.origin, current_execution(self._turns.shell)) if grants else None
            edits = action.get("arguments")
            arguments = edited_arguments(request, edits) if isinstance(edits, dict) else None
            counts = paused.settle(
                request,
                verdict,
                arguments=arguments,
                said=str(action.get("text") or ""),
                replaces=False,
                scope=scope,
                call=call,
            )
            ends = counts and (action.get("drop") is True or isinstance(paused.plan.model, AbsentModel))
            if ends:
                paused.conclude(request)
                # What was decided before is carried out.
                ends = isinstance(paused.plan.model, AbsentModel) or not paused.is_due
        except (ValueError, JournalError) as error:
            turn.view.mark_question(block.call_id, refused=str(error))
            return None
        show_calls(turn, paused, call if counts and not ends else None)
        if counts and not ends:
            return paused.resume
        # The model is not asked, or somebody else decided first: this page is shown how the call stands.
        show_settled(turn)
        return None

    def _note_end(self, result: ExecutionResult | None) -> None:
        """After a cell has run: bring the questions up to date, whose tools it may have made or changed."""
        # A click of our extension runs as a cell too, and what it was told stands.
        was_click, self._was_click = self._was_click, False
        if was_click:
            return
        halted = result.error_in_exec if result is not None else None
        # Nothing has run since the question that ended the cell was asked.
        asked_last = halted.transcript if isinstance(halted, CellHalted) else ""
        self._turns.examine_waiting(asked_last)

    def _resync(self, transcript: str, *, to_keep: bool) -> None:
        """Send the whole document to a page that missed something, with `to_keep` as the record for its notebook."""
        turn = self._turns.find(transcript)
        record = turn.display.record_message() if turn is not None and to_keep and not turn.is_running else None
        if turn is None:
            self._turns.tell({"type": "gone", "id": transcript})
            return
        if record is not None:
            self._turns.tell(record)
        else:
            self._turns.tell_state(turn)
        if turn.rounds and self._main is not None:
            # Another kernel asked, so the tool may be missing here. The user's variables are looked at between cells only.
            self._main.run(lambda: self._examine(turn))

    def _examine(self, turn: LiveTurn) -> None:
        if self._turns.examine(turn):
            self._turns.tell_state(turn)

    def _send_value(self, request: str, name: str) -> None:
        """Send an argument of a question in full, as a card shows only its beginning."""
        for turn in list(self._turns.turns.values()):
            block = turn.view.call(request)
            if block is not None and block.request is not None:
                text = full_value(block.request, name)
                if text is not None:
                    self._turns.tell({"type": "value", "request": request, "name": name, "text": text})
                return

    def _revoke(self, grant_id: str) -> None:
        """Revoke a grant, and show that in every call that ran because of it."""
        journal = process.of(CurrentJournal).journal
        if journal is not None:
            journal.submit(Revoked(grant_id, "you", datetime.now(UTC))).result()
        for turn in list(self._turns.turns.values()):
            turn.view.mark_revoked(grant_id)
            self._turns.tell_state(turn)
