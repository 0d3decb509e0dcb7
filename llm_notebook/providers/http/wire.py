"""How a server's certificate is checked, where it is not the usual way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from llm_notebook.errors import ModelError
from llm_notebook.parts.messages import StreamEvent, Usage

__all__ = ["AnswerDecoder", "Decoder", "TLSSettings", "WireRequest"]


@dataclass(slots=True, frozen=True)
class TLSSettings:
    """TLS for servers with a certificate of one's own.

    Attributes:
        verify: False accepts every certificate: only for a server that is reached over a network one trusts.
        ca_file: certificates of the authorities to trust, a PEM file or a folder of them; None means the usual ones.
        cert_file: the certificate that identifies this client, with its key unless `key_file` has that.
        key_file: the key of `cert_file`.
    """

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None


@dataclass(slots=True)
class WireRequest:
    """One POST, ready to be sent.

    Attributes:
        url: where to.
        body: JSON, encoded.
        headers: what goes with it; secret values are `Secret`s, so that they never show in a traceback.
        secret: the key, to be kept out of error messages.
        sender: how the model is called in error messages.
        advise: what to do about an error status, where more can be said than for every server.
    """

    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    secret: str | None = None
    sender: str = "The model"
    advise: Callable[[int], str | None] = lambda _status: None


class Decoder(Protocol):
    """Bytes of one response become items of its stream."""

    @property
    def done(self) -> bool:
        """The terminal event was seen."""

    @property
    def failure(self) -> ModelError | None:
        """The error that the server reported inside the stream, to be raised once what came before it is handed on."""

    def feed(self, piece: bytes) -> list[str | StreamEvent]:
        """What `piece` completes; what follows a `failure` is ignored."""

    def expect_whole(self) -> None:
        """The server answers with one body although a stream was asked for."""

    def close(self) -> list[str | StreamEvent]:
        """The bytes have ended; gives what is known only now.

        Raises:
            IncompleteResponse: the terminal event was never seen.
            ProviderError: the stream held a `failure`.
        """


class AnswerDecoder(Decoder, Protocol):
    """A decoder of a model's answers, which also learns what is true of the whole answer."""

    @property
    def usage(self) -> Usage:
        """Tokens, as far as the server told them."""

    @property
    def response_json(self) -> dict[str, Any]:
        """The response in the API's non-streamed shape."""

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
