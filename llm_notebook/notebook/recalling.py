"""Reads from the journal what earlier kernels left: the turn that a cell continues, the question that waits in it, its chain."""

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
from llm_notebook.notebook.tools import find_defined_tools
from llm_notebook.turns.log import Origin
from llm_notebook.turns.pauses import PausedChain

__all__ = ["find_response", "is_open", "load_paused_chain", "read_continued_turn", "read_rounds", "read_waiting_chain"]


_OPEN = ("waiting", "unknown")
_DECIDED = ("approved", "denied", "answered", "abandoned")


def read_continued_turn(cell: str, notebook: str) -> Response | None:
    """Return the response that a cell with `-c` continues, as earlier kernels left it.

    That is the response that the cell continued when it was last run, or else the latest response of the notebook.

    Args:
        cell: the cell's identity.
        notebook: the notebook's path; empty if it is not known.

    Returns:
        None if there is no such response, or the journal or its model cannot be reached.
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
        return _read_response(parent_id, journal) if parent_id is not None else None
    except (JournalError, UnknownModelError):
        return None


def read_waiting_chain(origin: Origin) -> str | None:
    """Return the id of the chain that waits for a human in a cell whose text is unchanged, or None."""
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


def find_response(name: str) -> Response:
    """Find the response that `--cid` names: that of a turn, or the latest of a conversation.

    Args:
        name: the id of a turn or of a conversation, or a part of it.

    Raises:
        CellError: there is no such turn or conversation, or it cannot be read.
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
        response = _read_response(found, journal) if found is not None else None
    except JournalError as error:
        raise CellError(f"{error} Nothing was sent.") from None
    except UnknownModelError as error:
        raise CellError(f"{error} Name one with -m. Nothing was sent.") from None
    if response is None:
        raise CellError(f"There is no conversation or turn {name}. `%llm history` lists the latest. Nothing was sent.")
    return response


def _read_response(turn_id: str, journal: Journal) -> Response | None:
    turn = journal.turn(turn_id)
    response = response_of(turn, journal) if turn is not None else None
    return response if isinstance(response, Response) else None


def read_rounds(transcript: str, request: str = "") -> list[TurnEntry]:
    """Return the turns of the chain that a transcript shows, oldest first; empty if the journal does not hold it.

    A call that was interrupted in another kernel becomes a question, which the journal keeps.

    Args:
        transcript: the transcript's id, which is the id of the chain's first turn.
        request: the id of one of its calls, by which the chain is found too.
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
    """Return whether a call of the last turn waits for a human, or was decided but has no result yet."""
    return any(_waits(call) for call in rounds[-1].calls)


def load_paused_chain(rounds: Sequence[TurnEntry], variables: Mapping[str, Any]) -> PausedChain | None:
    """Load a chain of the journal so that it can continue, with the tools that this notebook defines.

    Args:
        rounds: the turns of the chain, oldest first.
        variables: the user's variables.

    Returns:
        None if no journal is open.

    Raises:
        UnknownModelError: this kernel does not know the chain's model.
        JournalError: the journal cannot be read.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return None
    last = rounds[-1]
    asked = [turn.begun.settings for turn in rounds if turn.begun.settings.get("tools")]
    given, identities = (asked[-1]["tools"], asked[-1].get("identities", [])) if asked else ([], [])
    tools = find_defined_tools(given, [call.tool_name for call in last.calls], variables, identities)
    call = next((call for call in last.calls if _waits(call)), None)
    if call is None:
        return left_of(last, journal, tools=tools)
    return pause_of(call, journal, tools=tools).paused


def _waits(call: CallEntry) -> bool:
    return call.state in _OPEN or (call.state in _DECIDED and call.result is None)
