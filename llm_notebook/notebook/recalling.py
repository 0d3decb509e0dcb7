"""What an earlier kernel left in the journal for a cell: the turn that it continues, and the question that waits in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError, UnknownModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import CallEntry, Journal, TurnEntry
from llm_notebook.models.responses import Response
from llm_notebook.models.resuming import ask_about_unknown, left_of, pause_of, response_of
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.frontend.kernel import journal_cell
from llm_notebook.notebook.tools import defined_tools
from llm_notebook.turns.log import Origin
from llm_notebook.turns.pauses import PausedChain

__all__ = ["is_open", "paused_chain", "recalled_turn", "recalled_waiting", "response_named", "rounds_named"]


def recalled_turn(cell: str, notebook: str) -> Response | None:
    """What a cell with `-c` continues: what it continued before, or else the latest answer of the notebook; None if unknown.

    Args:
        cell: the cell's identity.
        notebook: the notebook's path, as far as it is known.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return None
    try:
        origin = journal_cell(cell)
        before = journal.latest_turn(cell_id=origin) if origin else None
        if before is not None:
            parent_id = journal.chain(before.begun.chain_id)[0].begun.parent_id
        else:
            latest = journal.latest_turn(notebook=notebook) if notebook else None
            parent_id = latest.begun.turn_id if latest is not None else None
        return _response(parent_id, journal) if parent_id is not None else None
    except (JournalError, UnknownModelError):
        return None


def recalled_waiting(origin: Origin) -> str | None:
    """The chain that waits for a human in this cell, which still says the same; None where none does."""
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return None
    try:
        latest = journal.latest_turn(cell_id=origin.cell_id)
        if latest is None or latest.begun.settings.get("text") != origin.text:
            return None
        chain_id = latest.begun.chain_id
        return chain_id if is_open(journal.chain(chain_id)) else None
    except JournalError:
        return None


def response_named(name: str) -> Response:
    """The answer that `--cid` names: of a turn, or the latest of a conversation.

    Raises:
        CellError: there is no such turn or conversation.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        raise CellError(f"{process.of(CurrentJournal).problem or 'No journal is open.'} Nothing was sent.")
    try:
        turn = journal.turn(name)
        found = turn.begun.turn_id if turn is not None else None
        if found is None:
            turns = journal.conversation(name)
            found = turns[-1].begun.turn_id if turns else None
        response = _response(found, journal) if found is not None else None
    except JournalError as error:
        raise CellError(f"{error} Nothing was sent.") from None
    except UnknownModelError as error:
        raise CellError(f"{error} Name one with -m. Nothing was sent.") from None
    if response is None:
        raise CellError(f"There is no conversation or turn {name}. `%llm history` lists the latest. Nothing was sent.")
    return response


def _response(turn_id: str, journal: Journal) -> Response | None:
    turn = journal.turn(turn_id)
    response = response_of(turn, journal) if turn is not None else None
    return response if isinstance(response, Response) else None


_OPEN = ("waiting", "unknown")
_NOT_GONE_ON_WITH = ("approved", "denied", "answered", "abandoned")


def rounds_named(transcript: str, request: str = "") -> list[TurnEntry]:
    """The rounds of the chain that a transcript shows, oldest first; empty where the journal knows nothing of it.

    Args:
        transcript: the transcript's id, which is that of the chain's first turn.
        request: a question in it, by which it is found as well.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return []
    try:
        rounds = journal.chain(transcript)
        call = journal.call(request) if request and not rounds else None
        turn = journal.turn(call.turn_id) if call is not None else None
        if turn is not None:
            rounds = journal.chain(turn.begun.chain_id)
        for call in rounds[-1].calls if rounds else ():
            call.request = ask_about_unknown(call, journal)
        return rounds
    except JournalError:
        return []


def is_open(rounds: Sequence[TurnEntry]) -> bool:
    """A call of the last round waits for a human, or was decided and not gone on with."""
    return any(_waits(call) for call in rounds[-1].calls)


def paused_chain(rounds: Sequence[TurnEntry], variables: Mapping[str, Any]) -> PausedChain | None:
    """What goes on with a chain of the journal, with the tools that are defined here; None where the journal is closed.

    Args:
        rounds: of the chain, oldest first.
        variables: the user's.

    Raises:
        UnknownModelError: its model is not known here.
        JournalError: the journal cannot be read.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return None
    last = rounds[-1]
    names = {name for turn in rounds for name in turn.begun.settings.get("tools", [])}
    names |= {call.tool_name for call in last.calls}
    tools = list({id(tool): tool for tool in defined_tools(sorted(names), variables).values()}.values())
    call = next((call for call in last.calls if _waits(call)), None)
    if call is None:
        return left_of(last, journal, tools=tools)
    return pause_of(call, journal, tools=tools).paused


def _waits(call: CallEntry) -> bool:
    return call.state in _OPEN or (call.state in _NOT_GONE_ON_WITH and call.result is None)
