"""What an earlier kernel left in the journal for a cell: the turn that it continues, and the question that waits in it."""

from __future__ import annotations

from llm_notebook.call_log import Place
from llm_notebook.errors import JournalError, UnknownModelError
from llm_notebook.journals import Journal
from llm_notebook.notebook.errors import CellError
from llm_notebook.notebook.kernel import journal_cell
from llm_notebook.notebook.reopened import is_open
from llm_notebook.reopening import response_of
from llm_notebook.responses import Response
from llm_notebook.runtime import runtime

__all__ = ["recalled_turn", "recalled_waiting", "response_named"]


def recalled_turn(cell: str, notebook: str) -> Response | None:
    """What a cell with `-c` continues: what it continued before, or else the latest answer of the notebook; None if unknown.

    Args:
        cell: the cell's identity.
        notebook: the notebook's path, as far as it is known.
    """
    journal = runtime.journal
    if journal is None:
        return None
    try:
        place = journal_cell(cell)
        before = journal.latest_turn(cell_id=place) if place else None
        if before is not None:
            parent_id = journal.chain(before.begun.chain_id)[0].begun.parent_id
        else:
            latest = journal.latest_turn(notebook=notebook) if notebook else None
            parent_id = latest.begun.turn_id if latest is not None else None
        return _response(parent_id, journal) if parent_id is not None else None
    except (JournalError, UnknownModelError):
        return None


def recalled_waiting(place: Place) -> str | None:
    """The chain that waits for a human in this cell, which still says the same; None where none does."""
    journal = runtime.journal
    if journal is None:
        return None
    try:
        latest = journal.latest_turn(cell_id=place.cell_id)
        if latest is None or latest.begun.settings.get("text") != place.text:
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
    journal = runtime.journal
    if journal is None:
        raise CellError(f"{runtime.journal_problem or 'No journal is open.'} Nothing was sent.")
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
    return None if turn is None else response_of(turn, journal)
