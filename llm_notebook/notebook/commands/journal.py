"""The subcommands that read the journal or continue what is in it, such as `pending` and `approve`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.grants import Grant
from llm_notebook.journal.protocol import Journal
from llm_notebook.notebook.actions import Actions
from llm_notebook.notebook.commands.grammar import Subcommand
from llm_notebook.notebook.commands.history import show_history
from llm_notebook.notebook.commands.jobs import show_jobs
from llm_notebook.notebook.commands.lists.places import notebook_names
from llm_notebook.notebook.commands.lists.tables import say, table
from llm_notebook.notebook.commands.pending import Waiting, read_waiting, show_all, show_one
from llm_notebook.notebook.commands.usage import show_usage
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.notebook.running.live_turn import LiveTurn
from llm_notebook.notebook.running.live_turns import AskHuman, LiveTurns
from llm_notebook.transcript.blocks import CallBlock
from llm_notebook.transcript.calls.call_rendering import shows_all_of
from llm_notebook.transcript.words import short_id

__all__ = ["JOURNAL_COMMANDS", "JournalCommands"]

_NOT_READ = (
    "Nothing was run: the record shows a part of these arguments only. Approve once more when you have read them."
)

JOURNAL_COMMANDS = ("pending", "approve", "deny", "forget", "resume", "history", "usage", "jobs", "grants")


class JournalCommands:
    """Runs the subcommands that read the journal or continue from it.

    Args:
        turns: the turns of this kernel.
        actions: keeps decisions and continues turns.
        ask: asks by keyboard where there are no buttons; None where there are.
    """

    def __init__(self, turns: LiveTurns, actions: Actions, ask: AskHuman | None) -> None:
        self._turns = turns
        self._actions = actions
        self._ask = ask
        self._shell = turns.shell

    def run(self, command: Subcommand) -> None:
        """Run a subcommand.

        Raises:
            CellError: it cannot be done; the message says why.
            CellHalted: the turn that it continued paused again, or was stopped.
        """
        commands: dict[str, Callable[[Subcommand], None]] = {
            "pending": self._pending,
            "approve": self._approve,
            "deny": self._deny,
            "forget": self._forget,
            "resume": self._resume,
            "history": self._history,
            "usage": self._usage,
            "jobs": self._jobs,
            "grants": self._grants,
        }
        try:
            commands[command.name](command)
        except JournalError as error:
            raise CellError(str(error)) from None

    def _pending(self, command: Subcommand) -> None:
        waiting = read_waiting(self._turns)
        if not command.words:
            show_all(self._shell, waiting)
            return
        named = [one for one in waiting if command.words[0] in one.call.call_id]
        if len(named) != 1:
            raise CellError(f"No question is called {command.words[0]}. `%llm pending` lists what waits for you.")
        turn, block = self._find_call(named[0].call.call_id)
        self._turns.examine(turn)
        # Why it cannot be approved in this kernel.
        self._show_all_of(named[0], turn, block.blocked if block in turn.view.open_calls else "")

    def _show_all_of(self, one: Waiting, turn: LiveTurn, remark: str) -> None:
        show_one(self._shell, one, remark)
        if one.call.request is not None:
            turn.read.add(one.call.request.digest)

    def _approve(self, command: Subcommand) -> None:
        turn, block = self._find_call(command.words[0])
        if block.call_id in turn.unread:
            # Whoever types this may not have seen what its tool is by now.
            self._turns.show_again(turn)
            return
        asked = block.request
        if asked is not None and not shows_all_of(asked) and asked.digest not in turn.read:
            # The record of the question has only the beginning and the end of its arguments.
            for one in read_waiting(self._turns):
                if one.call.call_id == block.call_id:
                    self._show_all_of(one, turn, _NOT_READ)
                    return
        self._actions.decide(turn, block, "approved", ask=self._ask)

    def _deny(self, command: Subcommand) -> None:
        turn, block = self._find_call(command.words[0])
        reason = command.text[len(command.words[0]) :].strip()
        self._actions.decide(turn, block, "denied", text=reason, ask=self._ask)

    def _forget(self, command: Subcommand) -> None:
        turn, block = self._find_call(command.words[0])
        if not self._actions.forget(turn, block, ask=self._ask):
            say(self._shell, "The question about {} is dropped. The model was not asked.", block.name)

    def _resume(self, command: Subcommand) -> None:
        name = command.words[0] if command.words else ""
        if not name:
            waiting = read_waiting(self._turns)
            if not waiting:
                raise CellError("Nothing waits for you.")
            name = waiting[-1].call.call_id
        # The ID may be that of a call, as `pending` shows it, or of a turn, as `history` shows it.
        try:
            turn, _ = self._find_call(name)
        except CellError:
            turn = self._find_turn(name)
        if turn.view.open_calls:
            self._turns.show_again(turn)
        else:
            self._actions.resume(turn, ask=self._ask)

    def _find_call(self, name: str) -> tuple[LiveTurn, CallBlock]:
        """Find a call, and its turn, by a part of the call's id."""
        found = [
            (turn, block) for turn in self._turns.turns.values() for block in turn.view.calls if name in block.call_id
        ]
        if len(found) > 1:
            raise CellError(f"{name} could be {len(found)} calls. `%llm pending` lists what waits for you.")
        if found:
            return found[0]
        journal = process.of(CurrentJournal).journal
        call = journal.call(name) if journal is not None else None
        turn = self._turns.find("", request=call.call_id) if call is not None else None
        block = turn.view.call(call.call_id) if turn is not None and call is not None else None
        if turn is None or block is None:
            raise CellError(f"Nothing called {name} waits. `%llm pending` lists what waits for you.")
        return turn, block

    def _find_turn(self, name: str) -> LiveTurn:
        # What was asked with -n is in no journal.
        stopped = [turn for turn in self._turns.turns.values() if turn.view.limit and name in turn.view.limit.turn_id]
        if len(stopped) == 1:
            return stopped[0]
        journal = _require(process.of(CurrentJournal).journal)
        entry = journal.turn(name)
        turn = self._turns.find(entry.begun.chain_id) if entry is not None else None
        if turn is None:
            raise CellError(f"There is no turn or call {name}. `%llm pending` and `%llm history` list them.")
        return turn

    def _history(self, command: Subcommand) -> None:
        show_history(self._shell, _require(process.of(CurrentJournal).journal), command)

    def _usage(self, command: Subcommand) -> None:
        show_usage(self._shell, _require(process.of(CurrentJournal).journal), command.words)

    def _jobs(self, command: Subcommand) -> None:
        show_jobs(self._shell, _require(process.of(CurrentJournal).journal), command.words)

    def _grants(self, command: Subcommand) -> None:
        journal = _require(process.of(CurrentJournal).journal)
        grants = journal.grants()
        if command.words[:1] == ["revoke"]:
            named = [grant for grant in grants if command.words[1] in grant.grant_id]
            if len(named) != 1:
                raise CellError(f"No grant is called {command.words[1]}. `%llm grants` lists them.")
            self._actions.receive({"type": "revoke", "grant": named[0].grant_id})
            say(self._shell, "Calls of {} are asked about again.", named[0].tool_name)
            return
        if not grants:
            say(self._shell, "Nothing is always allowed.")
            return
        execution = current_execution(self._shell)
        names = notebook_names((grant.notebook for grant in grants), execution.notebook)
        rows = [
            [
                short_id(grant.grant_id),
                grant.tool_name,
                _reach(grant, execution.session),
                names[grant.notebook] or "not known",
                grant.who,
                _since(grant.at),
            ]
            for grant in grants
        ]
        header = ["ID", "Tool", "Allowed in", "Notebook", "By", "Since"]
        table(self._shell, header, rows, "`%llm grants revoke ID` takes one back.")


def _reach(grant: Grant, session: str) -> str:
    """Return how far a grant reaches, and with what it ends if its process ends it."""
    match grant.scope:
        case "session":
            return "this session" if grant.place == session else "another session"
        case "cell":
            return "one cell, until its kernel ends" if grant.owner else "one cell"
        case "notebook":
            return "the whole notebook"


def _require(journal: Journal | None) -> Journal:
    if journal is None:
        raise CellError(process.of(CurrentJournal).problem or "No journal is open.")
    return journal


def _since(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M}"
