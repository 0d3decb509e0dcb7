"""Conversations: turns that are sent with the turns before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from llm_notebook.models.chain_responses import AsyncChainResponse, ChainResponse
from llm_notebook.models.prompting import Promptable
from llm_notebook.models.responses import AsyncResponse, Response
from llm_notebook.parts.identifiers import new_id
from llm_notebook.parts.messages import Message
from llm_notebook.turns.chain import Hook
from llm_notebook.turns.log import Origin
from llm_notebook.turns.pauses import Surroundings

__all__ = ["AsyncConversation", "Conversation"]

ResponseT = TypeVar("ResponseT", Response, AsyncResponse)
ChainT = TypeVar("ChainT", ChainResponse, AsyncChainResponse)


class _BaseConversation(Promptable[ResponseT, ChainT], Generic[ResponseT, ChainT]):
    """A model, the responses of the conversation so far, oldest first, and what its chains use.

    Args:
        model: who answers.
        responses: what was said before.
        tools: what the model may call in every turn that names no tools of its own.
        before_call, after_call: hooks of its chains.
        chain_limit: most responses of each chain; None and 0 mean no limit.

    Attributes:
        origin: where it is held, for the journal.
    """

    def __init__(
        self,
        model: Any,
        responses: list[ResponseT] | None = None,
        *,
        tools: Sequence[Any] | None = None,
        before_call: Hook = None,
        after_call: Hook = None,
        chain_limit: int | None = None,
    ) -> None:
        self.model = model
        self.responses: list[ResponseT] = list(responses or [])
        self.tools = list(tools or [])
        self.before_call = before_call
        self.after_call = after_call
        self.chain_limit = chain_limit
        self.origin = Origin()
        self._conversation_id = ""

    @property
    def conversation_id(self) -> str:
        """The name of this conversation, in the journal where it is kept."""
        if not self._conversation_id:
            kept = [response for response in self.responses if response.is_kept]
            self._conversation_id = kept[-1].log.conversation_id or kept[-1].log.chain_id if kept else new_id()
        return self._conversation_id

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            self.model,
            conversation=self,
            history=self.history,
            tools=self.tools,
            before_call=self.before_call,
            after_call=self.after_call,
            chain_limit=self.chain_limit,
            origin=self.origin,
        )

    def history(self) -> list[Message]:
        """Every message so far: what the latest turn was sent, what it answered, and the results of its tool calls.

        Where calls still wait, after a pause for one, `chain()` without a prompt runs them; a prompt goes on without them, and
        the model is told that they were not run.
        """
        return self.responses[-1].history_after() if self.responses else []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} model={self.model.model_id!r} responses={len(self.responses)}>"


class Conversation(_BaseConversation[Response, ChainResponse]):
    """A conversation with a Model."""


class AsyncConversation(_BaseConversation[AsyncResponse, AsyncChainResponse]):
    """A conversation with an AsyncModel."""
