"""Models behind HTTP: a wire format and the shared transport, as sync and async model classes."""

from __future__ import annotations

import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from urllib.parse import urlsplit

from llm_notebook.errors import ModelError
from llm_notebook.keys import KeyHolder, Secret
from llm_notebook.models import AsyncKeyModel, KeyModel
from llm_notebook.providers.openai_messages import chat_body_text
from llm_notebook.providers.wire import WireRequest
from llm_notebook.runtime import runtime

if TYPE_CHECKING:
    from llm_notebook.conversations import AsyncConversation, Conversation
    from llm_notebook.prompts import Prompt
    from llm_notebook.providers.retries import Retry
    from llm_notebook.providers.transport import TransportSettings
    from llm_notebook.providers.wire import AnswerDecoder, WireRequest
    from llm_notebook.record import Items
    from llm_notebook.responses import AsyncResponse, Response

__all__ = [
    "IMAGE_TYPES",
    "OPENAI_URL",
    "AsyncHTTPModel",
    "AsyncOpenAIChat",
    "HTTPModel",
    "ModelServer",
    "OpenAIChat",
    "OpenAIServer",
]

ResponseT = TypeVar("ResponseT", "Response", "AsyncResponse")
OPENAI_URL = "https://api.openai.com/v1"
IMAGE_TYPES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_AUDIO_TYPES = frozenset({"audio/wav", "audio/mpeg"})


class _ChatOptions:
    """The options class of a Chat Completions model, loaded with the first prompt because it needs pydantic."""

    def __get__(self, instance: _OpenAIChat | None, owner: type) -> Any:
        from llm_notebook.providers import openai_options  # noqa: PLC0415  loads pydantic

        reasons = instance is not None and instance.reasoning
        return openai_options.ReasoningChatOptions if reasons else openai_options.ChatOptions


class ModelServer(KeyHolder):
    """A model's place on a server: its address, its name there, its key and headers.

    Args:
        model_id: how error messages call the model.
        base_url: the server's address up to and including its version; None is the provider's own, which needs a key.
        model_name: the server's name of the model, where it differs from `model_id`.
        key, headers, timeout, max_retries, needs_key, key_env_var: as the models take them.

    Attributes:
        provider_url: the provider's own address.
        provider_key: the name under which the key for it is stored, and the environment variable that may hold it.
        provider_key_fallbacks: further such names, and further such variables.

    Raises:
        ValueError: `base_url` is no address.
    """

    provider_url: ClassVar[str]
    provider_key: ClassVar[tuple[str, str]]
    provider_key_fallbacks: ClassVar[tuple[tuple[str, ...], tuple[str, ...]]] = ((), ())

    def __init__(
        self,
        model_id: str,
        *,
        base_url: str | None,
        model_name: str | None,
        key: str | None,
        headers: dict[str, str] | None,
        timeout: float | None,
        max_retries: int,
        needs_key: str | None,
        key_env_var: str | None,
    ) -> None:
        if base_url is not None:
            _check_address(base_url)
        self.model_id = model_id
        self.model_name = model_name or model_id
        self.base_url = base_url.rstrip("/") if base_url is not None else None
        self.key = Secret(key) if key is not None else None
        self.headers = {name: Secret(value) for name, value in (headers or {}).items()}
        self.timeout = timeout
        self.max_retries = max_retries
        if base_url is None:
            if needs_key is None and key_env_var is None:
                self.further_key_names, self.further_key_env_vars = self.provider_key_fallbacks
            needs_key, key_env_var = needs_key or self.provider_key[0], key_env_var or self.provider_key[1]
        self.needs_key = needs_key
        self.key_env_var = key_env_var

    def _wire_request(self, path: str, body: str, key: str | None) -> WireRequest:
        from llm_notebook.providers.wire import WireRequest  # noqa: PLC0415  loaded with the first request

        headers = {name: _sendable(value, f"header {name!r}", self.model_id) for name, value in self.headers.items()}
        if key:
            headers |= self._key_headers(_sendable(key, "key", self.model_id))
        return WireRequest(
            url=f"{self.base_url or self.provider_url}/{path}",
            body=body.encode(errors="replace"),
            headers=dict(headers),
            secret=key and Secret(key),
            sender=self.model_id,
        )

    @staticmethod
    def _key_headers(key: Secret) -> dict[str, Secret]:
        """The headers that carry a key."""
        return {"authorization": Secret(f"Bearer {key}")}


class OpenAIServer(ModelServer):
    """A model's place on a server that speaks OpenAI's protocol."""

    provider_url = OPENAI_URL
    provider_key = ("openai", "OPENAI_API_KEY")


class _Answering:
    """What sync and async models behind HTTP share: the request, and the meaning of its reply."""

    def _exchange(
        self, prompt: Prompt, stream: bool, key: str | None
    ) -> tuple[WireRequest, AnswerDecoder, TransportSettings]:
        """The request for a prompt, what reads its reply, and how it is sent."""
        raise NotImplementedError

    @staticmethod
    def _settle(response: Response | AsyncResponse | None, decoder: AnswerDecoder) -> None:
        """Tell the response, if anybody still has it, what the whole exchange told."""
        if response is None:
            return
        usage = decoder.usage
        response.set_usage(input=usage.input, output=usage.output, details=usage.details)
        response.response_json = decoder.response_json
        if decoder.resolved_model:
            response.set_resolved_model(decoder.resolved_model)


class HTTPModel(_Answering, KeyModel):
    """A model behind HTTP. Subclasses implement `_exchange()`."""

    def execute(
        self, prompt: Prompt, stream: bool, response: Response, conversation: Conversation | None, key: str | None
    ) -> Iterator[Items]:
        request, decoder, settings = self._exchange(prompt, stream, key)
        reader, note_retry = _held_weakly(response)
        del response
        try:
            yield from runtime.transport.stream(request, decoder, settings, note_retry)
        finally:
            self._settle(reader(), decoder)


class AsyncHTTPModel(_Answering, AsyncKeyModel):
    """`HTTPModel`, used with `await`."""

    async def execute(
        self,
        prompt: Prompt,
        stream: bool,
        response: AsyncResponse,
        conversation: AsyncConversation | None,
        key: str | None,
    ) -> AsyncIterator[Items]:
        request, decoder, settings = self._exchange(prompt, stream, key)
        reader, note_retry = _held_weakly(response)
        del response
        items = runtime.transport.astream(request, decoder, settings, note_retry)
        try:
            async with aclosing(items):
                async for together in items:
                    yield together
        finally:
            self._settle(reader(), decoder)


class _OpenAIChat(OpenAIServer):
    """What the two Chat Completions classes share: their settings, the request and the meaning of its reply."""

    Options: Any = _ChatOptions()
    key: str | None
    attachment_types: frozenset[str] | set[str]

    def __init__(
        self,
        model_id: str,
        *,
        base_url: str | None = None,
        model_name: str | None = None,
        key: str | None = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
        max_retries: int = 2,
        needs_key: str | None = None,
        key_env_var: str | None = None,
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
            max_retries=max_retries,
            needs_key=needs_key,
            key_env_var=key_env_var,
        )
        self.can_stream = can_stream
        self.supports_schema = supports_schema
        self.supports_tools = supports_tools
        self.supports_conversation = supports_conversation
        self.reasoning = reasoning
        self.attachment_types = (IMAGE_TYPES | {"application/pdf"} if vision else frozenset()) | (
            _AUDIO_TYPES if audio else frozenset()
        )

    def _exchange(
        self, prompt: Prompt, stream: bool, key: str | None
    ) -> tuple[WireRequest, AnswerDecoder, TransportSettings]:
        from llm_notebook.providers.openai_chat import ChatDecoder  # noqa: PLC0415  loads pydantic_core
        from llm_notebook.providers.transport import TransportSettings  # noqa: PLC0415  loads httpx

        limit = "max_completion_tokens" if self.base_url is None else "max_tokens"
        options = prompt.options.request_fields(token_limit_field=limit)
        body = chat_body_text(prompt, self.model_name, stream=stream, options=options)
        request = self._wire_request("chat/completions", body, key)
        decoder = ChatDecoder(self.model_id, stream=stream, secret=key)
        return request, decoder, TransportSettings(self.timeout, self.max_retries)


def _held_weakly(response: ResponseT) -> tuple[weakref.ref[ResponseT], Callable[[Retry], object]]:
    """The response and its `note_retry`, for a generator that must not keep its response alive.

    So a response that nobody has any more takes the generator with it, which closes the connection at once and what it awaits
    in order; in a cycle of references the garbage collector would come late and have an event loop close all of it together.
    """
    note_retry = weakref.WeakMethod(response.note_retry)
    return weakref.ref(response), lambda retry: (note := note_retry()) and note(retry)


def _sendable(value: str, what: str, sender: str) -> Secret:
    """The value of a header, without the white space around it.

    Raises:
        ModelError: it holds characters that no header can carry; it is not shown.
    """
    value = Secret(value.strip())
    if not value.isascii() or not value.isprintable():
        raise ModelError(f"{sender}: the {what} holds characters that cannot be sent; nothing was sent.")
    return value


def _check_address(base_url: str) -> None:
    """Refuse what is no address of a server.

    Raises:
        ValueError: it is none.
    """
    try:
        address = urlsplit(base_url)
        usable = address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"base_url must be an address such as http://localhost:8080/v1, not {base_url!r}.")


class OpenAIChat(_OpenAIChat, HTTPModel):
    """A model on any server that speaks OpenAI Chat Completions.

    Args:
        model_id: the name that `get_model()` and error messages use.
        base_url: the server's address up to and including its version, such as `http://localhost:8080/v1`; None is OpenAI.
        model_name: the server's name of the model, where it differs from `model_id`.
        key: an API key. A server on `http://` needs none; OpenAI does.
        headers: sent with every request.
        timeout: seconds without a byte after which a request is given up; None means 600.
        max_retries: how often a request that was not answered is sent again.
        needs_key: the name under which the key is stored.
        key_env_var: the environment variable that may hold the key.
        can_stream, supports_schema, supports_tools, supports_conversation, vision, audio, reasoning: what the model can do.
    """


class AsyncOpenAIChat(_OpenAIChat, AsyncHTTPModel):
    """`OpenAIChat`, used with `await`."""
