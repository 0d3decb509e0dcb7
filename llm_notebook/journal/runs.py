"""Runs over rows in the journal: the operations that begin and end a run, and the entries that are read. Each row of a run is a turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from llm_notebook.journal.operations import AnsweredWith, TurnBegun, TurnEnded, TurnStatus

if TYPE_CHECKING:
    from llm_notebook.parts.finishes import Finish
    from llm_notebook.parts.messages import Message, Usage

__all__ = ["RowAsked", "RowEntry", "RowsBegun", "RowsCounts", "RowsEnded", "RowsEntry", "RowsMoved"]


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
class RowsCounts:
    """How far a run over rows has come.

    Attributes:
        answered: how many rows have an answer that fits, including those that were answered before the run began.
        failed: how many rows have failed, including those that had failed before and are not asked again.
        known: how many of all these were answered, or had failed, before the run began.
        cost: what it cost to ask them, before as well as in this run, in US dollars; None if that is not known.
    """

    answered: int
    failed: int
    known: int
    cost: float | None


@dataclass(slots=True, frozen=True)
class RowsMoved(AnsweredWith[None]):
    """A run over rows has come further. Answered with None."""

    rows_id: str
    counts: RowsCounts


@dataclass(slots=True, frozen=True)
class RowsEnded(AnsweredWith[None]):
    """A run over rows has ended. Answered with None.

    Attributes:
        status: how it ended; `complete` if no row is left to ask.
        counts: how far it has come.
    """

    rows_id: str
    status: TurnStatus
    at: datetime
    counts: RowsCounts


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
        answered: how many rows have an answer, including those that were answered before it began.
        failed: how many rows have failed, including those that had failed before and were not asked again.
        known: how many of all these were answered, or had failed, before it began.
        cost: what it cost to ask all of them, before as well as in this run, in US dollars; None if that is not known.
        input_tokens, output_tokens: what its own requests used.
    """

    begun: RowsBegun
    status: TurnStatus
    ended_at: datetime | None
    answered: int
    failed: int
    known: int
    cost: float | None
    input_tokens: int
    output_tokens: int
