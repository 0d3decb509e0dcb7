"""What transport and wire formats tell each other. Values and protocols only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from llm_notebook.errors import ModelError, ProviderError
from llm_notebook.parts import StreamEvent
from llm_notebook.prompts import Usage
from llm_notebook.providers.context_limits import tokens_over
from llm_notebook.providers.retries import LONGEST_ASKED_DELAY, retry_after

__all__ = ["AnswerDecoder", "Decoder", "WireRequest", "error_text", "provider_error", "request_id_in"]

_MOVED = "The address is another one: check base_url."
_HINTS = {
    301: _MOVED,
    302: _MOVED,
    303: _MOVED,
    307: _MOVED,
    308: _MOVED,
    401: "Check the key.",
    403: "Check what the key may do.",
    404: "Check the model's name and the address.",
    413: "Send less.",
    429: "Wait a little, or check the quota.",
}
_REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "x-ms-request-id", "cf-ray")


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
    hint: str | None = None,
) -> ProviderError:
    """The error that says what the server said and what to do, in one sentence each.

    Args:
        sender: the model's id.
        body: the parsed JSON body, or its text.
        status: HTTP status; None inside a stream.
        headers: the reply's headers.
        secret: a key that must not be repeated.
        hint: what to do, where more can be said than the status alone says.
    """
    said, code = error_text(body)
    said = "".join(character if character.isprintable() else "\ufffd" for character in " ".join(said.split()))
    if secret:
        said = said.replace(secret, "…")
    said = said if len(said) <= 600 else said[:600] + "…"
    where = f"the server answered with HTTP {status}" if status is not None else "the server broke off with an error"
    message = f"{sender}: {where}" + (f": {said}" if said else ".")
    advice = [_too_long(said), hint or _HINTS.get(status or 0, ""), _wait(status, headers or {})]
    if any(advice):
        message = (message if message[-1] in ".!?" else message + ".") + "".join(f" {text}" for text in advice if text)
    return ProviderError(message, status=status, code=code, request_id=request_id_in(headers or {}))


def request_id_in(headers: Mapping[str, str]) -> str | None:
    """The provider's id of the request, which its support asks for."""
    return next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None)


def _too_long(said: str) -> str:
    """What to do about a prompt that is longer than the model takes."""
    over = tokens_over(said)
    return "" if over is None else f"That is {over:,} tokens too many: send less, or begin a new conversation."


def _wait(status: int | None, headers: Mapping[str, str]) -> str:
    """How long the server asks to wait, where that is longer than anybody would wait for a cell."""
    seconds = retry_after(headers) if status in (429, 503, 529) else None
    if seconds is None or not LONGEST_ASKED_DELAY < seconds < float("inf"):
        return ""
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    return f"It asks to wait {f'{minutes} minutes' if minutes < 120 else f'{hours} hours'}."
