"""Answers made of JSON objects: a stream of server-sent events, or one JSON text. No I/O. What the objects mean, each wire says."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pydantic_core import from_json

from llm_notebook.errors import IncompleteResponse, ModelError, ProviderError
from llm_notebook.parts import StreamEvent, json_text
from llm_notebook.providers.sse import SSEDecoder
from llm_notebook.providers.wire import provider_error

__all__ = ["Items", "JSONEventDecoder", "is_cut_short", "is_whole_json", "leniently_parsed"]

Items = list[str | StreamEvent]


class JSONEventDecoder:
    """One answer, streamed or whole. Subclasses read its objects and set `done` at the terminal one.

    Args:
        sender: the model's id, for error messages.
        stream: a stream was asked for.
        secret: the key, to be kept out of error messages.

    Attributes:
        what: what the server was asked for, for error messages.
        done: the answer has reached its end.
        failure: what ended it early, to be raised once what came before it is handed on.
    """

    what: ClassVar[str] = "an answer"

    def __init__(self, sender: str, *, stream: bool = True, secret: str | None = None) -> None:
        self.sender = sender
        self._secret = secret
        self._sse = SSEDecoder() if stream else None
        self._whole = bytearray()
        self.done = False
        self.failure: ModelError | None = None

    def expect_whole(self) -> None:
        """The server answers with one JSON body although a stream was asked for."""
        self._sse = None

    def feed(self, piece: bytes) -> Items:
        """The stream items that `piece` completes. What ends the answer early is kept in `failure`."""
        if self._sse is None:
            self._whole += piece
            return []
        items: Items = []
        if self.failure is not None:
            return items
        try:
            for name, data in self._sse.feed(piece):
                if data:
                    items += self._read(self._parsed(data), error=name == "error")
                if self.failure is not None:
                    break
        except ModelError as error:
            self.failure = error
        return items

    def close(self) -> Items:
        """The bytes have ended; gives what is known only now.

        Raises:
            IncompleteResponse: the terminal event was never seen, or the body is not a whole JSON text.
            ProviderError: what the server reported inside the answer.
        """
        if self.failure is not None:
            raise self.failure
        if self._sse is None:
            return self._whole_items()
        items: Items = []
        if not self.done and (rest := self._sse.pending) and is_whole_json(rest):
            # The last event lacks only its closing blank line.
            items = self._read(self._parsed(rest))
        if self.failure is not None:
            raise self.failure
        if not self.done:
            raise IncompleteResponse(
                f"{self.sender}: the stream broke off before its end; what arrived is in `.partial`."
            )
        return items

    def read(self, event: dict[str, Any]) -> Items:
        """The stream items of one object of a stream."""
        raise NotImplementedError

    def read_whole(self, answer: Any) -> Items:
        """The stream items of an answer that came as one JSON text."""
        raise NotImplementedError

    def _read(self, event: Any, *, error: bool = False) -> Items:
        if not isinstance(event, dict):
            raise self.strange(json_text(event))
        self._refuse_error(event, error=error)
        try:
            return self.read(event)
        except (AttributeError, IndexError, KeyError, TypeError):
            raise self.strange(json_text(event)) from None

    def _whole_items(self) -> Items:
        body = bytes(self._whole)
        if is_cut_short(body):
            raise IncompleteResponse(f"{self.sender}: the answer broke off before its end.")
        answer = self._parsed(body)
        self._refuse_error(answer)
        try:
            items = self.read_whole(answer)
        except (AttributeError, IndexError, KeyError, TypeError):
            raise self.strange(body.decode(errors="replace")) from None
        if not self.done:
            raise self.strange(body.decode(errors="replace"))
        return items

    def _refuse_error(self, answer: Any, *, error: bool = False) -> None:
        first = answer[0] if isinstance(answer, list) and answer else answer
        if error or (isinstance(first, dict) and (first.get("error") or first.get("type") == "error")):
            found = provider_error(self.sender, first, secret=self._secret)
            found.request_id = found.request_id or (first.get("request_id") if isinstance(first, dict) else None)
            raise found

    def _parsed(self, data: bytes) -> Any:
        try:
            return from_json(data)
        except ValueError:
            parsed = leniently_parsed(data)
        if parsed is None:
            raise self.strange(data.decode(errors="replace"))
        return parsed

    def strange(self, sent: str) -> ProviderError:
        """The error that says that the server sent something else."""
        said = f"it sent what is not {self.what}: {sent[:200]}"
        return provider_error(self.sender, said, secret=self._secret)


def is_whole_json(text: bytes | str) -> bool:
    """True if the text is a whole JSON text."""
    try:
        from_json(text)
    except ValueError:
        return False
    return True


def is_cut_short(body: bytes) -> bool:
    """True if the body is the beginning of a JSON object or list but not all of it."""
    if is_whole_json(body):
        return False
    try:
        return not body.strip() or isinstance(from_json(body, allow_partial=True), dict | list)
    except ValueError:
        return False


def leniently_parsed(data: bytes) -> Any:
    """JSON with what strict parsers refuse: half an emoji as an escape, or bytes that are no UTF-8; both are replaced."""
    try:
        parsed = json.loads(data.decode(errors="replace"))
        return json.loads(json_text(parsed).encode(errors="replace"))
    except (ValueError, RecursionError):
        return None
