"""One turn: a prompt, what the model has answered, and the results of the tool calls that it asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from llm_notebook.errors import failure_kind
from llm_notebook.journal.operations import TurnEnded, TurnStatus
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message, ToolCallPart
from llm_notebook.tools.calls import ToolCall, ToolResult
from llm_notebook.turns.calls.open_calls import with_results
from llm_notebook.turns.state import ResponseState

if TYPE_CHECKING:
    from llm_notebook.turns.log import ChainLog
    from llm_notebook.turns.prompt import Prompt

__all__ = ["RetryNotice", "Turn"]

_STATUS: dict[str, TurnStatus] = {"done": "complete", "interrupted": "interrupted"}


class RetryNotice(Protocol):
    """A request was not answered and is about to be sent again.

    Attributes:
        reason: what happened, in a few words.
        delay: the seconds until the next attempt.
        attempt: the number of that attempt, counted from 1.
        of: the number of attempts at most.
    """

    reason: str
    delay: float
    attempt: int
    of: int


@dataclass(slots=True, eq=False, weakref_slot=True)
class Turn:
    """The data about one prompt that a response, the chain around it and the journal share.

    Attributes:
        prompt: what was given for the turn.
        model_id: the model.
        log: records the turn and its tool calls.
        state: what has arrived.
        results: the results of its tool calls that have run, by call id.
        is_kept: whether the journal has the beginning of the turn.
        is_concluded: whether the work after the response's end has begun, which is recording it and calling the callbacks.
        on_retry: called before a request is sent again.
        turn_id: the id of this turn, also in the journal if it is recorded there.
    """

    prompt: Prompt
    model_id: str
    log: ChainLog
    state: ResponseState = field(default_factory=ResponseState)
    results: dict[str, ToolResult] = field(default_factory=dict)
    is_kept: bool = False
    is_concluded: bool = False
    on_retry: Callable[[RetryNotice], object] | None = None
    turn_id: str = field(default_factory=new_id)

    @property
    def is_complete(self) -> bool:
        """Whether the response has been read to its end without an error, and the work after it is done or under way."""
        return self.is_concluded and self.state.status == "done"

    @property
    def is_paused_by_provider(self) -> bool:
        """Whether the provider stopped in the middle of its own tools, and continues when it is sent its own answer."""
        ending = self.state.stated_finish
        return ending is not None and ending.reason == "pause"

    def note_retry(self, retry: RetryNotice) -> None:
        """Pass on that the request is about to be sent again."""
        if self.on_retry is not None:
            self.on_retry(retry)

    def calls(self) -> list[ToolCall]:
        """Return the tool calls that we have to run, in the model's order, as fresh copies.

        Raises:
            ValueError: the model has numbered the parts of its answer inconsistently.
        """
        return [
            ToolCall.from_part(part)
            for message in self.state.answer()
            for part in message.parts
            if isinstance(part, ToolCallPart) and not part.server_executed
        ]

    def ended(self) -> TurnEnded:
        """Return the operation that says how the turn ended: complete, interrupted or failed."""
        state = self.state
        return TurnEnded(
            self.turn_id,
            _STATUS.get(state.status, "failed"),
            state.messages(),
            state.usage,
            state.duration_ms(),
            state.resolved_model,
            "" if state.status == "done" else str(state.error),
            state.ending,
            "" if state.error is None else failure_kind(state.error),
        )

    def remember(self, results: Iterable[ToolResult]) -> None:
        """Keep the results of calls that have run."""
        self.results.update({result.tool_call_id: result for result in results if result.tool_call_id is not None})

    def messages(self) -> list[Message]:
        """Return what was said up to and including the answer."""
        return [*self.prompt.said, *self.state.messages()]

    def history(self) -> list[Message]:
        """Return what was said up to and including the answer, and the results of the tool calls that have run."""
        ids = {call.tool_call_id for call in self.calls()}
        return with_results(self.messages(), [result for call_id, result in self.results.items() if call_id in ids])
