"""The base of all decoders: bytes become stream items, and an answer that ends too early becomes an error. No I/O.

A decoder is fed the body of one reply, in pieces cut anywhere, and returns what each piece completes. The transport drives it:

    feed(piece) → items      as often as bytes arrive
    drain()     → items      once, when the body has ended as HTTP wants it
    close()                  after that; raises unless the answer is complete

The work is split in three. A `Framing` cuts bytes into frames: server-sent events for most APIs, lines of JSON for Ollama.
`StreamDecoder` does what is the same for every API. Each wire format's subclass says what a frame (`decode_frame()`) or a whole body
(`decode_whole()`) means, and sets `done` when it sees the event that ends an answer.

Four things are less simple than they look:

- *The end.* A closed connection proves nothing: proxies and crashing servers close connections too. So `close()` accepts an answer only if
  `done` was set. Many servers that imitate an API leave out its terminal event. `may_end` says that the model has stated why it stopped, and
  that nothing has followed; then a body that is complete by HTTP's own framing ends the answer, and a broken connection does not. A pending
  frame is decoded if it is complete, because some servers do not terminate their last one.
- *Stream or body.* A server may answer a request for a stream with one JSON body, and the other way round. `expect_whole()` is called if
  the content type says so. But proxies rewrite content types, so the first byte counts too: no server-sent event begins with `{`, no
  JSON with `data:`, and no API's answer with `<`.
- *Errors at the end.* By the time one arrives, there may be items from the same piece or the same body. `feed()` and `drain()` return those
  and keep the error in `failure`, which the transport raises afterwards by calling `close()`. Nothing after the error is read.
- *Hostile or broken servers.* Anything but the expected JSON becomes a `ProviderError` that quotes its beginning, with the key replaced.
  A frame or body that never ends is abandoned at 64 MB.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic_core import from_json

from llm_notebook.configuration.scrubbing import NO_SECRETS, WITHHELD, Secrets
from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError, plain_words
from llm_notebook.parts.finishes import Finish
from llm_notebook.parts.messages import StreamEvent, json_text
from llm_notebook.providers.http.answers.listed_answers import JSONListElements
from llm_notebook.providers.http.answers.loose_json import parse_leniently
from llm_notebook.providers.http.answers.sse import SSEDecoder
from llm_notebook.providers.http.errors import provider_error

if TYPE_CHECKING:
    from llm_notebook.turns.prompt import Prompt

__all__ = ["Framing", "StreamDecoder", "StreamItems", "as_text", "is_broken_json", "is_json"]

# An answer with images takes some megabytes. A frame or body much larger than that would fill the memory before it ends.
_LARGEST_PIECE = 64 * 2**20
_BOM = b"\xef\xbb\xbf"
_END_MARK = b"[DONE]"
# The first bytes of the fields of a server-sent event, `data`, `event`, `id` and `retry`, and of a comment. No JSON begins like this.
_EVENT_STARTS = tuple(b"deir:"[at : at + 1] for at in range(5))
_EVENT_FIELDS = (b"data:", b"event:", b"id:", b"retry:", b":")
_BEGINNING = 4096  # bytes that are kept of a body that may not be an answer, to quote it

StreamItems = list[str | StreamEvent]
"""What a decoder returns. A plain string continues the text part before it; a StreamEvent says what it is and to which part it belongs."""


class Framing(Protocol):
    """A way to cut a stream of bytes into frames."""

    @property
    def pending(self) -> bytes:
        """The data of a frame that has begun and not ended."""

    @property
    def waiting(self) -> int:
        """The number of bytes kept for a frame that has not ended."""

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        """Return the frames that `piece` completes, as (name or "", data)."""


class StreamDecoder:
    """The decoder of one answer, streamed or whole. Subclasses give frames and bodies their meaning.

    Args:
        sender: the model's id, for error messages.
        stream: whether the request asked for a stream.
        secrets: what error messages must not show.

    Attributes:
        framing: the way the bytes of a stream are cut into frames.
        object_is_whole: an opening brace at the start means one whole body instead of a stream.
        list_is_stream: an opening bracket at the start means a stream that comes as one JSON list.
        kind: the answer's name in error messages.
        done: the terminal event was seen.
        may_end: the model has stated why it stopped, and nothing has followed: a clean end of the body ends the answer.
        failure: the error that the server reported inside the stream, or that the answer ends in.
        prompt: what the model was sent, if the decoder is told; references in an answer may point to documents in it.
    """

    framing: ClassVar[type[Framing]] = SSEDecoder
    object_is_whole: ClassVar[bool] = True
    list_is_stream: ClassVar[bool] = False
    kind: ClassVar[str] = "an answer"

    def __init__(self, sender: str, *, stream: bool = True, secrets: Secrets = NO_SECRETS) -> None:
        self._sender = sender
        self._secrets = secrets
        self._is_stream = stream
        # It is created when the first byte has shown what follows, because many requests may be waiting for theirs.
        self._frames: Framing | None = None
        self._begun = False
        self._drained = False
        self._undecoded: bytes | None = b""  # the beginning of a stream, until something of it has been decoded
        self._whole = bytearray()
        self._whole_json: dict[str, Any] | None = None
        self.done = False
        self.may_end = False
        self.failure: ModelError | None = None
        self.prompt: Prompt | None = None

    def expect_whole(self) -> None:
        """Prepare for one JSON body, which the server announced although the request asked for a stream."""
        self._is_stream = False

    def feed(self, piece: bytes) -> StreamItems:
        """Return the stream items that `piece` completes. An error found in it is kept in `failure`."""
        items: StreamItems = []
        if self.failure is not None:
            return items
        if not self._begun:
            piece = self._begin(piece)
        frames = self._frames
        if frames is None or not self._begun:
            self._whole += piece
            if len(self._whole) > _LARGEST_PIECE:
                self.failure = self._too_large()
            return items
        if self._undecoded is not None:
            self._undecoded = (self._undecoded + piece)[:_BEGINNING]
        try:
            self._decode_frames(frames, piece, items)
        except ModelError as error:
            self.failure = error
        return items

    def _decode_frames(self, frames: Framing, piece: bytes, items: StreamItems) -> None:
        """Add the stream items of the frames that a piece completes, up to one that ends the answer."""
        complete = frames.feed(piece)
        is_too_large = frames.waiting > _LARGEST_PIECE
        for name, data in complete:
            if self.failure is not None or self.done:
                break
            if not data:
                continue
            self._undecoded = None
            if data.strip() == _END_MARK:
                items += self.decode_end_mark()
                continue
            try:
                frame = from_json(data)
            except ValueError:
                frame = None
            # Nearly every frame is an object in strict JSON. Any other frame is examined once more.
            items += self.decode_frame(name, frame if type(frame) is dict else self.parse(data))
        if is_too_large:
            self.failure = self.failure or self._too_large()

    def _begin(self, piece: bytes) -> bytes:
        """Decide by the first byte whether this is a stream, one body, or no answer at all. Return what has arrived until then."""
        arrived = bytes(self._whole) + piece
        start = arrived.lstrip()
        if not start.removeprefix(_BOM) or _BOM.startswith(start):
            return piece
        self._begun = True
        self._whole.clear()
        arrived = start.removeprefix(_BOM)
        first = arrived.lstrip()[:1]
        if first == b"<":
            said = f"{self._sender}: the server answered with a web page, not an API. Check base_url."
            self.failure = ProviderError(said, kind="broken")
        elif first == b"{" and self.object_is_whole:
            self._is_stream = False
        elif first == b"[" and self.list_is_stream:
            self._is_stream, self._frames = True, JSONListElements()
        elif self._is_stream or (first in _EVENT_STARTS and self.framing is SSEDecoder):
            self._is_stream, self._frames = True, self.framing()
        return arrived

    def decode_end_mark(self) -> StreamItems:
        """Return the stream items of the frame `[DONE]`, with which OpenAI's streams end.

        Raises:
            ProviderError: no stream of this API ends so.
        """
        raise self.not_an_answer(_END_MARK.decode())

    def decode_frame(self, name: str, frame: dict[str, Any]) -> StreamItems:
        """Return the stream items of one frame, and set `done` if it ends the answer.

        Raises:
            ProviderError: the frame reports an error, or is not part of such an answer.
            IncompleteResponse: the answer ends where it must not, as in the middle of a tool call.
        """
        raise NotImplementedError

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        """Return the stream items of a whole answer, and set `done`.

        Raises:
            ProviderError: the body reports an error, or is not such an answer.
            IncompleteResponse: the answer ends where it must not, as in the middle of a tool call.
        """
        raise NotImplementedError

    def drain(self) -> StreamItems:
        """Return the items that the end of the body completes. The body has ended as HTTP wants it. An error is kept in `failure`."""
        if self._drained or self.failure is not None:
            return []
        self._drained = True
        try:
            if self._frames is not None:
                return self._decode_rest(self._frames)
            return [] if self._is_stream else self._decode_body()  # a stream that has not begun has nothing to decode
        except ModelError as error:
            self.failure = error
            return []

    def close(self) -> StreamItems:
        """End the answer, and return the items that `drain()` has not returned yet.

        Raises:
            IncompleteResponse: the model has not said that it stopped, or the body is cut short.
            ProviderError: the server reported an error, or what it sent is not such an answer.
        """
        items = self.drain()
        if self.failure is not None:
            raise self.failure
        if not self.done:
            raise self._early_end()
        return items

    def _early_end(self) -> ModelError:
        """Return the error for a body that ended before the answer did, or that is no answer at all."""
        if not self._begun:
            return IncompleteResponse(f"{self._sender}: the server answered with nothing.")
        if self._undecoded and self._is_foreign(self._undecoded):
            return self.not_an_answer(self._undecoded.decode(errors="replace"))
        return IncompleteResponse(
            f"{self._sender}: the stream broke off before its end; what arrived is in `.partial`."
        )

    def _is_foreign(self, beginning: bytes) -> bool:
        """Return True if a stream does not begin like a stream of this kind, not even like one that was cut off."""
        if not isinstance(self._frames, SSEDecoder):
            return self.framing is not SSEDecoder and beginning[:1] != b"{"
        line = beginning.lstrip().partition(b"\n")[0]
        return not any(line.startswith(field) or field.startswith(line) for field in _EVENT_FIELDS)

    def end(self) -> StreamItems:
        """End an answer without a terminal event, and return the items that are known only at the end. Called if the answer `may_end`."""
        self.done = True
        return []

    def _decode_rest(self, frames: Framing) -> StreamItems:
        """Return the items of a last frame that nothing terminated, and end the answer if it may end."""
        if self.done:
            return []
        pending = frames.pending
        items = self._decode_last_frame(pending) if pending else []
        is_cut = frames.waiting > 0 and not _is_whole(pending)
        if self.may_end and not is_cut and not self.done and self.failure is None:
            items += self.end()
        return items

    def _decode_last_frame(self, pending: bytes) -> StreamItems:
        """Return the items of a last frame that is whole JSON, although nothing terminated it."""
        return self.decode_frame("", self.parse(pending)) if _is_whole(pending) else []

    def _decode_body(self) -> StreamItems:
        body = bytes(self._whole).strip().removeprefix(_BOM)
        if not body:
            raise IncompleteResponse(f"{self._sender}: the server answered with nothing.")
        if _is_cut_short(body):
            raise IncompleteResponse(f"{self._sender}: the answer broke off before its end.")
        self._whole_json = self.parse(body)
        return self.decode_whole(self._whole_json)

    def interpret(
        self, event: dict[str, Any], meaning: Callable[[dict[str, Any]], StreamItems], *, error: bool = False
    ) -> StreamItems:
        """Return the stream items that `meaning` finds in an event.

        `meaning` may take the event's shape for granted: any error that it raises becomes the error for an event of another shape.

        Args:
            event: the parsed JSON.
            meaning: decodes it.
            error: the frame was marked as an error, whatever the event holds.

        Raises:
            ProviderError: the event reports an error, or is not part of such an answer.
        """
        if error or event.get("error") or event.get("type") == "error":
            failure, request_id = self.server_error(event), event.get("request_id")
            failure.request_id = self._secrets.scrub(request_id) if isinstance(request_id, str) else None
            raise failure
        try:
            return meaning(event)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError):
            raise self.not_an_answer(json_text(event)) from None

    def parse(self, data: bytes) -> dict[str, Any]:
        """Return the JSON object of a frame or a body.

        Raises:
            ProviderError: it is not a JSON object.
        """
        try:
            parsed = from_json(data)
        except ValueError:
            parsed = parse_leniently(data)
        if not isinstance(parsed, dict):
            raise self.not_an_answer(data[:_BEGINNING].decode(errors="replace"))
        return parsed

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None if it has not said so."""
        raise NotImplementedError

    def server_error(self, body: object) -> ProviderError:
        """Return the error that the server reports in this body."""
        return provider_error(self._sender, body, secrets=self._secrets)

    def not_an_answer(self, sent: str) -> ProviderError:
        """Return the error for text that is not the expected answer."""
        sent = self._secrets.scrub(sent, otherwise=WITHHELD)[:200]
        return self._our_error(f"it sent what is not {self.kind}: {sent}")

    def _too_large(self) -> ModelError:
        return self._our_error(f"it sent more than {_LARGEST_PIECE // 2**20} MB in one piece, which is not {self.kind}")

    def _our_error(self, said: str) -> ProviderError:
        """Return the error for what is no answer, in our own words, which contain no secret."""
        return provider_error(self._sender, said, kind="broken")

    def filter_error(self, finish: Finish, why: str = "") -> ProviderError:
        """Return the error for an answer that a filter of the provider's stopped.

        Args:
            finish: what the provider said.
            why: what it said in addition.
        """
        more = f": {why}" if why else ""
        told = plain_words(self._secrets.scrub(f"{finish.said}{more}", otherwise="content filter"))
        said = f"the provider's filter stopped the answer ({told}); what arrived is in `.partial`."
        code = self._secrets.scrub(finish.said or "") or None
        return ProviderError(f"{self._sender}: {' '.join(said.split())}", code=code, kind="ended")

    def cut_off_in_call(self, reason: str) -> IncompleteResponse:
        """Return the error for an answer that reached a limit in the middle of a tool call, which must not be run."""
        reason = plain_words(self._secrets.scrub(reason, otherwise="by a limit"))
        said = f"the answer was cut off in the middle of a tool call ({reason}); raise max_tokens."
        return IncompleteResponse(f"{self._sender}: {said}", kind="ended")


def as_text(value: object) -> str:
    """Return the value if it is text.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, str):
        raise TypeError(f"text is wanted, not {type(value).__name__}")
    return value


def is_json(text: bytes | str) -> bool:
    """Return True if this is one whole JSON text."""
    try:
        from_json(text)
    except ValueError:
        return False
    return True


def is_broken_json(arguments: object) -> bool:
    """Return True for a call's arguments that are text but not JSON. Servers that imitate an API pass on such text in place of an object."""
    return isinstance(arguments, str) and not is_json(arguments)


def _is_whole(frame: bytes) -> bool:
    """Return True if this is one whole JSON text, even one that only a lenient parser reads."""
    return bool(frame) and (is_json(frame) or parse_leniently(frame) is not None)


def _is_cut_short(body: bytes) -> bool:
    """Return True if the body is the beginning of a JSON object or list and not all of it."""
    if is_json(body):
        return False
    try:
        return isinstance(from_json(body, allow_partial=True), dict | list)
    except ValueError:
        return False
