"""Reads what earlier kernels left in the journal: the turn that a cell continues, the questions that wait in it, and its chain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError, UnknownModelError
from llm_notebook.journal.current import CurrentJournal
from llm_notebook.journal.operations import CallEntry, TurnEntry, is_open
from llm_notebook.journal.protocol import Journal
from llm_notebook.models.responses import Response
from llm_notebook.models.stored.resuming import (
    ask_about_unknown,
    asked_inside,
    asking_turn,
    left_of,
    model_of,
    open_calls,
    pause_of,
    response_of,
)
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.prompts.tools import find_defined_tools, toolbox_key
from llm_notebook.tools.collecting import as_tools
from llm_notebook.tools.toolbox import Toolbox
from llm_notebook.turns.origin import Origin
from llm_notebook.turns.pauses import PausedChain

__all__ = [
    "find_response",
    "has_open_calls",
    "load_paused_chain",
    "read_continued_turn",
    "read_inside",
    "read_open_calls",
    "read_open_turns",
    "read_rounds",
]


def read_continued_turn(origin: Origin) -> Response | None:
    """Return the response that a prompt with `-c` continues, as earlier kernels left it.

    This is the response that the same prompt of the cell continued when it was last run, or else the latest response of the notebook.
    If only the path that the kernel was started with is known, it is not certain which notebook a new cell is in. Then only the former counts.

    Args:
        origin: the place where the prompt is asked.

    Returns:
        The response; None if there is none, or if the journal or the response's model is not available.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return None
    try:
        before = _read_cell(origin, journal)
        if before is not None:
            parent_id = journal.chain(before.begun.chain_id)[0].begun.parent_id
        else:
            latest = journal.latest_turn(notebook=origin.notebook) if origin.notebook else None
            parent_id = latest.begun.turn_id if latest is not None else None
        return _read_response(parent_id, journal) if parent_id is not None else None
    except (JournalError, UnknownModelError):
        return None


def _read_cell(origin: Origin, journal: Journal) -> TurnEntry | None:
    """Return the latest turn of the same prompt of a cell; None if it is not known which cell of which notebook asks."""
    if not origin.cell_id or not origin.path:
        return None
    # A turn has been kept under one of the two paths.
    path = {"notebook": origin.notebook} if origin.notebook else {"started_in": origin.started_in}
    return journal.latest_turn(cell_id=origin.cell_id, place=origin.place, **path)


def read_open_turns(cell_id: str) -> list[TurnEntry]:
    """Return the turns with calls that wait for a human in the cells with this id, oldest first. Copies of a cell can share its id."""
    journal = process.of(CurrentJournal).journal if cell_id else None
    if journal is None:
        return []
    try:
        return journal.open_turns(cell_id)
    except JournalError:
        return []


def find_response(name: str) -> Response:
    """Find the response that `--cid` names: the response of a turn, the last one of a transcript, or the latest one of a conversation.

    Args:
        name: the id of a transcript, or all or part of the id of a turn or a conversation.

    Raises:
        CellError: there is no such turn or conversation, or it cannot be read.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        raise CellError(f"{process.of(CurrentJournal).problem or 'No journal is open.'} Nothing was sent.")
    try:
        rounds = journal.chain(name)
        turn = rounds[-1] if rounds else journal.turn(name)
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
        request: the id of one of its calls, by which the chain can also be found.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return []
    try:
        rounds = journal.chain(transcript)
        call = journal.call(request) if request and not rounds else None
        turn = asking_turn(call, journal) if call is not None else None
        if turn is not None:
            rounds = journal.chain(turn.begun.chain_id)
        for call in rounds[-1].calls if rounds else ():
            call.request = ask_about_unknown(call, journal)
        return rounds
    except JournalError:
        return []


def read_inside(rounds: Sequence[TurnEntry]) -> dict[str, list[CallEntry]]:
    """Return the calls that a chain's tools have asked a human about, by the calls of these tools."""
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return {}
    try:
        return {call.call_id: asked_inside(call, journal) for turn in rounds for call in turn.calls}
    except JournalError:
        return {}


def has_open_calls(rounds: Sequence[TurnEntry]) -> bool:
    """Return whether a call of the last turn waits for a human, was decided but has no result yet, or waits for a call inside it."""
    return any(map(is_open, rounds[-1].calls))


def read_open_calls(turn: TurnEntry) -> list[CallEntry]:
    """Return the calls of a turn and of its tools that wait for a human, or were decided but have no result yet."""
    journal = process.of(CurrentJournal).journal
    return [found for call in turn.calls for found in open_calls(call, journal)] if journal is not None else []


def load_paused_chain(
    rounds: Sequence[TurnEntry], variables: Mapping[str, Any], given: Mapping[str, Any]
) -> PausedChain | None:
    """Load a chain from the journal so that it can continue, with the tools that its cell and this notebook define.

    Args:
        rounds: the turns of the chain, oldest first.
        variables: the user's variables.
        given: the tools that the chain's cell was run with in this kernel, by name.

    Returns:
        The paused chain; None if no journal is open. If this kernel does not know the chain's model, an AbsentModel takes its place.

    Raises:
        UnknownModelError: this kernel does not know the chain's model, and no question waits.
        JournalError: the journal cannot be read.
    """
    journal = process.of(CurrentJournal).journal
    if journal is None:
        return None
    last = rounds[-1]
    asked = [turn.begun.settings for turn in rounds if turn.begun.settings.get("tools")]
    settings = asked[-1] if asked else {}
    given_names, called = settings.get("tools", []), [call.tool_name for call in last.calls]
    identities = settings.get("identities", [])
    own = _own_tools(given_names, identities, called, given)
    known = {tool.name for tool in as_tools(own)}
    defined = find_defined_tools(settings, called, variables)
    others = [item for item in defined if known.isdisjoint(tool.name for tool in as_tools([item]))]
    # A Toolbox may be found under the names of several of its tools, but must be given only once.
    tools = _without_doubles([*own, *others])
    call = next(iter(read_open_calls(last)), None)
    if call is None:
        return left_of(last, journal, tools=tools)
    return pause_of(call, journal, tools=tools, model=model_of(asking_turn(call, journal))).paused


def _own_tools(
    names: Sequence[str], identities: Sequence[str], called: Sequence[str], given: Mapping[str, Any]
) -> list[Any]:
    """Return the tools that a chain was given, as far as its cell has also been run with them in this kernel.

    Args:
        names, identities: the names and the identities of the tools that the chain was given.
        called: the names of the tools that it called.
        given: see `load_paused_chain()`.
    """
    named = zip_longest(names, identities[: len(names)], fillvalue="")
    own = [given.get(toolbox_key(name, identity), given.get(name)) for name, identity in named]
    own = _without_doubles(item for item in own if item is not None)
    if any(isinstance(item, Toolbox) and item.pending_preparations() for item in own):
        # It may still add the tools that were called, and two tools with the same name would be refused.
        return own
    known = {tool.name for tool in as_tools(own)}
    return _without_doubles([*own, *(given[name] for name in called if name in given and name not in known)])


def _without_doubles(items: Iterable[object]) -> list[Any]:
    return list({id(item): item for item in items}.values())
