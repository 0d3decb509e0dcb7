"""What a reader does in a transcript, whoever brings it: a button of the Lab extension, one of the widget, or a magic."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from llm_notebook.notebook.errors import CellError, CellHalted
from llm_notebook.notebook.kernel import MainThread, as_request, in_kernel
from llm_notebook.notebook.turns import LiveTurn, LiveTurns

__all__ = ["Actions"]

_CLICKS = ("decide", "continue", "retry")


class Actions:
    """Performs what readers ask for, each thing once.

    A message by comm may come to any thread and at any moment. What needs no run of the chain is done there; a chain is gone on
    with in the kernel's main thread, as if the cell ran that shows it. `%llm act` is an ordinary execution of that cell.
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

    def close(self) -> None:
        """Listen no longer."""
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
                self._turns.revoke(str(message.get("transcript")), str(message.get("grant")))
            case kind if kind in _CLICKS:
                turn = self._turn(message)
                resume = None if turn is None else self._turns.clicked(turn, message)
                if turn is not None and resume is not None and self._main is not None:
                    self._main.run(lambda: self._resume_in_cell(turn, resume))

    def perform(self, action: Any) -> None:
        """Perform an action in the running cell.

        Raises:
            CellError: it is no action of ours.
            CellHalted: the turn paused again, or was stopped; all is shown already.
        """
        if not isinstance(action, dict) or action.get("type") not in (*_CLICKS, "revoke"):
            raise CellError("This is not an action of a transcript. `%llm pending` lists what waits for you.")
        if action["type"] == "revoke":
            self.receive(action)
            return
        turn = self._turn(action)
        resume = None if turn is None else self._turns.clicked(turn, action)
        if turn is not None and resume is not None:
            self._turns.go_on_with(turn, resume)

    def act(self, line: str) -> None:
        """`%llm act JSON`: perform an Action of `labextension/src/transcript/document.ts` in the running cell.

        Only our Lab extension asks in this way; see `perform()`.
        """
        self._turns.front.has_extension()
        try:
            action = json.loads(line)
        except ValueError:
            action = None
        self.perform(action)

    def _turn(self, action: dict[str, Any]) -> LiveTurn | None:
        """The turn that the action is about; where there is none, the reader is told."""
        transcript = str(action.get("transcript"))
        turn = self._turns.known(transcript, request=str(action.get("request", "")))
        if turn is None:
            self._turns.tell({"type": "gone", "id": transcript})
        return turn

    def _resume_in_cell(self, turn: LiveTurn, resume: Callable[[], Any]) -> None:
        shell: Any = self._turns.shell
        if turn.request is None:
            self._turns.go_on_with(turn, resume)
            return
        with as_request(shell, turn.request), suppress(CellHalted):
            try:
                self._turns.go_on_with(turn, resume)
            except CellHalted:
                raise
            except BaseException:
                shell.showtraceback()

    def _resync(self, transcript: str) -> None:
        turn = self._turns.known(transcript)
        if turn is None:
            self._turns.tell({"type": "gone", "id": transcript})
        else:
            self._turns.tell({"type": "state", "document": turn.feed.document()}, turn)

    def _value(self, request: str, name: str) -> None:
        text = self._turns.value(request, name)
        if text is not None:
            self._turns.tell({"type": "value", "request": request, "name": name, "text": text})
