"""Models of the `llm` package and its plugins as models of this package.

There are four kinds of models, sync or async and with or without a key, and a class for each. A bridged model passes the prompt on, converts
the events of the answer one by one, and copies what arrives beside the events (tool calls, usage, the raw JSON) to the response. It runs
no tools itself: they run in the chains of this package, where a human can be asked.

A response holds the generator of its model's `execute()`. If the generator also held the response, a response that nobody reads any more would
stay alive, and its request would go on. So `execute()` drops its argument at once, and `_Answer` has only a weak reference.
"""

from __future__ import annotations

import contextlib
import inspect
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import llm

from llm_notebook.configuration.keys import KeySource
from llm_notebook.models.embeddings import EmbeddingModel
from llm_notebook.models.lookup import model_source
from llm_notebook.models.model import AsyncKeyModel, AsyncModel, KeyModel, Model
from llm_notebook.plugins.llm_package.failures import own_errors
from llm_notebook.plugins.llm_package.tools import server_side_class
from llm_notebook.plugins.llm_package.turns import their_request
from llm_notebook.plugins.llm_package.values import own_events
from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.server_side import ServerSideTool

if TYPE_CHECKING:
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.models.responses import AsyncResponse, Response
    from llm_notebook.parts.messages import StreamEvent
    from llm_notebook.turns.prompt import Prompt

__all__ = ["BridgedEmbeddingModel", "TheirAsyncModel", "TheirModel", "own_async_model", "own_model"]

TheirModel = llm.Model | llm.KeyModel
TheirAsyncModel = llm.AsyncModel | llm.AsyncKeyModel
TheirResponseT = TypeVar("TheirResponseT", llm.Response, llm.AsyncResponse)


def own_model(theirs: TheirModel | None) -> Model | KeyModel | None:
    """Return a sync model of ours that prompts theirs; None for None."""
    if theirs is None:
        return None
    return _BridgedKeyModel(theirs) if isinstance(theirs, llm.KeyModel) else _BridgedModel(theirs)


def own_async_model(theirs: TheirAsyncModel | None) -> AsyncModel | AsyncKeyModel | None:
    """Return an async model of ours that prompts theirs; None for None."""
    if theirs is None:
        return None
    return _BridgedAsyncKeyModel(theirs) if isinstance(theirs, llm.AsyncKeyModel) else _BridgedAsyncModel(theirs)


class _Bridged:
    """The attributes of the four kinds of bridged models.

    Attributes:
        theirs: the model of the `llm` package.
    """

    _without_key = ""
    _key_source: Callable[[], str | Awaitable[str]] | None = None

    def __init__(self, theirs: TheirModel | TheirAsyncModel) -> None:
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

    def __reduce__(self) -> tuple[object, ...]:
        """Return what is pickled: the model's name. The model is found again where the pickle is loaded, with the keys of that machine."""
        return _found_again, (self.model_id, isinstance(self, AsyncModel | AsyncKeyModel))

    @property
    def key(self) -> KeySource | None:
        """The key of their model, since some plugins look for it there, or a function that returns one, which plugins do not know."""
        found: str | None = getattr(self.theirs, "key", None)
        return self._key_source or found

    @key.setter
    def key(self, value: KeySource | None) -> None:
        self._key_source, self.theirs.key = (value, None) if callable(value) else (None, value)

    def __str__(self) -> str:
        return str(self.theirs)


def _found_again(model_id: str, is_async: bool) -> object:
    """Return the model that a pickle names.

    Raises:
        UnknownModelError: there is no model of this name.
    """
    source = model_source()
    return source.async_model(model_id) if is_async else source.model(model_id)


def _own_classes(declared: tuple[type[llm.ServerSideTool], ...]) -> tuple[type[ServerSideTool], ...]:
    """Return our counterparts of the server-side tools that a model accepts."""
    # A model that takes raw specifications gets every one of ours, and refuses those that it does not know.
    raw = (ServerSideTool,) if llm.ServerSideTool in declared else ()
    return (*map(server_side_class, declared), *raw)


class _SyncBridged(_Bridged):
    def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: Response,
        conversation: Conversation | None,
        key: str | None = None,
    ) -> Iterator[StreamEvent]:
        """Prompt their model and yield the events of its answer.

        Raises:
            ModelError: their model failed.
        """
        with own_errors(self.model_id, key, getattr(self.theirs, "key", None)):
            answer = _Answer(self.theirs, prompt, stream, response, key, llm.Response)
            del response  # see the top of this file
            try:
                with contextlib.closing(answer.theirs.stream_events()) as events:
                    for event in events:
                        yield from own_events(event)
                answer.take_calls()
            finally:
                answer.settle()


class _AsyncBridged(_Bridged):
    async def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: AsyncResponse,
        conversation: AsyncConversation | None,
        key: str | None = None,
    ) -> AsyncIterator[StreamEvent]:
        """Prompt their model and yield the events of its answer.

        Raises:
            ModelError: their model failed.
        """
        with own_errors(self.model_id, key, getattr(self.theirs, "key", None)):
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


class _Answer(Generic[TheirResponseT]):
    """The answer of their model to one request, and what it says besides its events.

    Attributes:
        theirs: their response. Nothing is sent until its events are read.
    """

    def __init__(
        self,
        model: TheirModel | TheirAsyncModel,
        prompt: Prompt,
        stream: bool,
        response: Response | AsyncResponse,
        key: str | None,
        response_class: type[TheirResponseT],
    ) -> None:
        asked, conversation = their_request(
            model, prompt, in_conversation=response.conversation is not None, response_class=response_class
        )
        self.theirs: TheirResponseT = response_class(asked, model, stream, conversation=conversation, key=key)
        self._own = weakref.ref(response)

    def take_calls(self) -> None:
        """Give the response the tool calls of their model. By their ids it recognizes those that were streamed as events before."""
        response = self._own()
        if response is not None:
            for call in self.theirs.tool_calls_or_raise():
                response.add_tool_call(ToolCall(call.name, dict(call.arguments or {}), call.tool_call_id))

    def settle(self) -> None:
        """Give the response what is known about the answer so far, if anybody still holds it. Partial answers have a usage, too."""
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
    """A model of the `llm` package that takes a key."""


class _BridgedAsyncModel(_AsyncBridged, AsyncModel):
    """An async model of the `llm` package."""


class _BridgedAsyncKeyModel(_AsyncBridged, AsyncKeyModel):
    """An async model of the `llm` package that takes a key."""


class BridgedEmbeddingModel(EmbeddingModel):
    """An embedding model of the `llm` package.

    Attributes:
        theirs: the model of the `llm` package.
    """

    def __init__(self, theirs: llm.models.EmbeddingModel) -> None:
        self.theirs = theirs
        self.model_id = theirs.model_id
        self.key = getattr(theirs, "key", None)
        self.needs_key = getattr(theirs, "needs_key", None)
        self.key_env_var = getattr(theirs, "key_env_var", None)
        self.supports_text = bool(theirs.supports_text)
        self.supports_binary = bool(theirs.supports_binary)
        self.batch_size = theirs.batch_size

    def embed_batch(self, items: Sequence[str | bytes], *, key: str | None = None) -> list[list[float]]:
        """Let their model embed the items.

        Raises:
            ModelError: their model failed.
        """
        with own_errors(self.model_id, key, getattr(self.theirs, "key", None)):
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
