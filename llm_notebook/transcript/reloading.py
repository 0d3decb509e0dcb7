"""A chain from the journal as a TranscriptView, the same view that its live stream built."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from llm_notebook.parts.messages import Message, StreamEvent, ToolCallPart, events_of, user
from llm_notebook.parts.sent import Sent
from llm_notebook.transcript.blocks import seconds_of
from llm_notebook.transcript.endings import GO_ON, Limit, Problem
from llm_notebook.transcript.usage import add_usage
from llm_notebook.transcript.view import State, TranscriptView

if TYPE_CHECKING:
    from llm_notebook.journal.operations import CallEntry, TurnEntry

__all__ = ["view_of_turns"]


def view_of_turns(
    turns: Sequence[TurnEntry], transcript_id: str = "", inside: Mapping[str, Sequence[CallEntry]] | None = None
) -> TranscriptView:
    """Return the view of one chain.

    Args:
        turns: the rounds of the chain, oldest first; at least one.
        transcript_id: the `id` of the view; by default the id of the chain.
        inside: the calls that tools of the chain asked a human about, by the calls of these tools.
    """
    first = turns[0].begun
    view = TranscriptView(first.model_id, id=transcript_id or first.chain_id, began=first.at.isoformat())
    view.hide_reasoning = bool(first.settings.get("hide_reasoning"))
    view.sent = [Sent.from_dict(sent) for sent in first.settings.get("sent", ())]
    rounds = _Rounds(view, inside or {})
    for before, turn in zip([None, *turns], turns, strict=False):
        if before is not None:
            rounds.feed_results(turn.begun.messages)
            if before.status in ("interrupted", "failed") or before.is_cut_off or _asks_to_go_on(turn):
                view.join_next()
        rounds.feed_answer(turn)
        view.usage = add_usage(view.usage, turn.usage)
    last = turns[-1]
    view.limit = _limit(turns)
    if last.status == "complete" and last.finish is not None:
        view.finish = last.finish.reason
    view.end("paused" if view.open_calls and last.status == "complete" else _state(last), rounds.seconds)
    if last.status == "failed" and last.error:
        view.problem = Problem("The answer broke off." if view.blocks else "No answer came.", last.error)
    elif last.is_cut_off:
        view.problem = Problem("The answer did not end.", "Its kernel stopped before it was complete.")
    elif last.status == "streaming":
        view.problem = Problem(
            "The answer has not ended.", "It is being written in another kernel, or that kernel has stopped."
        )
    return view


class _Rounds:
    """Feeds several rounds to a view, with their parts numbered as in one stream."""

    def __init__(self, view: TranscriptView, inside: Mapping[str, Sequence[CallEntry]]) -> None:
        self.seconds = 0.0
        self._view = view
        self._inside = inside
        self._part = 0

    def feed_answer(self, turn: TurnEntry) -> None:
        """Feed what the model answered in a round, and the state of the calls that it requested."""
        self._feed(turn.output)
        for call in turn.calls:
            self._view.update_call(call)
            for inner in self._inside.get(call.call_id, ()):
                self._view.update_call(inner)
        # Between a question and its answer neither the model nor a tool works, so that time is not in either.
        self.seconds += (turn.duration_ms or 0) / 1000 + seconds_of(run for call in turn.calls for run in call.runs)

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


def _asks_to_go_on(turn: TurnEntry) -> bool:
    """Return whether a round continues an answer that ended at the token limit."""
    return any(message == user(GO_ON) for message in turn.begun.messages)


def _limit(turns: Sequence[TurnEntry]) -> Limit | None:
    """Return where a chain stopped at its limit: after that many answers, with calls that were not even begun, or paused by the provider."""
    last = turns[-1]
    limit = last.begun.settings.get("chain_limit") or 0
    if last.status != "complete" or last.calls or not limit or len(turns) % limit:
        return None
    asked = _calls_in(last)
    return Limit(limit, asked, last.begun.turn_id) if asked or _is_paused_by_provider(last) else None


def _calls_in(turn: TurnEntry) -> int:
    parts = [part for message in turn.output for part in message.parts]
    return sum(isinstance(part, ToolCallPart) and not part.server_executed for part in parts)


def _is_paused_by_provider(turn: TurnEntry) -> bool:
    return turn.finish is not None and turn.finish.reason == "pause"


def _state(last: TurnEntry) -> State:
    if last.status == "streaming" or last.is_cut_off:
        return "failed"
    if last.status != "complete":
        return last.status
    states = {call.state for call in last.calls}
    # The model has not been prompted again after its calls or its pause, so the chain stopped here.
    return "interrupted" if states or _calls_in(last) or _is_paused_by_provider(last) else "done"
