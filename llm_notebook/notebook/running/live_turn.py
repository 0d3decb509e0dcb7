"""One turn that this kernel shows: its view, and how it continues."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llm_notebook.journal.operations import CallEntry, TurnEntry
from llm_notebook.models.pauses import PauseChain
from llm_notebook.notebook.display.feed import Feed
from llm_notebook.notebook.display.notebook import AnswerDisplay
from llm_notebook.notebook.frontend.kernel import Request
from llm_notebook.notebook.running.printed import ShownOutput
from llm_notebook.providers.catalog.costs import Cost
from llm_notebook.transcript.view import TranscriptView
from llm_notebook.turns.origin import Origin, origin_of
from llm_notebook.turns.pauses import PausedChain
from llm_notebook.turns.turn import RetryNotice

if TYPE_CHECKING:
    from llm_notebook.models.chain_responses import ChainResponse
    from llm_notebook.notebook.cells.session import ConversationNode
    from llm_notebook.notebook.line.options import Arguments
    from llm_notebook.notebook.prompts.wanted import Wanted

Resume = Callable[[], "ChainResponse"]
"""Makes the chain that continues a turn."""
AskWith = Callable[[str], "tuple[ChainResponse, tuple[Arguments, ConversationNode]]"]
"""Asks another model the same. Takes the model's id; returns the chain, and the options of its magic with its place in the conversation."""

__all__ = ["AskWith", "LiveTurn", "Resume", "ask_about_stopped_call", "follow"]


@dataclass(slots=True, eq=False)
class LiveTurn:
    """One transcript: its view, and how it continues.

    Attributes:
        view: its contents. Change them only while the turn is not running, and then call `display.refresh()`.
        feed: the messages about its changes.
        display: shows the transcript.
        context: the options of its magic and its place in the conversation; None if it was read from the journal.
        request: the request of the cell that shows it; None in a terminal, or if the cell was run in another kernel.
        chain: the chain that was read last; None if that happened in another kernel.
        paused: the pause or interruption that it continues from; None while it runs and once it is over.
        rounds: its turns in the journal, if this kernel has not run it but read it from there.
        is_running: whether a run is under way.
        wanted: what its cell wants of the answer; None if that is not known here.
        ask_with: asks another model the same; None if it is not known how.
        costs: the costs of the rounds that finished in this kernel.
        unread: the calls whose tools had changed, so that their questions were drawn again in the cell that asked while another cell ran.
        read: the digests of the questions of which all was shown as text.
        again: continues a run over rows, in the running cell and in this transcript; None for an answer.
    """

    view: TranscriptView
    feed: Feed
    display: AnswerDisplay
    context: tuple[Arguments, ConversationNode] | None = None
    request: Request | None = None
    chain: ChainResponse | None = None
    paused: PausedChain | None = None
    rounds: Sequence[TurnEntry] = ()
    is_running: bool = False
    wanted: Wanted | None = None
    ask_with: AskWith | None = None
    costs: list[Cost] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    read: set[str] = field(default_factory=set)
    again: Callable[[LiveTurn], None] | None = None

    @property
    def origin(self) -> Origin:
        """Where the turn was asked."""
        if self.chain is not None:
            return self.chain._chain.log.origin
        return origin_of(self.rounds[0].begun) if self.rounds else Origin()

    @property
    def is_waiting(self) -> bool:
        """Whether the turn waits for a human."""
        return not self.is_running and (self.paused is not None or bool(self.rounds)) and self.view.state == "paused"


def ask_about_stopped_call(chain: ChainResponse) -> PauseChain | None:
    """Close a chain after ■. If a tool was running, return a pause that asks whether it had done its work; otherwise None."""
    with suppress(KeyboardInterrupt):
        chain.close()
    if not chain._chain.log.find_lost() or chain._chain.left is None:
        return None
    try:
        # The interrupted call is the first one without a result, so the chain asks about it before it runs anything else.
        chain._chain.left.resume()._read_all()
    except PauseChain as pause:
        return pause
    except BaseException:
        # If ■ is pressed again or the journal fails, there is no question, and the turn is shown as interrupted.
        return None
    return None


def follow(turn: LiveTurn, chain: ChainResponse, began: float) -> ShownOutput:
    """Let a turn run a chain, and show what the chain reports besides its events: retries, the state of its calls, and what they print.

    Returns the object that receives the printed text.

    Args:
        began: when the turn began, in seconds on the monotonic clock, moved forward by the time that humans took to decide.
    """
    view, display, log = turn.view, turn.display, chain._chain.log
    turn.is_running, turn.paused, turn.rounds = True, None, ()
    turn.chain = chain
    turn.unread.clear()
    # A card is sent once, as soon as its call waits. So what all cards offer has to be known before the first of them is sent.
    if chain.prompt.tool_sources:
        view.scopes, view.grants_end = log.scopes, not log.origin.notebook

    def show_retry(retry: RetryNotice) -> None:
        view.seconds = time.monotonic() - began
        view.show_notice(f"{retry.reason}.", retry.delay, f"Try {retry.attempt} of {retry.of}.")
        display.changed()

    def show_call(entry: CallEntry) -> None:
        view.update_call(entry, time.monotonic() - began)
        display.changed()

    chain._chain.on_retry = show_retry
    log.on_call = show_call
    log.output = output = ShownOutput(view, display)
    return output
