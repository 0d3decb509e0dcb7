"""Turns as additions to the tables: one row when a turn begins, another when it ends, and their words in the search index."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llm_notebook.journal.sqlite import search
from llm_notebook.journal.sqlite.columns import (
    Contents,
    integer_column,
    json_column,
    messages_column,
    text_column,
    time_column,
    usage_column,
)
from llm_notebook.journal.sqlite.transactions import Transaction, Write

if TYPE_CHECKING:
    from llm_notebook.journal.operations import TurnBegun, TurnEnded

__all__ = ["turn_begun", "turn_ended"]


def turn_begun(turn: TurnBegun, owner: str | None = None) -> Write[None]:
    """Return the write that records the beginning of a turn.

    Args:
        turn: the operation.
        owner: the lock of the process that begins the turn; None if it holds none.
    """
    if turn.parent_id == turn.turn_id:
        raise ValueError(f"Turn {turn.turn_id} cannot continue itself.")
    contents = Contents()
    columns = {
        "turn_id": text_column(turn.turn_id),
        "conversation_id": text_column(turn.conversation_id),
        "chain_id": text_column(turn.chain_id),
        "parent_id": text_column(turn.parent_id),
        "model_id": text_column(turn.model_id),
        "messages": messages_column(turn.messages, contents),
        "is_whole": int(turn.is_whole),
        "settings": json_column(turn.settings),
        "cell_id": text_column(turn.cell_id),
        "notebook": text_column(turn.notebook),
        "began_at": time_column(turn.at),
        "started_in": text_column(turn.started_in),
        "place": turn.place,
        "request": text_column(turn.request),
        "inside": text_column(turn.inside),
        "rows": text_column(turn.rows),
        "owner": text_column(owner),
    }
    prompt = search.prompt_text(turn.messages, turn.settings)

    def store(transaction: Transaction) -> None:
        if transaction.row("SELECT 1 FROM turns WHERE turn_id = ?", columns["turn_id"]):
            raise ValueError(f"Turn {turn.turn_id} has begun already.")
        transaction.keep(contents)
        number = transaction.insert("turns", columns)
        search.index_prompt(transaction.connection, number, prompt, uses_index=transaction.uses_index)

    return Write(store)


def turn_ended(turn: TurnEnded) -> Write[None]:
    """Return the write that records the end of a turn."""
    if turn.status == "streaming":
        raise ValueError("A turn that has ended is not streaming.")
    contents = Contents()
    turn_id = text_column(turn.turn_id)
    columns = {
        "status": turn.status,
        "output": messages_column(turn.messages, contents),
        "usage": usage_column(turn.usage),
        "duration_ms": integer_column(turn.duration_ms),
        "resolved_model": text_column(turn.resolved_model),
        "error": text_column(turn.error),
        "finish_reason": None if turn.finish is None else turn.finish.reason,
        "finish_said": None if turn.finish is None else text_column(turn.finish.said),
        "failure": turn.failure,
    }
    answer = search.answer_text(turn.messages)

    def store(transaction: Transaction) -> None:
        number = transaction.number_of_turn(turn_id)
        if transaction.row("SELECT 1 FROM turn_endings WHERE number = ?", number):
            raise ValueError(f"Turn {turn.turn_id} has ended already.")
        transaction.keep(contents)
        transaction.insert("turn_endings", {"number": number, **columns})
        search.index_answer(transaction.connection, number, answer, uses_index=transaction.uses_index)

    return Write(store, must_last=True)
