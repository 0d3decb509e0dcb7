"""Models behind HTTP: the base classes that the sync and async model classes of every wire format share."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from llm_notebook.configuration.process import process
from llm_notebook.models.model import AsyncKeyModel, KeyModel
from llm_notebook.providers.http.documents.attached import afetch_missing, fetch_missing
from llm_notebook.providers.http.servers import Server, join_address

if TYPE_CHECKING:
    from llm_notebook.configuration.keys import KeySource
    from llm_notebook.models.conversations import AsyncConversation, Conversation
    from llm_notebook.models.responses import AsyncResponse, Response
    from llm_notebook.providers.catalog.catalog import CatalogModel
    from llm_notebook.providers.http.documents.attached import Needs
    from llm_notebook.providers.http.retries import Retry
    from llm_notebook.providers.http.settings import TransportSettings
    from llm_notebook.providers.http.wire import AnswerDecoder, Body, TLSSettings, WireRequest
    from llm_notebook.turns.prompt import Prompt
    from llm_notebook.turns.state import Items

__all__ = [
    "AUDIO_TYPES",
    "IMAGE_TYPES",
    "AsyncHTTPModel",
    "HTTPModel",
    "ModelArguments",
    "SyncHTTPModel",
    "settle",
]

ResponseT = TypeVar("ResponseT", "Response", "AsyncResponse")
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
AUDIO_TYPES = frozenset({"audio/wav", "audio/mpeg"})
_LARGEST_REMEMBERED = 2**16  # characters of a body


class ModelArguments(TypedDict, total=False):
    """The keyword arguments of the models of every wire format; `HTTPModel` documents them."""

    base_url: str | None
    model_name: str | None
    key: KeySource | None
    headers: dict[str, str] | None
    timeout: float | None
    total_timeout: float | None
    max_retries: int
    needs_key: str | None
    key_env_var: str | None
    tls: TLSSettings | None
    can_stream: bool
    supports_schema: bool
    supports_tools: bool
    supports_conversation: bool
    vision: bool
    audio: bool
    reasoning: bool


class HTTPModel(Server):
    """The part of a model that is the same with and without `await`: its settings, its requests and the decoders of their answers.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address; None means the provider's own server.
        model_name: the server's name for the model, if it differs from `model_id`.
        key: an API key, or a function that returns one and is asked for each request; for an async model it may be a coroutine function.
        headers: sent with every request; `${NAME}` in a value stands for the stored key with that name.
        timeout: seconds without a byte after which a request is given up; None means 600.
        total_timeout: seconds after which the whole answer must be there, further attempts included; None means no limit.
        max_retries: how often an unanswered request is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.
        tls: how the server's certificate is checked; None means the usual way.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, audio, reasoning: what the model can do.

    Attributes:
        document_types: the MIME types of documents that models of this wire format read if they have `vision`.
    """

    document_types: frozenset[str] = frozenset({"application/pdf"})
    _needs_messages = True
    key: KeySource | None
    attachment_types: frozenset[str] | set[str]

    def __init__(
        self,
        model_id: str,
        *,
        base_url: str | None = None,
        model_name: str | None = None,
        key: KeySource | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        total_timeout: float | None = None,
        max_retries: int = 2,
        needs_key: str | None = None,
        key_env_var: str | None = None,
        tls: TLSSettings | None = None,
        can_stream: bool = True,
        supports_schema: bool = True,
        supports_tools: bool = True,
        supports_conversation: bool = True,
        vision: bool = False,
        audio: bool = False,
        reasoning: bool = False,
    ) -> None:
        super().__init__(
            model_id,
            base_url=base_url,
            model_name=model_name,
            key=key,
            headers=headers,
            timeout=timeout,
            total_timeout=total_timeout,
            max_retries=max_retries,
            needs_key=needs_key,
            key_env_var=key_env_var,
            tls=tls,
        )
        self.can_stream = can_stream
        self.supports_schema = supports_schema
        self.supports_tools = supports_tools
        self.supports_conversation = supports_conversation
        self.reasoning = reasoning
        self.attachment_types = {
            *(IMAGE_TYPES | self.document_types if vision else ()),
            *(AUDIO_TYPES if audio else ()),
        }

    @classmethod
    def arguments_for(cls, known: CatalogModel) -> dict[str, Any]:
        """Return the arguments that express what is known about a model."""
        able = known.supports
        return {
            "model_name": known.name,
            "vision": "images" in able,
            "audio": "audio" in able,
            "reasoning": "reasoning" in able,
            "can_stream": "stream" in able,
            "supports_schema": "schema" in able,
            "supports_tools": "tools" in able,
        }

    def _needs_bytes(self, prompt: Prompt) -> Needs:
        """Return which types of attachments go as bytes, because the provider fetches none of them from the web."""
        return lambda _kind: False

    def _exchange(
        self, prompt: Prompt, stream: bool, key: str | None
    ) -> tuple[WireRequest, AnswerDecoder, TransportSettings]:
        """Return the request for a prompt, the decoder of its answer, and how it is sent."""
        settings = self._transport_settings(prompt)
        request, decoder = self._wire(prompt, stream, key)
        return request, decoder, settings

    def _request_body(self, prompt: Prompt, *, stream: bool) -> str | None:
        """Return the body of the request that would be sent for a prompt. Addresses that the provider does not fetch are fetched for it."""
        request, _ = self._wire(fetch_missing(prompt, self), stream and self.can_stream, None)
        return request.body.decode()

    def _wire(self, prompt: Prompt, stream: bool, key: str | None) -> tuple[WireRequest, AnswerDecoder]:
        """Return the request for a prompt and the decoder of its answer."""
        made = prompt.made
        body = cast("Body", made[2]) if made is not None and made[:2] == (self, stream) else self._body(prompt, stream)
        request = self.wire_request(body.path, body.text, key)
        request.headers.update(body.headers)
        decoder = body.decoder(secrets=request.secrets)
        decoder.prompt = prompt
        return request, decoder

    def _sent_ahead(self, prompt: Prompt, *, stream: bool) -> tuple[str, str]:
        """Return the address and the body of a prompt's request. The prompt remembers the body, so that it is not made again to be sent.

        Many prompts may be looked at before they are asked, so only small bodies are remembered.

        Raises:
            ModelError: a header cannot be sent.
            NeedsKeyException: a header names a key that is not stored.
        """
        body = self._body(prompt, stream)
        if self.headers:
            # A header that cannot be sent is noticed before anything is sent.
            self.wire_request(body.path, "", None)
        if len(body.text) <= _LARGEST_REMEMBERED:
            prompt.made = (self, stream, body)
        return join_address(self.address, body.path), body.text

    def _body(self, prompt: Prompt, stream: bool) -> Body:
        """Return what the wire format makes of a prompt."""
        raise NotImplementedError

    def _transport_settings(self, prompt: Prompt) -> TransportSettings:
        """Return how a prompt is sent. Its options `timeout`, `total_timeout` and `max_retries` override the model's."""
        from llm_notebook.providers.http.settings import TransportSettings  # loaded with the first request

        names = ("timeout", "max_retries", "total_timeout")
        timeout, max_retries, total_timeout = (getattr(prompt.options, name, None) for name in names)
        return TransportSettings(
            self.timeout if timeout is None else timeout,
            self.max_retries if max_retries is None else max_retries,
            self.tls,
            self.total_timeout if total_timeout is None else total_timeout,
        )


class SyncHTTPModel(HTTPModel, KeyModel):
    """The sync flavour of any wire format."""

    def execute(
        self, prompt: Prompt, stream: bool, response: Response, conversation: Conversation | None, key: str | None
    ) -> Iterator[Items]:
        from llm_notebook.providers.http.transport import Transport  # loads httpx

        reference, note_retry = _weak_references(response)
        del response
        if self.attachment_types:
            prompt = fetch_missing(prompt, self)
        request, decoder, settings = self._exchange(prompt, stream, key)
        try:
            yield from process.of(Transport).stream(request, decoder, settings, note_retry)
        finally:
            # An answer that was interrupted or cut short has been paid for too, so its usage is recorded in any case.
            settle(reference(), decoder)


class AsyncHTTPModel(HTTPModel, AsyncKeyModel):
    """The async flavour of any wire format."""

    _awaits_key = True

    def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: AsyncResponse,
        conversation: AsyncConversation | None,
        key: str | None,
    ) -> AsyncIterator[Items]:
        return _Answer(self, prompt, stream, key, *_weak_references(response))

    async def _awaited_key(self, given: Awaitable[str]) -> str:
        """Return the key that a coroutine function gives.

        Raises:
            ModelError: it fails, or gives none.
        """
        try:
            found: object = await given
        except Exception as error:
            raise self._key_error(f"failed ({type(error).__name__})") from None
        return self._checked_key(found)


def settle(response: Response | AsyncResponse | None, decoder: AnswerDecoder) -> None:
    """Give a response what is known about the whole answer, unless it has been dropped."""
    if response is None:
        return
    resolved_model, response_json = decoder.resolved_model, decoder.response_json
    finish, usage = decoder.finish, decoder.usage
    response.set_usage(input=usage.input, output=usage.output, details=usage.details)
    response.response_json = response_json
    if finish is not None:
        response.set_finish_reason(finish.reason, finish.said)
    if resolved_model:
        response.set_resolved_model(resolved_model)


class _Answer(AsyncIterator["Items"]):
    """The items of an async answer. After them, the response receives what is known about the whole answer.

    It is not a generator, although that would be shorter. An event loop that shuts down closes all async generators at the same time. A
    generator that reads another one would then close what is being closed already, and asyncio complains about that.

    Args:
        model, prompt, stream, key: what is asked.
        response: a reference to the response that is read.
        note_retry: called before the request is sent again.
    """

    # Values instead of closures: a waiting request then has a dozen fewer objects for the garbage collector to traverse.
    __slots__ = ("_decoder", "_items", "_key", "_model", "_note_retry", "_prompt", "_response", "_stream")

    def __init__(
        self,
        model: AsyncHTTPModel,
        prompt: Prompt,
        stream: bool,
        key: str | Awaitable[str] | None,
        response: weakref.ref[AsyncResponse],
        note_retry: Callable[[Retry], object],
    ) -> None:
        self._model = model
        self._prompt = prompt
        self._stream = stream
        self._key = key
        self._response = response
        self._note_retry = note_retry
        self._items: AsyncGenerator[Items, None] | None = None
        self._decoder: AnswerDecoder | None = None

    async def __anext__(self) -> Items:
        items = self._items
        if items is None:
            items = await self._begin()
        try:
            return await anext(items)
        except BaseException:
            self._settle()
            raise

    async def aclose(self) -> None:
        """Close the connection, unless the answer has ended."""
        if self._items is not None:
            try:
                await self._items.aclose()
            finally:
                self._settle()

    async def _begin(self) -> AsyncGenerator[Items, None]:
        """Return the generator of the items."""
        from llm_notebook.providers.http.transport import Transport  # loads httpx

        model, key = self._model, self._key
        found = await model._awaited_key(key) if isinstance(key, Awaitable) else key
        fetched = await afetch_missing(self._prompt, model) if model.attachment_types else self._prompt
        request, self._decoder, settings = model._exchange(fetched, self._stream, found)
        self._items = process.of(Transport).astream(request, self._decoder, settings, self._note_retry)
        return self._items

    def _settle(self) -> None:
        if self._decoder is not None:
            settle(self._response(), self._decoder)


def _weak_references(response: ResponseT) -> tuple[weakref.ref[ResponseT], Callable[[Retry], object]]:
    """Return weak references to a response and its `note_retry`, for a generator that must not keep its response alive.

    A response holds the generator that reads its answer. If the generator held the response too, the garbage collector would have to
    find the cycle: late, and in no particular order, so that an event loop would close everything at once. Without a cycle, dropping
    the response closes the generator, and the generator closes its connection at once.
    """
    return weakref.ref(response), response._turn.note_retry
