"""Turns that this kernel has not asked, or no longer knows: read from the journal, to be shown and decided about."""

from __future__ import annotations

from llm_notebook.journals import CallEntry, Journal, TurnEntry
from llm_notebook.transcript.reloading import view_of_turns
from llm_notebook.transcript.view import TranscriptView

__all__ = ["rounds_of", "view_of_call", "view_of_turn"]


def view_of_turn(journal: Journal, turn_id: str, transcript: str = "") -> TranscriptView | None:
    """The view of the chain that this turn is a round of, as far as it; None where the journal has no such turn.

    Args:
        journal: where it is read.
        turn_id: the last round.
        transcript: the id of the transcript, if it has one already.
    """
    rounds = rounds_of(journal, turn_id)
    return view_of_turns(rounds, transcript) if rounds else None


def view_of_call(journal: Journal, call: CallEntry, transcript: str = "") -> TranscriptView | None:
    """The view of the chain in which this call was asked for."""
    return view_of_turn(journal, call.turn_id, transcript)


def rounds_of(journal: Journal, turn_id: str) -> list[TurnEntry]:
    """The rounds of a chain up to this one, oldest first."""
    rounds: list[TurnEntry] = []
    turn = journal.turn(turn_id)
    while turn is not None:
        rounds.append(turn)
        parent = turn.begun.parent_id
        # A round goes on where tools have answered; anything else is a prompt of somebody's.
        is_round = bool(turn.begun.messages) and turn.begun.messages[0].role == "tool"
        turn = journal.turn(parent) if parent is not None and is_round else None
    return rounds[::-1]
