"""The answers of OpenAI Chat Completions: bytes become stream items. No I/O.

Source: https://platform.openai.com/docs/api-reference/chat, and what compatible servers add to it (`reasoning_content`, `reasoning`,
`reasoning_details`, content as a list of typed chunks, arguments as objects, usage under `x_groq`).
"""

from __future__ import annotations

from typing import Any

from pydantic_core import from_json

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.parts.identifiers import new_tool_call_id
from llm_notebook.parts.messages import StreamEvent, Usage, json_text
from llm_notebook.providers.http.decoding import StreamDecoder, StreamItems, as_text
from llm_notebook.providers.openai.source_answers import ChatSources, attached_pictures
from llm_notebook.providers.openai.usage_answers import openai_usage

__all__ = ["ChatDecoder"]

_HEAD_FIELDS = ("id", "created", "model", "service_tier", "system_fingerprint")


class ChatDecoder(StreamDecoder):
    """The decoder of one completion, streamed or whole. A stream ends with `data: [DONE]`."""

    kind = "a chat completion"

    def __init__(self, sender: str, *, stream: bool = True, secrets: Secrets = NO_SECRETS) -> None:
        super().__init__(sender, stream=stream, secrets=secrets)
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._reasoning: list[str] = []
        self._reasoning_details: list[Any] = []
        self._calls: dict[int, _CallInProgress] = {}
        self._started_calls: list[_CallInProgress] = []
        self._head: dict[str, Any] = {}
        self._raw_usage: dict[str, Any] | None = None
        self.finish_reason: str | None = None
        self._sources = ChatSources()

    def decode_frame(self, name: str, data: bytes) -> StreamItems:
        if data == b"[DONE]":
            return self._finish()
        chunk = self.parse(data)
        if not name and (text := self._take_plain_text(chunk)) is not None:
            return [text]
        return self.decode_object(chunk, error=name == "error")

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        items = self.decode_object(body)
        if not body.get("choices"):
            raise self.not_an_answer(json_text(body))
        return items + self._finish()

    def _decode_last_frame(self, pending: bytes) -> StreamItems:
        return self._finish() if pending == b"[DONE]" else []

    def decode_object(self, chunk: dict[str, Any], *, error: bool = False) -> StreamItems:
        """Return the stream items of one parsed chunk, or of a whole completion.

        Raises:
            ProviderError: the chunk reports an error, or is not a chat completion.
        """
        if error or chunk.get("error") or "error" in (chunk.get("object"), chunk.get("type")):
            raise self.server_error(chunk)
        try:
            return self._decode_chunk(chunk)
        except (AttributeError, KeyError, TypeError):
            raise self.not_an_answer(json_text(chunk)) from None

    def _take_plain_text(self, chunk: dict[str, Any]) -> str | None:
        """Take the text of a chunk that has nothing but text, and return it; None for every other chunk.

        This is by far the most common case, and much faster than decoding the chunk field by field.
        """
        try:
            choice = chunk["choices"][0]
            delta = choice["delta"]
            text = delta["content"]
        except (KeyError, IndexError, TypeError):
            return None
        # The first chunk has the head of the answer, so it is not plain.
        if type(text) is not str or not text or len(delta) != 1 or choice.get("finish_reason") or not self._head:
            return None
        if chunk.get("usage") or "error" in chunk:
            return None
        self._text.append(text)
        return text

    def _decode_chunk(self, chunk: dict[str, Any]) -> StreamItems:
        choices = chunk.get("choices")
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        if isinstance(usage, dict):
            self._raw_usage = usage
        if not self._head:
            self._head = {name: chunk[name] for name in _HEAD_FIELDS if chunk.get(name)}
        self._sources.note_chunk(chunk)
        if not choices:
            return []
        choice = choices[0]
        if choice.get("finish_reason"):
            self.finish_reason = choice["finish_reason"]
            if self.finish_reason == "error":
                raise self.server_error(choice.get("error") or "the model failed")
        delta = choice.get("delta") or choice.get("message")
        if not delta:
            return []
        return self._decode_delta(delta)

    def _decode_delta(self, delta: dict[str, Any]) -> StreamItems:
        items: StreamItems = []
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str) and reasoning:
            items.append(self._add_reasoning(reasoning))
        if delta.get("reasoning_details"):
            self._reasoning_details += delta["reasoning_details"]
        content = delta.get("content")
        if isinstance(content, list):
            items += [item for block in content for item in self._decode_block(block)]
        for text, kept in ((content, self._text), (delta.get("refusal"), self._refusal)):
            if isinstance(text, str) and text:
                kept.append(text)
                items.append(text)
        self._sources.note_delta(delta)
        items += [
            StreamEvent("attachment", "", provider_metadata={"chat": {}}, attachment=picture)
            for picture in attached_pictures(delta)
        ]
        for position, call in enumerate(delta.get("tool_calls") or []):
            items += self._decode_call(call, position)
        return items

    def _add_reasoning(self, text: str) -> StreamEvent:
        self._reasoning.append(text)
        return StreamEvent("reasoning", text)

    def _decode_block(self, block: object) -> StreamItems:
        """Return the items of a typed chunk, text or thinking. Mistral sends content as a list of them."""
        if not isinstance(block, dict):
            return []
        if block.get("type") == "thinking":
            inner = block.get("thinking") or []
            thought = inner if isinstance(inner, str) else "".join(str(item.get("text") or "") for item in inner)
            items: StreamItems = [self._add_reasoning(thought)] if thought else []
            if block.get("signature"):
                signature = {"mistral": {"signature": block["signature"]}}
                items.append(StreamEvent("reasoning", "", provider_metadata=signature))
            return items
        text = block.get("text")
        if not isinstance(text, str) or not text:
            return []
        self._text.append(text)
        return [text]

    def _decode_call(self, delta: dict[str, Any], position: int) -> StreamItems:
        """Return the items of one tool-call delta.

        The first delta with an index has the id and the name of the call, and the arguments come in pieces. Some servers send no
        index, no id, the id of an earlier call, or the name again with every piece.
        """
        index = delta.get("index")
        index = position if index is None else index
        function = delta.get("function") or {}
        given_id, name, arguments = delta.get("id"), function.get("name"), function.get("arguments")
        given_id = given_id if isinstance(given_id, str) else None
        call = self._calls.get(index)
        if call is None or call.ends_before(given_id, name):
            # Results are matched to calls by id, so an id that an earlier call has is replaced.
            taken = any(given_id == other.id for other in self._started_calls)
            call = self._calls[index] = _CallInProgress(
                new_tool_call_id() if taken or not given_id else given_id, given_id
            )
            self._started_calls.append(call)
        items: StreamItems = []
        if name and name != call.name:
            call.name += as_text(name)
            items.append(StreamEvent("tool_call_name", name, tool_call_id=call.id))
        if arguments is not None and not isinstance(arguments, str):
            arguments = json_text(arguments)
        if arguments:
            call.arguments.append(arguments)
            items.append(StreamEvent("tool_call_args", arguments, tool_call_id=call.id))
        return items

    def _finish(self) -> StreamItems:
        """End the answer, and return the items that are known only now.

        Raises:
            IncompleteResponse: the answer reached a limit in the middle of a tool call, which must not be run.
        """
        cut_short = self.finish_reason in ("length", "content_filter") and self._started_calls
        if cut_short and not self._started_calls[-1].is_whole():
            raise self.cut_off_in_call(str(self.finish_reason))
        self.done = True
        sources = self._sources.citations
        items: StreamItems = [StreamEvent("text", "", citations=sources)] if sources else []
        if self._reasoning_details:
            details = _join_details(self._reasoning_details)
            items.append(StreamEvent("reasoning", "", provider_metadata={"reasoning_details": details}))
        return items

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
        return self._head.get("model")

    @property
    def usage(self) -> Usage:
        """The tokens used, as far as the server reported them."""
        return openai_usage(self._raw_usage, "prompt_tokens", "completion_tokens")

    @property
    def response_json(self) -> dict[str, Any]:
        """The completion in the API's shape for answers that are not streamed; if it was not streamed, as the server sent it.

        A streamed completion also has `content` and `finish_reason` beside `choices`, where code written for the `llm` package looks
        for them.
        """
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
        beside = {"content": message["content"] or "", "finish_reason": self.finish_reason}
        whole: dict[str, Any] = {**self._head, "object": "chat.completion", "choices": [choice], **beside}
        return whole | ({"usage": self._raw_usage} if self._raw_usage else {})


def _join_details(pieces: list[Any]) -> list[Any]:
    """Return OpenRouter's details of reasoning as they are sent back: the pieces with the same type and index as one block."""
    joined: dict[int | tuple[str, str], dict[str, Any]] = {}
    for position, piece in enumerate(pieces):
        if not isinstance(piece, dict) or piece.get("index") is None:
            joined[position] = piece
            continue
        block = joined.setdefault((str(piece.get("type")), str(piece["index"])), {})
        for name, value in piece.items():
            if name in ("text", "summary", "data") and isinstance(block.get(name), str) and isinstance(value, str):
                block[name] += value
            elif value is not None or name not in block:
                block[name] = value
    return list(joined.values())


class _CallInProgress:
    """A tool call while its fragments arrive."""

    __slots__ = ("arguments", "given_id", "id", "name")

    def __init__(self, call_id: str, given_id: str | None) -> None:
        self.id = call_id
        self.given_id = given_id
        self.name = ""
        self.arguments: list[str] = []

    def ends_before(self, given_id: str | None, name: str | None) -> bool:
        """Return True if a delta with this id and name begins another call, although it has the same index.

        Some servers give every call of a turn the index 0. Then another id begins a new call, or, without ids, a name after complete
        arguments.
        """
        if given_id and self.given_id:
            return given_id != self.given_id
        return bool(name and not given_id and self.arguments and self.is_whole())

    def is_whole(self) -> bool:
        """Return True if the arguments so far are a whole JSON text."""
        try:
            from_json("".join(self.arguments))
        except ValueError:
            return False
        return True

    def to_dict(self) -> dict[str, Any]:
        """Return the call as a completion that was not streamed would hold it."""
        return {
            "id": self.id,
            "type": "function",
            "function": {"name": self.name, "arguments": "".join(self.arguments)},
        }
