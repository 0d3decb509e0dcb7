"""What passes between a model, its wire format and the transport: the request, the decoder of its answer, opened files, and TLS settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.errors import ModelError
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import StreamEvent, Usage

if TYPE_CHECKING:
    from llm_notebook.turns.prompt import Prompt

__all__ = ["AnswerDecoder", "Body", "Decoder", "DecoderType", "OpenedFile", "TLSSettings", "WireRequest"]


@dataclass(slots=True, frozen=True)
class TLSSettings:
    """TLS settings for a server with a private certificate, or one that requires client certificates.

    Attributes:
        verify: whether the server's certificate is checked. False accepts any, and is safe only on a network that you trust.
        ca_file: the certificates of the authorities to trust, as a PEM file or a folder of them; None means the usual ones.
        cert_file: the certificate that identifies this client, with its private key unless `key_file` has that.
        key_file: the private key of `cert_file`.
    """

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


class DecoderType(Protocol):
    """Creates the decoder of one answer."""

    def __call__(self, *, secrets: Secrets) -> AnswerDecoder:
        """Return a new decoder, whose error messages do not show the secrets."""


@dataclass(slots=True, frozen=True)
class Body:
    """What a wire format makes of a prompt. It depends neither on the key nor on the headers of the model.

    Attributes:
        path: the path under the server's address.
        text: JSON text.
        decoder: creates the decoder of the answer.
        headers: the headers that go with it.
    """

    path: str
    text: str
    decoder: DecoderType
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class WireRequest:
    """A request that is ready to be sent: a POST, or a GET if the body is empty.

    Attributes:
        url: the address.
        body: encoded JSON.
        headers: the headers besides the usual ones; secret values are `Secret`s, so that tracebacks never show them.
        secrets: the key and other secret values in it, which error messages must not show.
        sender: the model's name in error messages.
        advise: returns what to do about an error status, given the key; None if there is nothing better to say than for any server.
        key: the key that is sent, if there is one.
    """

    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    secrets: Secrets = NO_SECRETS
    sender: str = "The model"
    advise: Callable[[int, str | None], str | None] = lambda _status, _key: None
    key: str | None = None


class Decoder(Protocol):
    """A decoder that turns the bytes of one answer into the items of its stream."""

    @property
    def done(self) -> bool:
        """True once the event that ends the answer was seen."""

    @property
    def failure(self) -> ModelError | None:
        """The error that the server reported inside the stream; it is raised after the items before it are delivered."""

    def feed(self, piece: bytes) -> list[str | StreamEvent]:
        """Return the items that `piece` completes. Everything after a `failure` is ignored."""

    def expect_whole(self) -> None:
        """Prepare for one body, which the server announced although the request asked for a stream."""

    def drain(self) -> list[str | StreamEvent]:
        """Return the items that the end of the body completes, if the body has ended as HTTP requires."""

    def close(self) -> list[str | StreamEvent]:
        """End the answer, and return the items that `drain()` has not returned yet.

        Raises:
            IncompleteResponse: the answer's end was not seen.
            ProviderError: the answer contained or ended in a `failure`.
        """


class AnswerDecoder(Decoder, Protocol):
    """A decoder of a model's answer, which also collects facts about the whole answer.

    Attributes:
        prompt: what the model was sent, as far as the decoder is told. References in an answer may point to documents in it.
    """

    prompt: Prompt | None

    @property
    def usage(self) -> Usage:
        """The tokens used, as far as the server reported them."""

    @property
    def response_json(self) -> dict[str, Any]:
        """The answer in the API's shape for answers that are not streamed."""

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None if it has not said so."""

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""


@dataclass(slots=True, frozen=True)
class OpenedFile:
    """A file that a server has begun to send.

    Attributes:
        status: 200, or 206 for a part of the file, or 416 if there is no such part.
        headers: the headers of the server that sends the file.
        first_headers: the headers of the server that was asked first and may have redirected to the other.
        pieces: the body, which can be read once.
    """

    status: int
    headers: Mapping[str, str]
    first_headers: Mapping[str, str]
    pieces: Iterator[bytes]
