"""Runs over rows in the journal: the operations that begin and end a run, and the entries that are read. Each row of a run is a turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from llm_notebook.journal.operations import AnsweredWith, TurnBegun, TurnEnded, TurnStatus

if TYPE_CHECKING:
    from llm_notebook.parts.finishes import Finish
    from llm_notebook.parts.messages import Message, Usage

__all__ = ["RowAsked", "RowEntry", "RowsBegun", "RowsEnded", "RowsEntry"]


@dataclass(slots=True, frozen=True)
class RowsBegun(AnsweredWith[str]):
    """A run over rows is about to begin. Answered with the id of the same run if another process is running it, else with an empty text.

    In the first case nothing is recorded.

    Attributes:
        rows_id: a ULID.
        same: a digest of what is asked, by which the same run is recognized.
        model_id: the model that is asked.
        prompt: the prompt, with its expressions.
        count: how many rows there are; None if the number is not known beforehand.
        notebook: where the run is asked for, if the front end said so.
    """

    rows_id: str
    same: str
    model_id: str
    prompt: str
    count: int | None
    at: datetime
    notebook: str | None = None


@dataclass(slots=True, frozen=True)
class RowsEnded(AnsweredWith[None]):
    """A run over rows has ended. Answered with None.

    Attributes:
        status: how it ended; `complete` if no row is left to ask.
    """

    rows_id: str
    status: TurnStatus
    at: datetime


@dataclass(slots=True, frozen=True)
class RowAsked(AnsweredWith[None]):
    """A row was asked, and its turn has ended. Answered with None.

    A run has no use for turns that have only begun, and recording both together costs half as much.
    """

    begun: TurnBegun
    ended: TurnEnded


@dataclass(slots=True)
class RowEntry:
    """The latest answer to a row, or why there is none.

    Attributes:
        request: the digest of what was sent.
        rows_id: the run that asked it.
        turn_id: the turn that asked it.
        status: how the turn ended.
        output: the messages of the model.
        failure: what kind of failure it was; empty if the turn did not fail.
        error: why it failed, as a sentence.
        at: when the turn began.
    """

    request: str
    rows_id: str
    turn_id: str
    status: TurnStatus
    output: list[Message]
    usage: Usage | None
    finish: Finish | None
    failure: str
    error: str
    at: datetime


@dataclass(slots=True)
class RowsEntry:
    """A run over rows, as recorded in the journal.

    Attributes:
        begun: the operation that began it.
        status: how it ended, or `streaming`. If its process ended first, the run reads as `interrupted`.
        ended_at: when it ended; None if it has not.
        answered, failed: how many of the requests that it sent were answered in the end, and how many were not. One that was repeated counts
            once, and so do those of equal rows. Requests that were interrupted are neither.
        input_tokens, output_tokens: what they used.
    """

    begun: RowsBegun
    status: TurnStatus
    ended_at: datetime | None
    answered: int
    failed: int
    input_tokens: int
    output_tokens: int
