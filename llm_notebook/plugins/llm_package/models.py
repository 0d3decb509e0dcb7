"""Models of the `llm` package and its plugins as models of this one: sync, async, with and without a key; embeddings."""

from __future__ import annotations

import contextlib
import inspect
import weakref
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import llm

from llm_notebook.models.embeddings import EmbeddingModel
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
from llm_notebook.plugins.llm_package.failures import own_errors
from llm_notebook.plugins.llm_package.tools import server_side_class
from llm_notebook.plugins.llm_package.turns import their_request
from llm_notebook.plugins.llm_package.values import own_events
from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.server_side import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.parts.messages import StreamEvent
    from llm_notebook.turns.prompt import Prompt

__all__ = ["BridgedEmbeddingModel", "own_async_model", "own_model"]


def own_model(theirs: Any) -> Model | KeyModel | None:
    """A sync model of ours that asks theirs; None for None."""
    if theirs is None:
        return None
    return _BridgedKeyModel(theirs) if isinstance(theirs, llm.KeyModel) else _BridgedModel(theirs)


def own_async_model(theirs: Any) -> AsyncModel | AsyncKeyModel | None:
    """An async model of ours that asks theirs; None for None."""
    if theirs is None:
        return None
    return _BridgedAsyncKeyModel(theirs) if isinstance(theirs, llm.AsyncKeyModel) else _BridgedAsyncModel(theirs)


class _Bridged:
    """What the four kinds of bridged models share.

    Attributes:
        theirs: the model of the `llm` package.
    """

    _without_key = ""

    def __init__(self, theirs: Any) -> None:
        self.theirs = theirs
        self.model_id: str = theirs.model_id
        self.needs_key: str | None = getattr(theirs, "needs_key", None)
        self.key_env_var: str | None = getattr(theirs, "key_env_var", None)
        self.can_stream = bool(theirs.can_stream)
        self.supports_schema = bool(getattr(theirs, "supports_schema", False))
        self.supports_tools = bool(getattr(theirs, "supports_tools", False))
        self.supports_conversation = bool(getattr(theirs, "supports_conversation", True))
        self.attachment_types: frozenset[str] | set[str] = frozenset(theirs.attachment_types or ())
        self.supported_server_side_tools = _own_classes(tuple(getattr(theirs, "supported_server_side_tools", ())))
        self.Options = theirs.Options

    @property
    def key(self) -> str | None:
        """The key of their model, for those that look for it themselves."""
        found: str | None = getattr(self.theirs, "key", None)
        return found

    @key.setter
    def key(self, value: str | None) -> None:
        self.theirs.key = value

    def __str__(self) -> str:
        return str(self.theirs)


def _own_classes(declared: tuple[Any, ...]) -> tuple[type[ServerSideTool], ...]:
    """The classes that stand for their server-side tools. What a model does not take of raw specifications, it refuses itself."""
    raw = (ServerSideTool,) if llm.ServerSideTool in declared else ()
    return (*map(server_side_class, declared), *raw)


class _SyncBridged(_Bridged):
    def execute(
        self, prompt: Prompt, stream: bool, response: Any, conversation: Any, key: str | None = None
    ) -> Iterator[StreamEvent]:
        """Yield what their model answers.

        Raises:
            ModelError: their model failed.
        """
        with own_errors(self.model_id):
            answer = _Answer(self.theirs, prompt, stream, response, key, llm.Response)
            del response  # it holds this generator: a cycle would keep a dropped answer going
            try:
                with contextlib.closing(answer.theirs.stream_events()) as events:
                    for event in events:
                        yield from own_events(event)
                answer.take_calls()
            finally:
                answer.settle()


class _AsyncBridged(_Bridged):
    async def execute(
        self, prompt: Prompt, stream: bool, response: Any, conversation: Any, key: str | None = None
    ) -> AsyncIterator[StreamEvent]:
        """Yield what their model answers.

        Raises:
            ModelError: their model failed.
        """
        with own_errors(self.model_id):
            answer = _Answer(self.theirs, prompt, stream, response, key, llm.AsyncResponse)
            del response
            try:
                async with contextlib.aclosing(answer.theirs.astream_events()) as events:
                    async for event in events:
                        for own in own_events(event):
                            yield own
                answer.take_calls()
            finally:
                answer.settle()


class _Answer:
    """One request to their model, and what it says beside its events.

    Attributes:
        theirs: their response to it. Nothing is sent until its events are read.
    """

    def __init__(
        self, model: Any, prompt: Prompt, stream: bool, response: Any, key: str | None, response_class: Any
    ) -> None:
        asked, conversation = their_request(
            model, prompt, in_conversation=response.conversation is not None, response_class=response_class
        )
        self.theirs = response_class(asked, model, stream, conversation=conversation, key=key)
        self._own = weakref.ref(response)

    def take_calls(self) -> None:
        """Tell the response of the tool calls that their model registered; those that were streamed too are known by their ids."""
        response = self._own()
        if response is not None:
            for call in self.theirs.tool_calls_or_raise():
                response.add_tool_call(ToolCall(call.name, dict(call.arguments or {}), call.tool_call_id))

    def settle(self) -> None:
        """Tell the response, if anybody still has it, what is known by now."""
        response, theirs = self._own(), self.theirs
        if response is None:
            return
        response.set_usage(input=theirs.input_tokens, output=theirs.output_tokens, details=theirs.token_details)
        response.response_json = theirs.response_json
        if theirs.resolved_model:
            response.set_resolved_model(theirs.resolved_model)


class _BridgedModel(_SyncBridged, Model):
    """A model of the `llm` package."""


class _BridgedKeyModel(_SyncBridged, KeyModel):
    """A model of the `llm` package that is given its key."""


class _BridgedAsyncModel(_AsyncBridged, AsyncModel):
    """An async model of the `llm` package."""


class _BridgedAsyncKeyModel(_AsyncBridged, AsyncKeyModel):
    """An async model of the `llm` package that is given its key."""


class BridgedEmbeddingModel(EmbeddingModel):
    """An embedding model of the `llm` package.

    Attributes:
        theirs: that model.
    """

    def __init__(self, theirs: Any) -> None:
        self.theirs = theirs
        self.model_id = theirs.model_id
        self.key = getattr(theirs, "key", None)
        self.needs_key = getattr(theirs, "needs_key", None)
        self.key_env_var = getattr(theirs, "key_env_var", None)
        self.supports_text = bool(theirs.supports_text)
        self.supports_binary = bool(theirs.supports_binary)
        self.batch_size = theirs.batch_size

    def embed_batch(self, items: Sequence[str | bytes], *, key: str | None = None) -> list[list[float]]:
        """What their model makes of the items.

        Raises:
            ModelError: their model failed.
        """
        with own_errors(self.model_id):
            if "key" in inspect.signature(self.theirs.embed_multi).parameters:
                return list(self.theirs.embed_multi(items, key=key))
            # Before llm 0.36 a key could only be set on the model.
            kept, self.theirs.key = self.theirs.key, key
            try:
                return list(self.theirs.embed_multi(items))
            finally:
                self.theirs.key = kept

    def __str__(self) -> str:
        return str(self.theirs)
