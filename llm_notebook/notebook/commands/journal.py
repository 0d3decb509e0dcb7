"""The subcommands that read the journal or continue what is in it, such as `pending` and `approve`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.grants import Grant
from llm_notebook.journal.operations import Journal, TurnEntry
from llm_notebook.notebook.actions import Actions
from llm_notebook.notebook.commands.excerpts import excerpt, latest_by, text_of
from llm_notebook.notebook.commands.grammar import Subcommand
from llm_notebook.notebook.commands.pending import read_waiting, show_all, show_one
from llm_notebook.notebook.commands.places import notebook_names
from llm_notebook.notebook.commands.tables import say, table
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.frontend.execution import current_execution
from llm_notebook.notebook.live_turn import LiveTurn
from llm_notebook.notebook.live_turns import AskHuman, LiveTurns
from llm_notebook.parts.messages import Message, ToolCallPart
from llm_notebook.transcript.blocks import CallBlock
from llm_notebook.transcript.words import short_id

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["JOURNAL_COMMANDS", "JournalCommands"]

_LONGEST = 100
JOURNAL_COMMANDS = ("pending", "approve", "deny", "forget", "resume", "history", "grants")


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
        show_one(self._shell, named[0], self._problem_with(named[0].call.call_id))

    def _problem_with(self, call_id: str) -> str:
        """Return why a question cannot be approved in this kernel; empty if it can, or if it was decided already."""
        turn, block = self._find_call(call_id)
        self._turns.examine(turn)
        return block.blocked if block in turn.view.open_calls else ""

    def _approve(self, command: Subcommand) -> None:
        turn, block = self._find_call(command.words[0])
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
        journal = _require(process.of(CurrentJournal).journal)
        query = command.text.removeprefix("-q").strip() if command.words[:1] == ["-q"] else ""
        name = command.words[0] if command.words and not query else ""
        turns = self._read_conversation(journal, name) if name else journal.history(query)
        # The later rounds of a chain begin with tool results. The list shows each chain once, by its first round.
        turns = [turn for turn in turns if turn.begun.messages and turn.begun.messages[-1].role != "tool"]
        if not turns:
            say(self._shell, "Nothing of that is in the journal." if query else "The journal holds nothing yet.")
            return
        depths = _depths(turns)
        rows = [
            [
                short_id(turn.begun.turn_id),
                _since(turn.begun.at),
                turn.begun.model_id,
                "↳ " * depths[turn.begun.turn_id] + _text(turn.begun.messages, "user"),
                self._read_answer(journal, turn),
            ]
            for turn in turns
        ]
        below = "`%llm history ID` shows a conversation, `%llm --cid ID PROMPT` continues from a turn."
        table(self._shell, ["ID", "When", "Model", "Prompt", "Answer"], rows, below)

    def _read_answer(self, journal: Journal, turn: TurnEntry) -> str:
        """Return the last answer of the chain that a turn began, or the state of the chain if it has none."""
        last = journal.chain(turn.begun.chain_id)[-1]
        ending = "interrupted: its kernel stopped" if last.is_cut_off else last.status
        return _text(last.output, "assistant") or {"streaming": "not ended yet"}.get(ending, ending)

    def _read_conversation(self, journal: Journal, name: str) -> list[TurnEntry]:
        turn = journal.turn(name)
        found = journal.conversation(turn.begun.conversation_id if turn is not None else name)
        if not found:
            raise CellError(f"There is no conversation or turn {name}. `%llm history` lists the latest.")
        return found

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


def _text(messages: Sequence[Message], role: str) -> str:
    """Return the text of the last message with this role in short, or else the names of the tools that it calls."""
    last = latest_by(messages, role)
    parts = last.parts if last is not None else []
    calls = ", ".join(f"{part.name}(…)" for part in parts if isinstance(part, ToolCallPart))
    return excerpt(text_of(last) or calls, _LONGEST)


def _depths(turns: list[TurnEntry]) -> dict[str, int]:
    """Return for each turn, by its id, how many of the listed turns it follows from."""
    by_id = {turn.begun.turn_id: turn for turn in turns}
    depths: dict[str, int] = {}
    # Oldest first, so that a parent's depth is known before its children's.
    for turn in sorted(turns, key=lambda turn: turn.begun.at):
        parent = turn.begun.parent_id
        depths[turn.begun.turn_id] = depths[parent] + 1 if parent in by_id and parent in depths else 0
    return depths
