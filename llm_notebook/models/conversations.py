"""Conversations: turns that are sent with the turns before them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from llm_notebook.configuration.process import process
from llm_notebook.errors import JournalError
from llm_notebook.journal.memory import AskedInMemory
from llm_notebook.journal.operations import CallEntry
from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
from llm_notebook.models.prompting import Promptable
from llm_notebook.models.responses import AsyncResponse, Response
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message
from llm_notebook.turns.origin import Origin
from llm_notebook.turns.plan import AfterCall, BeforeCall
from llm_notebook.turns.turn import Turn

if TYPE_CHECKING:
    from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
    from llm_notebook.tools.collecting import ToolLike

__all__ = ["AsyncConversation", "Conversation"]

ModelT = TypeVar("ModelT", bound="Model | KeyModel | AsyncModel | AsyncKeyModel")
ResponseT = TypeVar("ResponseT", Response, AsyncResponse)
ChainT = TypeVar("ChainT", ChainResponse, AsyncChainResponse)


class _BaseConversation(Promptable[ResponseT, ChainT], Generic[ModelT, ResponseT, ChainT]):
    """A model, the responses of the conversation so far, oldest first, and what its chains use.

    Args:
        model: the model that answers.
        responses: what was said before.
        tools: what the model may call in every turn that names no tools of its own.
        before_call, after_call: hooks of its chains.
        chain_limit: how many responses each chain may have; None and 0 mean no limit.
    """

    def __init__(
        self,
        model: ModelT,
        responses: list[ResponseT] | None = None,
        *,
        tools: Sequence[ToolLike] | None = None,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
        chain_limit: int | None = None,
    ) -> None:
        self.model: ModelT = model
        self.responses: list[ResponseT] = list(responses or [])
        self.tools = list(tools or [])
        self.before_call = before_call
        self.after_call = after_call
        self.chain_limit = chain_limit
        self._origin = Origin()
        self._conversation_id = ""

    @property
    def conversation_id(self) -> str:
        """The name of this conversation, in the journal if it is kept there."""
        if not self._conversation_id:
            turn = self._latest_kept()
            self._conversation_id = new_id() if turn is None else turn.log.conversation_id or turn.log.chain_id
        return self._conversation_id

    def history(self) -> list[Message]:
        """Return every message so far: what the latest turn was sent, what it answered, and the results of its tool calls.

        If calls still wait, after a pause for one of them, `chain()` without a prompt runs them. A prompt continues without them, and the
        model is told how they stand; their results begin the first prompt after they have run.
        """
        return self.responses[-1]._turn.history() if self.responses else []

    def _latest_kept(self) -> Turn | None:
        """Return the latest turn that is in the journal."""
        return next((response._turn for response in reversed(self.responses) if response._turn.is_kept), None)

    def _latest_turn(self) -> Turn | None:
        """Return the turn that the history ends with."""
        return self.responses[-1]._turn if self.responses else None

    def _forget(self, turn_ids: Collection[str]) -> None:
        """Leave turns out that are about to be said again."""
        self.responses[:] = [response for response in self.responses if response._turn.turn_id not in turn_ids]

    @property
    def _latest_turn_id(self) -> str:
        """The turn that asked for the calls that the history ends in; empty if there is none."""
        return self.responses[-1]._turn.turn_id if self.responses else ""

    def _call(self, turn_id: str, tool_call_id: str, call_id: str = "") -> CallEntry | None:
        """Return a call by its turn and the provider's id; `call_id` is its id in the journal, where that is known."""
        kept = process.of(AskedInMemory).journals.get(call_id)
        if kept is not None:
            return kept.call(call_id)
        for response in reversed(self.responses):
            # What a journal holds that cannot be read is not known.
            with suppress(JournalError):
                for call in response._turn.log.calls_of(turn_id):
                    if call.tool_call_id == tool_call_id:
                        return call
        return None

    def _asked(self) -> tuple[ModelT, Conversation | AsyncConversation]:
        return self.model, cast("Conversation | AsyncConversation", self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} model={self.model.model_id!r} responses={len(self.responses)}>"


class Conversation(_BaseConversation["Model | KeyModel", Response, ChainResponse]):
    """A conversation with a Model."""


class AsyncConversation(_BaseConversation["AsyncModel | AsyncKeyModel", AsyncResponse, AsyncChainResponse]):
    """A conversation with an AsyncModel."""
