"""What a reader does in a transcript, whoever brings it: a button of the Lab extension, one of the widget, or a magic."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from llm_notebook.approvals.requests import ApprovalRequest
from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError, ModelError, UnknownModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import Revoked
from llm_notebook.notebook.errors import CellError, CellHalted
from llm_notebook.notebook.frontend.kernel import MainThread, as_request, in_kernel
from llm_notebook.notebook.live_turns import AskHuman, LiveTurn, LiveTurns
from llm_notebook.notebook.tools import missing_sentence
from llm_notebook.parts.messages import user
from llm_notebook.tools.tool import Tool
from llm_notebook.transcript.blocks import CallBlock
from llm_notebook.transcript.requests import edited_arguments
from llm_notebook.turns.pauses import PausedChain
from llm_notebook.turns.prompt import Prompt

__all__ = ["Actions"]

_CLICKS = ("decide", "continue", "retry")
_VERDICTS = ("approved", "denied", "answered", "abandoned")
_GO_ON = "Go on exactly where you stopped."
_ASKED_ELSEWHERE = "To start over, run the cell again: another kernel asked this."

Resume = Callable[[], Any]


class Actions:
    """Performs what readers ask for, each thing once.

    A message by comm may come to any thread and at any moment. What needs no run of the chain is done there; a chain is decided
    about and gone on with in the kernel's main thread, as if the cell ran that shows it. `%llm act` is an ordinary execution.
    """

    def __init__(self, turns: LiveTurns) -> None:
        self._turns = turns
        self._main: MainThread | None = None

    def open(self) -> None:
        """Listen to the front end."""
        if in_kernel(self._turns.shell):
            self._main = MainThread(self._turns.shell)
        self._turns.front.open(self.receive, self._turns.front_end_changed)
        self._turns.received = self.receive
        self._turns.shell.events.register("post_run_cell", self._unblock)

    def close(self) -> None:
        """Listen no longer."""
        self._turns.shell.events.unregister("post_run_cell", self._unblock)
        self._turns.leave()
        self._turns.front.close()
        if self._main is not None:
            self._main.close()
            self._main = None

    def receive(self, message: Any) -> None:
        """A `ToKernel` came by comm, from whoever can open one: it may be anything."""
        if not isinstance(message, dict):
            return
        match message.get("type"):
            case "resync":
                self._resync(str(message.get("id")))
            case "value":
                self._value(str(message.get("request")), str(message.get("name")))
            case "revoke":
                self._revoke(str(message.get("grant")))
            case kind if kind in _CLICKS and self._main is not None:
                self._main.run(lambda: self._click(message))

    def act(self, line: str) -> None:
        """`%llm act JSON`: perform an Action of `labextension/src/transcript/document.ts` in the running cell.

        Only our Lab extension asks in this way.

        Raises:
            CellError: it is no action of ours, or cannot be done here.
            CellHalted: the turn paused again, or was stopped; all is shown already.
        """
        self._turns.front.has_extension()
        try:
            action = json.loads(line)
        except ValueError:
            action = None
        if not isinstance(action, dict) or action.get("type") not in (*_CLICKS, "revoke"):
            raise CellError("This is not an action of a transcript. `%llm pending` lists what waits for you.")
        if action["type"] == "revoke":
            self._revoke(str(action.get("grant")))
            return
        turn = self._turn(action)
        resume = None if turn is None else self._resume(turn, action)
        if turn is not None and resume is not None:
            self._turns.go_on_with(turn, resume)

    def decide(
        self, turn: LiveTurn, block: CallBlock, verdict: str, *, text: str = "", ask: AskHuman | None = None
    ) -> None:
        """Decide about a waiting call by a magic and go on in the running cell, which then shows the turn too.

        Raises:
            CellError: there is no such question any more, or its tool is not defined here.
            CellHalted: the turn paused again, or was stopped; all is shown already.
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
        resume = self._resume(turn, action)
        if block.blocked:
            raise CellError(block.blocked)
        if resume is None:
            raise CellError("That was decided already. `%llm pending` lists what waits for you.")
        self._turns.go_on_with(turn, resume, here=True, ask=ask)

    def go_on(self, turn: LiveTurn, *, ask: AskHuman | None = None) -> None:
        """Go on with a turn in the running cell by a magic, which then shows it too; what is not decided is asked again.

        Raises:
            CellError: there is nothing to go on with.
        """
        resume = self._resume(turn, {"type": "continue"})
        if resume is None:
            raise CellError("There is nothing to go on with: that answer is complete.")
        self._turns.go_on_with(turn, resume, here=True, ask=ask)

    def _click(self, action: dict[str, Any]) -> None:
        turn = self._turn(action)
        if turn is None:
            return
        resume = self._resume(turn, action)
        if resume is None:
            return
        shell: Any = self._turns.shell
        if turn.request is None:
            with suppress(CellHalted):
                self._turns.go_on_with(turn, resume)
            return
        with as_request(shell, turn.request), suppress(CellHalted):
            try:
                self._turns.go_on_with(turn, resume)
            except CellHalted:
                raise
            except BaseException:
                shell.showtraceback()

    def _turn(self, action: dict[str, Any]) -> LiveTurn | None:
        """The turn that the action is about; where there is none, the reader is told."""
        transcript = str(action.get("transcript"))
        turn = self._turns.known(transcript, request=str(action.get("request", "")))
        if turn is None:
            self._turns.tell({"type": "gone", "id": transcript})
        return turn

    def _resume(self, turn: LiveTurn, action: Mapping[str, Any]) -> Resume | None:
        """Note what a reader asked for; returns what makes the chain to read, None where there is nothing to do.

        Where it comes too late or cannot be done, the reader sees how things stand.
        """
        resume = None
        if not turn.is_running:
            match action["type"]:
                case "decide":
                    resume = self._decided(turn, action)
                case "continue":
                    resume = self._continued(turn)
                case "retry":
                    resume = self._again(turn)
        if resume is None:
            self._turns.tell_state(turn)
        return resume

    def _decided(self, turn: LiveTurn, action: Mapping[str, Any]) -> Resume | None:
        paused = self._paused(turn)
        block = turn.view.call(str(action.get("request")))
        request = block.request if block is not None else None
        if paused is None or block is None or request is None or request.digest != action.get("digest"):
            return None
        verdict = action.get("verdict")
        if verdict not in _VERDICTS:
            return None
        if verdict == "approved" and not _has_tool(paused, request):
            turn.view.mark_blocked(block.call_id, missing_sentence(request.tool_name))
            return None
        turn.view.mark_blocked(block.call_id, "")
        edits = action.get("arguments")
        try:
            arguments = edited_arguments(request, edits) if isinstance(edits, dict) else None
            if action.get("grant") in ("cell", "notebook", "session"):
                paused.allow(request, action["grant"])
            counts = paused.settle(
                request, verdict, arguments=arguments, said=str(action.get("text") or ""), replaces=False
            )
        except (ValueError, JournalError) as error:
            turn.view.mark_blocked(block.call_id, str(error))
            return None
        if not counts:
            turn.view.update_call(paused.entry(request))
            return None
        return paused.resume

    def _unblock(self, *_result: Any) -> None:
        """A cell has run, which may have defined the tool that a question lacked."""
        for turn in list(self._turns.turns.values()):
            blocked = [block for block in turn.view.open_calls if block.blocked] if turn.is_waiting else []
            paused = self._paused(turn) if blocked else None
            for block in blocked:
                if paused is not None and block.request is not None and _has_tool(paused, block.request):
                    turn.view.mark_blocked(block.call_id, "")
                    self._turns.tell_state(turn)

    def _continued(self, turn: LiveTurn) -> Resume | None:
        paused = self._paused(turn)
        if paused is not None and (turn.view.open_calls or paused.has_open_calls):
            return paused.resume
        if turn.view.state not in ("interrupted", "failed"):
            return None
        if turn.chain is not None and turn.chain.latest is not None:
            asked, history, log, plan = turn.chain.prompt, turn.chain.so_far, turn.chain.log, turn.chain.plan
        elif paused is not None:
            asked, history, log, plan = paused.prompt, paused.messages, paused.log, paused.plan
        else:
            return None
        following = Prompt(
            None,
            asked.model,
            options=asked.options,
            schema=asked.schema_class or asked.schema,
            tools=asked.tool_sources,
            messages=[*history, user(_GO_ON)],
            hide_reasoning=asked.hide_reasoning,
        )
        return lambda: plan.chain_from(following, log)

    def _again(self, turn: LiveTurn) -> Resume | None:
        chain = turn.chain
        if turn.view.state not in ("interrupted", "failed"):
            return None
        if chain is None:
            turn.view.remarks = [*(said for said in turn.view.remarks if said != _ASKED_ELSEWHERE), _ASKED_ELSEWHERE]
            return None

        def anew() -> Any:
            turn.feed.start_over()
            following = chain.plan.chain_from(chain.prompt)
            following.log.chain_id = turn.view.id
            return following

        return anew

    def _paused(self, turn: LiveTurn) -> PausedChain | None:
        try:
            return self._turns.where_it_goes_on(turn)
        except (ModelError, UnknownModelError) as error:
            for block in turn.view.open_calls:
                turn.view.mark_blocked(block.call_id, str(error))
            return None

    def _resync(self, transcript: str) -> None:
        turn = self._turns.known(transcript)
        if turn is None:
            self._turns.tell({"type": "gone", "id": transcript})
        else:
            self._turns.tell_state(turn)

    def _value(self, request: str, name: str) -> None:
        text = self._turns.value(request, name)
        if text is not None:
            self._turns.tell({"type": "value", "request": request, "name": name, "text": text})

    def _revoke(self, grant_id: str) -> None:
        """Take an "always allow" back; whoever shows a call that it allowed is told."""
        journal = process.of(CurrentJournal).journal
        if journal is not None:
            journal.submit(Revoked(grant_id, "you", datetime.now(UTC))).result()
        for turn in list(self._turns.turns.values()):
            turn.view.mark_revoked(grant_id)
            self._turns.tell_state(turn)


def _has_tool(paused: PausedChain, request: ApprovalRequest) -> bool:
    return any(isinstance(tool, Tool) and tool.name == request.tool_name for tool in paused.prompt.tools)
