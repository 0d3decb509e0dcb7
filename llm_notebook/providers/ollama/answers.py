"""The answers of Ollama's `/api/chat`: decodes lines of JSON into stream items. No I/O.

Source: https://docs.ollama.com/api/chat
"""

from __future__ import annotations

from typing import Any

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.errors import IncompleteResponse
from llm_notebook.parts.finishes import Finish, finish_of
from llm_notebook.parts.identifiers import CallIds
from llm_notebook.parts.messages import StreamEvent, Usage, json_text
from llm_notebook.providers.http.answers.decoding import StreamDecoder, StreamItems, as_text, is_broken_json, is_json
from llm_notebook.providers.http.answers.merged_answers import merge_delta, merge_fields
from llm_notebook.providers.ollama.requests import METADATA

__all__ = ["OllamaDecoder"]


class _Lines:
    """A framing for newline-delimited JSON."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = bytearray()

    @property
    def pending(self) -> bytes:
        """A last line without a newline."""
        return bytes(self._rest)

    @property
    def waiting(self) -> int:
        """The number of bytes kept for a line that has not ended."""
        return len(self._rest)

    def feed(self, piece: bytes) -> list[tuple[str, bytes]]:
        """Return the lines that `piece` completes, except empty ones."""
        *whole, rest = piece.split(b"\n")
        if whole and self._rest:
            whole[0] = bytes(self._rest) + whole[0]
            self._rest.clear()
        self._rest += rest
        return [("", line) for line in map(bytes.strip, whole) if line]


class OllamaDecoder(StreamDecoder):
    """The decoder of one answer, streamed or whole. A stream ends with a line that has `"done": true`.

    Args:
        sender: the model's id, for error messages.
        stream: whether the request asked for a stream.
        secrets: what error messages must not show.
        origin: the server and the model, with which reasoning is marked; empty leaves it unmarked.
    """

    framing = _Lines
    object_is_whole = False
    kind = "an answer of Ollama's"

    def __init__(self, sender: str, *, stream: bool = True, secrets: Secrets = NO_SECRETS, origin: str = "") -> None:
        super().__init__(sender, stream=stream, secrets=secrets)
        self._mark = {METADATA: {"origin": origin}} if origin else None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._ids = CallIds()
        self._last: dict[str, Any] = {}

    def expect_whole(self) -> None:
        """Do nothing: one JSON body is a stream of one line, and proxies announce a stream of lines as JSON."""

    def decode_frame(self, name: str, frame: dict[str, Any]) -> StreamItems:
        return self._decode_line(frame)

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        items = self._decode_line(body)
        if not isinstance(body.get("message"), dict):
            raise self.not_an_answer(json_text(body))
        if body.get("done") is False and self.failure is None:
            self.failure = IncompleteResponse(f"{self._sender}: the server says that the answer is not done.")
        self.done = self.failure is None
        return items

    def _decode_body(self) -> StreamItems:
        """Return the items of one JSON body, or of the lines that a server sends although no stream was asked for."""
        lines = _Lines()
        whole = lines.feed(bytes(self._whole))
        if len(whole) + bool(lines.pending.strip()) < 2 or not is_json(whole[0][1]):
            return super()._decode_body()
        items: StreamItems = []
        for name, line in whole:
            if not self.done:
                items += self.decode_frame(name, self.parse(line))
        return items + ([] if self.done else self._decode_last_frame(lines.pending))

    def _decode_line(self, line: dict[str, Any]) -> StreamItems:
        if line.get("error"):
            raise self.server_error(line)
        message = line.get("message")
        if not isinstance(message, dict) and not line.get("done"):
            raise self.not_an_answer(json_text(line))
        merge_delta(self._last, {"logprobs": line.get("logprobs")})
        merge_fields(self._last, line, left_out=("logprobs",))
        items: StreamItems = []
        try:
            items += self._decode_message(message or {})
        except (AttributeError, KeyError, TypeError):
            raise self.not_an_answer(json_text(line)) from None
        if line.get("done") and line.get("done_reason") == "length" and self._has_broken_call():
            self.failure = self.cut_off_in_call("length")
        self.done = bool(line.get("done")) and self.failure is None
        return items

    def _has_broken_call(self) -> bool:
        return any(is_broken_json((call.get("function") or {}).get("arguments")) for call in self._calls)

    def _decode_message(self, message: dict[str, Any]) -> StreamItems:
        items: StreamItems = []
        thinking, text = message.get("thinking"), message.get("content")
        if thinking and as_text(thinking):
            self._thinking.append(thinking)
            items.append(StreamEvent("reasoning", thinking, provider_metadata=self._mark))
        if text is not None and as_text(text):
            self._text.append(text)
            items.append(text)
        for call in message.get("tool_calls") or []:
            items += self._decode_call(call)
        return items

    def _decode_call(self, call: dict[str, Any]) -> StreamItems:
        """Return the items of a call. It arrives complete, with its arguments as an object, and most servers give it no id."""
        function = call["function"]
        arguments = function.get("arguments")
        name, given = as_text(function["name"]), call.get("id")
        call_id = self._ids.distinct(given if isinstance(given, str) else "")
        self._calls.append(call)
        return [
            StreamEvent("tool_call_name", name, tool_call_id=call_id),
            StreamEvent(
                "tool_call_args",
                arguments if isinstance(arguments, str) else json_text(arguments or {}),
                tool_call_id=call_id,
            ),
        ]

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None if it has not said so."""
        unsaid = Finish("tool_calls" if self._calls else "stop") if self.done else None
        return finish_of(self._last.get("done_reason"), has_calls=bool(self._calls)) or unsaid

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
        return self._last.get("model")

    @property
    def usage(self) -> Usage:
        """The tokens used, as far as the server reported them. It may not count a prompt that it has in its cache."""
        return Usage(self._last.get("prompt_eval_count"), self._last.get("eval_count"))

    @property
    def response_json(self) -> dict[str, Any]:
        """The answer in the API's shape for answers that are not streamed."""
        if self._whole_json is not None:
            return self._whole_json
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text)}
        if self._thinking:
            message["thinking"] = "".join(self._thinking)
        if self._calls:
            message["tool_calls"] = self._calls
        return {**self._last, "message": message}
