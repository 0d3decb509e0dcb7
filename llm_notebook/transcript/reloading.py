"""A chain from the journal as a TranscriptView, the same view that its live stream built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llm_notebook.parts.messages import Message, StreamEvent, events_of
from llm_notebook.transcript.usage import add_usage
from llm_notebook.transcript.view import Problem, State, TranscriptView

if TYPE_CHECKING:
    from llm_notebook.journal.operations import TurnEntry

__all__ = ["view_of_turns"]


def view_of_turns(turns: Sequence[TurnEntry], transcript_id: str = "") -> TranscriptView:
    """Return the view of one chain.

    Args:
        turns: the rounds of the chain, oldest first; at least one.
        transcript_id: the `id` of the view; by default the id of the chain.
    """
    first = turns[0].begun
    view = TranscriptView(first.model_id, id=transcript_id or first.chain_id, began=first.at.isoformat())
    view.hide_reasoning = bool(first.settings.get("hide_reasoning"))
    rounds = _Rounds(view)
    for turn in turns:
        if turn is not turns[0]:
            rounds.feed_results(turn.begun.messages)
        rounds.feed_answer(turn)
        view.usage = add_usage(view.usage, turn.usage)
    last = turns[-1]
    view.end(_state(last), rounds.seconds)
    if last.status == "failed" and last.error:
        view.problem = Problem("The answer broke off.", last.error)
    elif last.status == "streaming" or last.is_cut_off:
        view.problem = Problem("The answer did not end.", "Its kernel stopped before it was complete.")
    return view


class _Rounds:
    """Feeds several rounds to a view, with their parts numbered as in one stream."""

    def __init__(self, view: TranscriptView) -> None:
        self.seconds = 0.0
        self._view = view
        self._part = 0

    def feed_answer(self, turn: TurnEntry) -> None:
        """Feed what the model answered in a round, and the state of the calls that it requested."""
        self._feed(turn.output)
        for call in turn.calls:
            self._view.update_call(call)
        self.seconds += (turn.duration_ms or 0) / 1000

    def feed_results(self, messages: Sequence[Message]) -> None:
        """Feed the results of calls, which begin the next round."""
        self._feed([message for message in messages if message.role == "tool"])

    def _feed(self, messages: Sequence[Message]) -> None:
        for message in messages:
            for part in message.parts:
                for event in events_of(part, 0):
                    self._view.feed(self._numbered(event), self.seconds)
                self._part += 1

    def _numbered(self, event: StreamEvent) -> StreamEvent:
        return replace(event, part_index=self._part)


def _state(last: TurnEntry) -> State:
    if last.status == "streaming" or last.is_cut_off:
        return "failed"
    if last.status != "complete":
        return last.status
    states = {call.state for call in last.calls}
    if states & {"waiting", "unknown"}:
        return "paused"
    # The model has not been prompted again after its calls, so the chain stopped here.
    return "interrupted" if states else "done"
