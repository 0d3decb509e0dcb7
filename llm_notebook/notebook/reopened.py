"""Turns that this kernel has not asked, or no longer knows: read from the journal, to be shown, decided about and gone on with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llm_notebook.errors import JournalError
from llm_notebook.journals import CallEntry, TurnEntry
from llm_notebook.notebook.defined_tools import defined_tools
from llm_notebook.pauses import PausedChain
from llm_notebook.reopening import asked_about, left_of, pause_of
from llm_notebook.runtime import runtime

__all__ = ["is_open", "paused_chain", "rounds_named"]

_OPEN = ("waiting", "unknown")
_NOT_GONE_ON_WITH = ("approved", "denied", "answered", "abandoned")


def rounds_named(transcript: str, request: str = "") -> list[TurnEntry]:
    """The rounds of the chain that a transcript shows, oldest first; empty where the journal knows nothing of it.

    Args:
        transcript: the transcript's id, which is that of the chain's first turn.
        request: a question in it, by which it is found as well.
    """
    journal = runtime.journal
    if journal is None:
        return []
    try:
        rounds = journal.chain(transcript)
        call = journal.call(request) if request and not rounds else None
        turn = journal.turn(call.turn_id) if call is not None else None
        if turn is not None:
            rounds = journal.chain(turn.begun.chain_id)
        for call in rounds[-1].calls if rounds else ():
            call.request = asked_about(call, journal)
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
    journal = runtime.journal
    if journal is None:
        return None
    last = rounds[-1]
    names = {name for turn in rounds for name in turn.begun.settings.get("tools", [])}
    names |= {call.tool_name for call in last.calls}
    tools = list({id(tool): tool for tool in defined_tools(sorted(names), variables).values()}.values())
    call = next((call for call in last.calls if _waits(call)), None)
    if call is None:
        return left_of(last, journal, tools=tools)
    paused: PausedChain = pause_of(call, journal, tools=tools).paused
    return paused


def _waits(call: CallEntry) -> bool:
    return call.state in _OPEN or (call.state in _NOT_GONE_ON_WITH and call.result is None)
