"""OpenAI Chat Completions, the answers: bytes become stream events. No I/O.

Source: https://platform.openai.com/docs/api-reference/chat, and what compatible servers add to it (`reasoning_content`,
`reasoning`, `reasoning_details`, content as a list of typed chunks, arguments as objects).
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from llm_notebook.errors import IncompleteResponse, ModelError
from llm_notebook.identifiers import new_tool_call_id
from llm_notebook.parts import StreamEvent, json_text
from llm_notebook.prompts import Usage
from llm_notebook.providers.json_events import is_cut_short, is_whole_json, leniently_parsed
from llm_notebook.providers.sse import SSEDecoder
from llm_notebook.providers.wire import provider_error

__all__ = ["ChatDecoder"]

_HEAD_FIELDS = ("id", "created", "model", "service_tier", "system_fingerprint")


class ChatDecoder:
    """One response, streamed or whole. The terminal event of a stream is `data: [DONE]`.

    Args:
        sender: the model's id, for error messages.
        stream: a stream was asked for.
        secret: the key, to be kept out of error messages.
    """

    def __init__(self, sender: str, *, stream: bool = True, secret: str | None = None) -> None:
        self._sender = sender
        self._secret = secret
        self._sse = SSEDecoder() if stream else None
        self._whole = bytearray()
        self._whole_json: dict[str, Any] | None = None
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_details: list[Any] = []
        self._calls: dict[int, _CallInProgress] = {}
        self._started_calls: list[_CallInProgress] = []
        self._head: dict[str, Any] = {}
        self._raw_usage: dict[str, Any] | None = None
        self.finish_reason: str | None = None
        self.done = False
        self.failure: ModelError | None = None

    def expect_whole(self) -> None:
        """The server answers with one JSON body although a stream was asked for."""
        self._sse = None

    def feed(self, piece: bytes) -> list[str | StreamEvent]:
        """The stream items that `piece` completes.

        An error that the server reports inside the stream, or what is not a chat completion, is kept in `failure`.
        """
        if self._sse is None:
            self._whole += piece
            return []
        items: list[str | StreamEvent] = []
        if self.failure is not None:
            return items
        try:
            for name, data in self._sse.feed(piece):
                if self.done:
                    break
                if data == b"[DONE]":
                    items += self._end()
                elif data:
                    chunk = self._parsed(data)
                    if not name and (text := self._plain_text(chunk)) is not None:
                        items.append(text)
                    else:
                        items += self.feed_object(chunk, error=name == "error")
        except ModelError as error:
            self.failure = error
        return items

    def feed_object(self, chunk: dict[str, Any], *, error: bool = False) -> list[str | StreamEvent]:
        """The stream items of one parsed chunk, or of a whole completion.

        Raises:
            ProviderError: the chunk is an error, or not a chat completion.
        """
        if error or chunk.get("error") or "error" in (chunk.get("object"), chunk.get("type")):
            raise provider_error(self._sender, chunk, secret=self._secret)
        try:
            return self._items_of_chunk(chunk)
        except (AttributeError, KeyError, TypeError):
            raise self._strange(json_text(chunk)) from None

    def _plain_text(self, chunk: dict[str, Any]) -> str | None:
        """The text of a chunk that brings nothing but text, the common case by far; None for every other chunk."""
        try:
            choice = chunk["choices"][0]
            delta = choice["delta"]
            text = delta["content"]
        except (KeyError, IndexError, TypeError):
            return None
        if type(text) is not str or not text or len(delta) != 1 or choice.get("finish_reason") or not self._head:
            return None
        if chunk.get("usage") or "error" in chunk:
            return None
        self._text.append(text)
        return text

    def _items_of_chunk(self, chunk: dict[str, Any]) -> list[str | StreamEvent]:
        choices = chunk.get("choices")
        if isinstance(chunk.get("usage"), dict):
            self._raw_usage = chunk["usage"]
        if not self._head:
            self._head = {name: chunk[name] for name in _HEAD_FIELDS if chunk.get(name)}
        if not choices:
            return []
        choice = choices[0]
        if choice.get("finish_reason"):
            self.finish_reason = choice["finish_reason"]
            if self.finish_reason == "error":
                raise provider_error(self._sender, choice.get("error") or "the model failed", secret=self._secret)
        delta = choice.get("delta") or choice.get("message")
        if not delta:
            return []
        return self._items_of(delta)

    def _items_of(self, delta: dict[str, Any]) -> list[str | StreamEvent]:
        items: list[str | StreamEvent] = []
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str) and reasoning:
            items.append(self._reasoned(reasoning))
        if delta.get("reasoning_details"):
            self._reasoning_details += delta["reasoning_details"]
        content = delta.get("content")
        if isinstance(content, list):
            items += [item for block in content for item in self._typed_block(block)]
        for text, kept in ((content, self._text), (delta.get("refusal"), self._refusal)):
            if isinstance(text, str) and text:
                kept.append(text)
                items.append(text)
        for position, call in enumerate(delta.get("tool_calls") or []):
            items += self._call_items(call, position)
        return items

    def _reasoned(self, text: str) -> StreamEvent:
        self._reasoning.append(text)
        return StreamEvent("reasoning", text)

    def _typed_block(self, block: Any) -> list[str | StreamEvent]:
        """Mistral's content: a list of text and thinking chunks."""
        if not isinstance(block, dict):
            return []
        if block.get("type") == "thinking":
            inner = block.get("thinking") or []
            thought = inner if isinstance(inner, str) else "".join(str(item.get("text") or "") for item in inner)
            return [self._reasoned(thought)] if thought else []
        text = block.get("text")
        if not isinstance(text, str) or not text:
            return []
        self._text.append(text)
        return [text]

    def _call_items(self, delta: dict[str, Any], position: int) -> list[str | StreamEvent]:
        """Items of one tool-call delta: id and name come with the first fragment of an index, arguments in pieces."""
        index = delta.get("index")
        index = position if index is None else index
        function = delta.get("function") or {}
        given_id, name, arguments = delta.get("id"), function.get("name"), function.get("arguments")
        call = self._calls.get(index)
        if call is None or call.ends_before(given_id, name):
            taken = any(given_id == other.id for other in self._started_calls)
            call = self._calls[index] = _CallInProgress(
                new_tool_call_id() if taken or not given_id else given_id, given_id
            )
            self._started_calls.append(call)
        items: list[str | StreamEvent] = []
        if name and name != call.name:
            call.name += name
            items.append(StreamEvent("tool_call_name", name, tool_call_id=call.id))
        if arguments is not None and not isinstance(arguments, str):
            arguments = json_text(arguments)
        if arguments:
            call.arguments.append(arguments)
            items.append(StreamEvent("tool_call_args", arguments, tool_call_id=call.id))
        return items

    def _end(self) -> list[str | StreamEvent]:
        """The terminal event was seen.

        Raises:
            IncompleteResponse: the answer reached a limit in the middle of a tool call, which must not be run.
        """
        cut_short = self.finish_reason in ("length", "content_filter") and self._started_calls
        if cut_short and not self._started_calls[-1].is_whole():
            raise IncompleteResponse(
                f"{self._sender}: the answer was cut off in the middle of a tool call ({self.finish_reason}); raise max_tokens."
            )
        self.done = True
        if not self._reasoning_details:
            return []
        return [StreamEvent("reasoning", "", provider_metadata={"reasoning_details": self._reasoning_details})]

    def close(self) -> list[str | StreamEvent]:
        """The bytes have ended; gives what is known only now.

        Raises:
            IncompleteResponse: the stream ended without `[DONE]`, or the body is not a whole JSON text.
            ProviderError: the stream held a `failure`.
        """
        if self.failure is not None:
            raise self.failure
        if self._sse is None:
            return self._whole_items()
        if not self.done and self._sse.pending == b"[DONE]":
            return self._end()
        if not self.done:
            raise IncompleteResponse(
                f"{self._sender}: the stream broke off before its end; what arrived is in `.partial`."
            )
        return []

    def _whole_items(self) -> list[str | StreamEvent]:
        body = bytes(self._whole)
        if is_cut_short(body):
            raise IncompleteResponse(f"{self._sender}: the answer broke off before its end.")
        self._whole_json = self._parsed(body)
        items = self.feed_object(self._whole_json)
        if not self._whole_json.get("choices"):
            raise self._strange(body.decode(errors="replace"))
        return items + self._end()

    def _parsed(self, data: bytes) -> dict[str, Any]:
        try:
            parsed = from_json(data)
        except ValueError:
            parsed = leniently_parsed(data)
        if not isinstance(parsed, dict):
            raise self._strange(data.decode(errors="replace"))
        return parsed

    def _strange(self, sent: str) -> ModelError:
        return provider_error(self._sender, f"it sent what is not a chat completion: {sent[:200]}", secret=self._secret)

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
        return self._head.get("model")

    @property
    def usage(self) -> Usage:
        """Tokens, as far as the server told them."""
        usage = self._raw_usage or {}
        details = {
            name: value
            for name, value in usage.items()
            if name.endswith("_details") and isinstance(value, dict) and any(value.values())
        }
        return Usage(usage.get("prompt_tokens"), usage.get("completion_tokens"), details or None)

    @property
    def response_json(self) -> dict[str, Any]:
        """The response in the API's non-streamed shape: as the server sent it if it was not streamed."""
        if self._whole_json is not None:
            return self._whole_json
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text) or None}
        if self._refusal:
            message["refusal"] = "".join(self._refusal)
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._started_calls:
            message["tool_calls"] = [call.to_dict() for call in self._started_calls]
        choice = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        whole: dict[str, Any] = {**self._head, "object": "chat.completion", "choices": [choice]}
        return whole | ({"usage": self._raw_usage} if self._raw_usage else {})


class _CallInProgress:
    """A tool call while its fragments arrive."""

    __slots__ = ("arguments", "given_id", "id", "name")

    def __init__(self, call_id: str, given_id: str | None) -> None:
        self.id = call_id
        self.given_id = given_id
        self.name = ""
        self.arguments: list[str] = []

    def ends_before(self, given_id: str | None, name: str | None) -> bool:
        """True if a delta of that id and name begins another call, although it has the same index.

        Some servers number all calls of a turn 0: an id tells them apart, and without ids a name after whole arguments.
        """
        if given_id and self.given_id:
            return given_id != self.given_id
        return bool(name and not given_id and self.arguments and self.is_whole())

    def is_whole(self) -> bool:
        """True if the arguments so far are a whole JSON text."""
        return is_whole_json("".join(self.arguments))

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": "".join(self.arguments)},
        }
