"""Conversations: each turn is sent with the turns before it."""

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
from llm_notebook.turns.messages.encoded import EncodedMessages
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
        id: the id of the conversation; a new one if it is not given.
        name: a title for people.
        responses: what was said before.
        tools: what the model may call in every turn that has no tools of its own.
        chain_limit: how many responses each chain may have; None and 0 mean no limit.
        loaded_messages: a history that was stored elsewhere, which precedes the first response.
        loaded_tools: the names of the tools that were stored with it, for the code that creates them again.
        before_call, after_call: hooks of its chains.
    """

    _is_conversation = True

    def __init__(
        self,
        model: ModelT,
        id: str | None = None,
        name: str | None = None,
        responses: list[ResponseT] | None = None,
        tools: Sequence[ToolLike] | None = None,
        chain_limit: int | None = None,
        loaded_messages: list[Message] | None = None,
        loaded_tools: list[str] | None = None,
        before_call: BeforeCall | None = None,
        after_call: AfterCall | None = None,
    ) -> None:
        self.model: ModelT = model
        self.name = name
        self.responses: list[ResponseT] = list(responses or [])
        self.tools = list(tools or [])
        self.chain_limit = chain_limit
        self.loaded_messages = loaded_messages
        self.loaded_tools = loaded_tools
        self.before_call = before_call
        self.after_call = after_call
        self._origin = Origin()
        self._encoded = EncodedMessages()
        self._id = id or ""

    @property
    def id(self) -> str:
        """The id of this conversation, also in the journal if it is recorded there."""
        if not self._id:
            turn = self._latest_kept()
            self._id = new_id() if turn is None else turn.log.conversation_id or turn.log.chain_id
        return self._id

    @id.setter
    def id(self, value: str) -> None:
        self._id = value

    @property
    def conversation_id(self) -> str:
        """The same as `id`."""
        return self.id

    def history(self) -> list[Message]:
        """Return every message so far: what the latest turn was sent, what it answered, and the results of its tool calls.

        While there are loaded messages, these are the history, without the responses: the first complete response includes them in its own
        history.

        If calls still wait after a pause, `chain()` without a prompt runs them. A prompt continues without them, and tells the model their
        status; their results are at the beginning of the first prompt after they have run.
        """
        if self.loaded_messages:
            return list(self.loaded_messages)
        return self.responses[-1]._turn.history() if self.responses else []

    def _join(self, response: ResponseT) -> None:
        """Add a complete response. Its own history includes the loaded one."""
        if response not in self.responses:
            self.responses.append(response)
            self.loaded_messages = None

    def _latest_kept(self) -> Turn | None:
        """Return the latest turn that is in the journal."""
        return next((response._turn for response in reversed(self.responses) if response._turn.is_kept), None)

    def _latest_turn(self) -> Turn | None:
        """Return the turn that the history ends with."""
        return self.responses[-1]._turn if self.responses else None

    def _forget(self, turn_ids: Collection[str]) -> None:
        """Leave out turns that are about to be repeated."""
        self.responses[:] = [response for response in self.responses if response._turn.turn_id not in turn_ids]

    @property
    def _latest_turn_id(self) -> str:
        """The turn that asked for the calls at the end of the history; empty if there is none."""
        return self.responses[-1]._turn.turn_id if self.responses else ""

    def _call(self, turn_id: str, tool_call_id: str, call_id: str = "") -> CallEntry | None:
        """Return a call by its turn and the provider's id; `call_id` is its id in the journal, if it is known."""
        kept = process.of(AskedInMemory).journals.get(call_id)
        if kept is not None:
            return kept.call(call_id)
        for response in reversed(self.responses):
            # What cannot be read from the journal is not known.
            with suppress(JournalError):
                for call in response._turn.log.calls_of(turn_id):
                    if call.tool_call_id == tool_call_id:
                        return call
        return None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} model={self.model.model_id!r} responses={len(self.responses)}>"


class Conversation(_BaseConversation["Model | KeyModel", Response, ChainResponse]):
    """A conversation with a Model."""


class AsyncConversation(_BaseConversation["AsyncModel | AsyncKeyModel", AsyncResponse, AsyncChainResponse]):
    """A conversation with an AsyncModel."""

    def to_sync_conversation(self) -> Conversation:
        """Return a conversation for code that does not await, with the history as loaded messages.

        Its model is still the async one, and hooks are left out because they may be async.
        """
        return Conversation(
            cast("Model", self.model),
            self.id,
            self.name,
            tools=self.tools,
            chain_limit=self.chain_limit,
            loaded_messages=self.history(),
            loaded_tools=self.loaded_tools,
        )
