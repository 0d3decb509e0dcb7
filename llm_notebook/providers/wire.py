"""What transport and wire formats tell each other. Values and protocols only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from llm_notebook.errors import ModelError, ProviderError
from llm_notebook.parts import StreamEvent
from llm_notebook.prompts import Usage

__all__ = ["AnswerDecoder", "Decoder", "WireRequest", "error_text", "provider_error"]

_MOVED = "The address is another one: check base_url."
_HINTS = {
    301: _MOVED,
    302: _MOVED,
    307: _MOVED,
    308: _MOVED,
    401: "Check the key.",
    403: "Check what the key may do.",
    404: "Check the model's name and the address.",
    413: "Send less.",
    429: "Wait a little, or check the quota.",
}


@dataclass(slots=True)
class WireRequest:
    """One POST, ready to be sent.

    Attributes:
        url: where to.
        body: JSON, encoded.
        headers: what goes with it; secret values are `Secret`s, so that they never show in a traceback.
        secret: the key, to be kept out of error messages.
        sender: how the model is called in error messages.
    """

    url: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    secret: str | None = None
    sender: str = "The model"


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
    """A Decoder of a model's answer, which also tells what came with it."""

    @property
    def usage(self) -> Usage:
        """Tokens, as far as the server told them."""

    @property
    def response_json(self) -> dict[str, Any]:
        """The answer in the API's non-streamed shape."""

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""


def error_text(body: Any) -> tuple[str, str | None]:
    """What a server's error body says, and its short code, from any of the shapes that servers use."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return str(body or ""), None
    inner = body.get("error", body)
    if isinstance(inner, str):
        return inner, None
    if not isinstance(inner, dict):
        inner = body
    message = inner.get("message") or inner.get("detail") or inner.get("msg") or ""
    if isinstance(message, list):
        message = "; ".join(str(item.get("msg", item)) if isinstance(item, dict) else str(item) for item in message)
    code = inner.get("code") or inner.get("type") or inner.get("status")
    return str(message or inner or ""), None if code is None else str(code)


def provider_error(
    sender: str,
    body: Any,
    *,
    status: int | None = None,
    headers: Mapping[str, str] | None = None,
    secret: str | None = None,
) -> ProviderError:
    """The error that says what the server said, in one sentence.

    Args:
        sender: the model's id.
        body: the parsed JSON body, or its text.
        status: HTTP status; None inside a stream.
        headers: the reply's headers.
        secret: a key that must not be repeated.
    """
    said, code = error_text(body)
    said = "".join(character if character.isprintable() else "\ufffd" for character in " ".join(said.split()))
    if secret:
        said = said.replace(secret, "…")
    said = said if len(said) <= 600 else said[:600] + "…"
    where = f"the server answered with HTTP {status}" if status is not None else "the server broke off with an error"
    message = f"{sender}: {where}" + (f": {said}" if said else ".")
    if status is not None and (hint := _HINTS.get(status)):
        message = (message if message[-1] in ".!?" else message + ".") + f" {hint}"
    request_id = (headers or {}).get("x-request-id") or (headers or {}).get("request-id")
    return ProviderError(message, status=status, code=code, request_id=request_id)
