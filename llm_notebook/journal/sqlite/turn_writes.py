"""Turns as additions to the tables: one row when a turn begins, another when it ends, and their words in the search index."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from llm_notebook.journal.sqlite import search
from llm_notebook.journal.sqlite.columns import (
    Column,
    Contents,
    integer_column,
    json_column,
    messages_column,
    text_column,
    time_column,
    usage_column,
)
from llm_notebook.journal.sqlite.transactions import Transaction, WholeTurn, Write, is_taken

if TYPE_CHECKING:
    from llm_notebook.journal.operations import TurnBegun, TurnEnded

__all__ = ["turn_begun", "turn_ended", "whole_turn"]


def turn_begun(turn: TurnBegun, owner: str | None = None) -> Write[None]:
    """Return the write that records the beginning of a turn.

    Args:
        turn: the operation.
        owner: the lock of the process that begins the turn; None if it holds none.
    """
    contents = Contents()
    columns = _beginning(turn, owner, contents)
    prompt = search.prompt_text(turn.messages, turn.settings)

    def store(transaction: Transaction) -> None:
        transaction.keep(contents)
        try:
            number = transaction.insert("turns", columns)
        except sqlite3.IntegrityError as error:
            raise (ValueError(f"Turn {turn.turn_id} has begun already.") if is_taken(error) else error) from None
        transaction.index((search.row_of_prompt(number), prompt))

    return Write(store)


def turn_ended(turn: TurnEnded) -> Write[None]:
    """Return the write that records the end of a turn."""
    contents = Contents()
    columns = _ending(turn, contents)
    turn_id = text_column(turn.turn_id)
    answer = search.answer_text(turn.messages)

    def store(transaction: Transaction) -> None:
        number = transaction.number_of_turn(turn_id)
        transaction.keep(contents)
        try:
            transaction.insert("turn_endings", {"number": number, **columns})
        except sqlite3.IntegrityError as error:
            raise (ValueError(f"Turn {turn.turn_id} has ended already.") if is_taken(error) else error) from None
        transaction.index((search.row_of_answer(number), answer))

    return Write(store, must_last=True)


def whole_turn(begun: TurnBegun, ended: TurnEnded, owner: str | None) -> Write[None]:
    """Return the write that records the beginning and the end of a turn together.

    Args:
        begun, ended: the operations.
        owner: the lock of the process that begins the turn; None if it holds none.
    """
    contents = Contents()
    turn = WholeTurn(
        _beginning(begun, owner, contents),
        _ending(ended, contents),
        search.prompt_text(begun.messages, begun.settings),
        search.answer_text(ended.messages),
    )

    def store(transaction: Transaction) -> None:
        transaction.keep(contents)
        transaction.add(turn)

    return Write(store, must_last=True)


def _beginning(turn: TurnBegun, owner: str | None, contents: Contents) -> dict[str, Column]:
    """Return the columns of the beginning of a turn, and add the bytes of its attachments to `contents`."""
    if turn.parent_id == turn.turn_id:
        raise ValueError(f"Turn {turn.turn_id} cannot continue itself.")
    return {
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


def _ending(turn: TurnEnded, contents: Contents) -> dict[str, Column]:
    """Return the columns of the end of a turn, and add the bytes of its attachments to `contents`."""
    if turn.status == "streaming":
        raise ValueError("A turn that has ended is not streaming.")
    return {
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
