"""What the decoders of all wire formats share: bytes become objects, and an end that came too early is an error. No I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from pydantic_core import from_json

from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError
from llm_notebook.parts.messages import StreamEvent, json_text
from llm_notebook.providers.http.errors import provider_error
from llm_notebook.providers.http.sse import SSEDecoder

__all__ = ["Framing", "StreamDecoder", "StreamItems", "as_text"]

# An answer with pictures in it takes some megabytes; what is larger than this would fill the memory before it ends.
_LARGEST_PIECE = 64 * 2**20

StreamItems = list[str | StreamEvent]


class Framing(Protocol):
    """Bytes in pieces of any size become the frames of a stream."""

    @property
    def pending(self) -> bytes:
        """Data of a frame that was not closed."""

    @property
    def waiting(self) -> int:
        """How many bytes are kept for a frame that has not ended."""

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        """The frames that `piece` completes, as (name or "", data)."""


class StreamDecoder:
    """One response, streamed or whole. Subclasses say what a frame and a whole body mean, and set `done` at the terminal event.

    Args:
        sender: the model's id, for error messages.
        stream: a stream was asked for.
        secret: the key, to be kept out of error messages.
    """

    framing: ClassVar[type[Framing]] = SSEDecoder
    # A stream of events cannot begin with a brace: a server that ignores `stream` sends its one body instead.
    object_is_whole: ClassVar[bool] = True
    # Frames after the one that ends the answer may add to it.
    goes_on: ClassVar[bool] = False
    kind: ClassVar[str] = "an answer"

    def __init__(self, sender: str, *, stream: bool = True, secret: str | None = None) -> None:
        self._sender = sender
        self._secret = secret
        self._frames: Framing | None = self.framing() if stream else None
        self._begun = False
        self._whole = bytearray()
        self._whole_json: dict[str, Any] | None = None
        self.done = False
        self.failure: ModelError | None = None

    def expect_whole(self) -> None:
        """The server answers with one JSON body although a stream was asked for."""
        self._frames = None

    def feed(self, piece: bytes) -> StreamItems:
        """The stream items that `piece` completes.

        An error that the server reports inside the stream, or what is no answer, is kept in `failure`.
        """
        items: StreamItems = []
        if self.failure is not None:
            return items
        if not self._begun:
            self._begin(piece)
        frames = self._frames
        if frames is None:
            self._whole += piece
            if len(self._whole) > _LARGEST_PIECE:
                self.failure = self._too_large()
            return items
        try:
            for name, data in frames.feed(piece):
                if self.failure is not None or (self.done and not self.goes_on):
                    break
                if data:
                    items += self.decode_frame(name, data)
        except ModelError as error:
            self.failure = error
        if frames.waiting > _LARGEST_PIECE:
            self.failure = self.failure or self._too_large()
        return items

    def _begin(self, piece: bytes) -> None:
        """Look at the first byte: what it says counts for more than the content type that a proxy made of it."""
        first = piece.lstrip()[:1]
        self._begun = bool(first)
        if first == b"<":
            self.failure = self.not_an_answer("a web page. Check base_url")
        elif first == b"{" and self.object_is_whole:
            self._frames = None

    def decode_frame(self, name: str, data: bytes) -> StreamItems:
        """The stream items of one frame.

        Raises:
            ProviderError: it is an error, or no part of such an answer.
        """
        raise NotImplementedError

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        """The stream items of a whole answer; sets `done`.

        Raises:
            ProviderError: it is an error, or no such answer.
        """
        raise NotImplementedError

    def close(self) -> StreamItems:
        """The bytes have ended; gives what is known only now.

        Raises:
            IncompleteResponse: the stream ended without its terminal event, or the body is not a whole JSON text.
            ProviderError: the stream held a `failure`.
        """
        if self.failure is not None:
            raise self.failure
        if self._frames is None:
            return self._decode_body()
        items = [] if self.done else self._decode_last_frame(self._frames.pending)
        if self.failure is not None:
            raise self.failure
        if not self.done:
            raise IncompleteResponse(
                f"{self._sender}: the stream broke off before its end; what arrived is in `.partial`."
            )
        return items

    def _decode_last_frame(self, pending: bytes) -> StreamItems:
        """The items of a last frame that is whole, although nothing closed it."""
        try:
            from_json(pending)
        except ValueError:
            return []
        return self.decode_frame("", pending)

    def _decode_body(self) -> StreamItems:
        body = bytes(self._whole)
        if _is_cut_short(body):
            raise IncompleteResponse(f"{self._sender}: the answer broke off before its end.")
        self._whole_json = self.parse(body)
        return self.decode_whole(self._whole_json)

    def interpret(self, event: Any, meaning: Callable[[Any], StreamItems], *, error: bool = False) -> StreamItems:
        """The stream items that `meaning` finds in what the server sent.

        Args:
            event: what it sent, parsed.
            meaning: reads it; what it trips over is no part of such an answer.
            error: it is an error in any case.

        Raises:
            ProviderError: it is an error, or no part of such an answer.
        """
        if error or event.get("error") or event.get("type") == "error":
            reported, request_id = self.server_error(event), event.get("request_id")
            reported.request_id = request_id if isinstance(request_id, str) else None
            raise reported
        try:
            return meaning(event)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise self.not_an_answer(json_text(event)) from None

    def parse(self, data: bytes) -> dict[str, Any]:
        """The JSON object of a frame or a body.

        Raises:
            ProviderError: it is none.
        """
        try:
            parsed = from_json(data)
        except ValueError:
            parsed = _leniently_parsed(data)
        if not isinstance(parsed, dict):
            raise self.not_an_answer(data[:4096].decode(errors="replace"))
        return parsed

    def server_error(self, body: Any) -> ProviderError:
        """The error that the server reports."""
        return provider_error(self._sender, body, secret=self._secret)

    def not_an_answer(self, sent: str) -> ProviderError:
        """The error for what is no such answer; the key is taken out before the text is shortened."""
        sent = sent.replace(self._secret, "…") if self._secret else sent
        return self.server_error(f"it sent what is not {self.kind}: {sent[:200]}")

    def _too_large(self) -> ModelError:
        return self.server_error(
            f"it sent more than {_LARGEST_PIECE // 2**20} MB in one piece, which is not {self.kind}"
        )

    def cut_off_in_call(self, reason: str) -> IncompleteResponse:
        """The error for an answer that reached a limit in the middle of a tool call, which must not be run."""
        return IncompleteResponse(
            f"{self._sender}: the answer was cut off in the middle of a tool call ({reason}); raise max_tokens."
        )


def as_text(value: Any) -> str:
    """The value, which must be text.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"text is wanted, not {type(value).__name__}")
    return value


def _is_cut_short(body: bytes) -> bool:
    """True if the body is the beginning of a JSON object or list but not all of it."""
    try:
        from_json(body)
    except ValueError:
        pass
    else:
        return False
    try:
        return not body.strip() or isinstance(from_json(body, allow_partial=True), dict | list)
    except ValueError:
        return False


def _leniently_parsed(data: bytes) -> Any:
    """JSON with what strict parsers refuse: half an emoji as an escape, or bytes that are no UTF-8; both are replaced."""
    try:
        parsed = json.loads(data.decode(errors="replace"))
        return json.loads(json_text(parsed).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
