"""The answers of OpenAI Chat Completions: decodes bytes into stream items. No I/O.

Source: https://platform.openai.com/docs/api-reference/chat, and what compatible servers add to it (`reasoning_content`, `reasoning`,
`reasoning_details`, content as an object or as a list of typed chunks, arguments as objects, usage under `x_groq`, `message` beside
`delta`).
"""

from __future__ import annotations

from typing import Any

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.errors import IncompleteResponse, ModelError
from llm_notebook.parts.finishes import BAD_ENDS, Finish, finish_of
from llm_notebook.parts.messages import StreamEvent, Usage, json_text
from llm_notebook.providers.http.answers.decoding import StreamDecoder, StreamItems
from llm_notebook.providers.http.answers.merged_answers import merge_delta, merge_fields, merge_usage
from llm_notebook.providers.openai.chat_call_answers import CallDeltas
from llm_notebook.providers.openai.chat_requests import METADATA
from llm_notebook.providers.openai.source_answers import LISTED, ChatSources, attached_pictures
from llm_notebook.providers.openai.usage_answers import openai_usage

__all__ = ["ChatDecoder"]

# Fields of a chunk, a choice and a delta that the decoder reads. All others are kept for `json()` only. Obfuscation is mere padding.
_READ = frozenset({"choices", "usage", "object", "obfuscation"})
_READ_IN_CHOICE = frozenset({"index", "delta", "message", "finish_reason", "logprobs"})
_READ_IN_DELTA = frozenset(
    {"role", "content", "refusal", "reasoning_content", "reasoning", "reasoning_details", "tool_calls"}
)


class ChatDecoder(StreamDecoder):
    """The decoder of one completion, streamed or whole. A stream ends with `data: [DONE]`, or cleanly after a finish reason.

    Only the choice with the index 0 is read, whatever else a server sends.

    Args:
        sender: the model's id, for error messages.
        stream: whether the request asked for a stream.
        secrets: what error messages must not show.
        origin: the server and the model, with which reasoning is marked; empty leaves it unmarked.
    """

    kind = "a chat completion"

    def __init__(
        self,
        sender: str,
        *,
        stream: bool = True,
        secrets: Secrets = NO_SECRETS,
        origin: str = "",
    ) -> None:
        super().__init__(sender, stream=stream, secrets=secrets)
        self._origin = origin
        self._is_reasoning = False
        self._text: list[str] = []
        # Most answers consist of text, and many may be in flight, so containers for anything else are created when it arrives.
        self._refusal: list[str] | None = None
        self._reasoning: list[str] | None = None
        self._calls: CallDeltas | None = None
        self._sources: ChatSources | None = None
        self._width = self._choice_width = 0
        self._head: dict[str, Any] = {}
        self._beside: dict[str, Any] = {}
        self._extra: dict[str, Any] = {}
        self._raw_usage: dict[str, Any] = {}
        self._said: str | None = None

    def decode_end_mark(self) -> StreamItems:
        return self.end()

    def decode_frame(self, name: str, frame: dict[str, Any]) -> StreamItems:
        if not name and (text := self._take_plain_text(frame)) is not None:
            return [text]
        return self.decode_object(frame, error=name == "error")

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        items = self.decode_object(body, whole=True)
        if not body.get("choices"):
            raise self.not_an_answer(json_text(body))
        return items if self.failure is not None else items + self.end()

    def _decode_last_frame(self, pending: bytes) -> StreamItems:
        return self.end() if pending.strip() == b"[DONE]" else super()._decode_last_frame(pending)

    def decode_object(self, chunk: dict[str, Any], *, error: bool = False, whole: bool = False) -> StreamItems:
        """Return the stream items of one parsed chunk, or of a whole completion.

        Raises:
            ProviderError: the chunk reports an error, or is not a chat completion.
        """
        if error or chunk.get("error") or "error" in (chunk.get("object"), chunk.get("type")):
            raise self.server_error(chunk)
        try:
            return self._decode_chunk(chunk, whole=whole)
        except (AttributeError, KeyError, TypeError, ValueError):
            raise self.not_an_answer(json_text(chunk)) from None

    def _take_plain_text(self, chunk: dict[str, Any]) -> str | None:
        """Return the text of a chunk that contains only text; None for every other chunk.

        This is by far the most common case, and much faster than decoding the chunk field by field.
        """
        try:
            choices = chunk["choices"]
            choice = choices[0]
            delta = choice["delta"]
            text = delta["content"]
        except (KeyError, IndexError, TypeError):
            return None
        # A chunk with more fields than the previous one contains something to keep besides the text.
        if type(text) is not str or not text or len(delta) != 1 or len(choices) != 1:
            return None
        if len(chunk) != self._width or len(choice) != self._choice_width:
            return None
        get = choice.get
        if get("finish_reason") or get("index") or get("logprobs") or chunk.get("usage") or "error" in chunk:
            return None
        self._text.append(text)
        self.may_end = self._is_reasoning = False
        return text

    def _decode_chunk(self, chunk: dict[str, Any], *, whole: bool) -> StreamItems:
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        if isinstance(usage, dict):
            merge_usage(self._raw_usage, usage)
        self._note_head(chunk)
        choices = chunk.get("choices") or []
        choice = choices[0] if whole and len(choices) == 1 else _first_choice(choices)
        if choice is None:
            return []
        self._width, self._choice_width = len(chunk), len(choice)
        if choice.keys() - _READ_IN_CHOICE:
            merge_fields(self._beside, choice, left_out=_READ_IN_CHOICE)
        if logprobs := choice.get("logprobs"):
            merge_delta(self._extra, {"logprobs": logprobs})
        first, second = choice.get("delta"), choice.get("message")
        if whole and second:
            first, second = second, first
        items = self._decode_delta(first, whole=whole) if first else []
        if not items and second:
            items = self._decode_delta(self._rest_of(second), whole=True)
        if items:
            self.may_end = False
        if said := choice.get("finish_reason"):
            self._said = said if isinstance(said, str) else str(said)
            self.may_end = True
            if self._said.lower() in BAD_ENDS and (finish := finish_of(self._said)) is not None:
                self.failure = self._stop_error(finish, choice)
        return items

    def _note_head(self, chunk: dict[str, Any]) -> None:
        """Keep the fields outside the choices. The first chunk identifies the answer, and for all other fields the last chunk counts."""
        lasting = {name: self._head[name] for name in ("id", "created", "model") if self._head.get(name)}
        if chunk.keys() - _READ - lasting.keys():
            merge_fields(self._head, chunk, left_out=(*_READ, *lasting))

    def _rest_of(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return the rest of a message that is sent in addition to its deltas."""
        sent, content = "".join(self._text), message.get("content")
        if not isinstance(content, str) or not sent:
            return message if not sent and not self._has_calls else {}
        return {"content": content[len(sent) :] if content.startswith(sent) else ""}

    def _decode_delta(self, delta: dict[str, Any], *, whole: bool) -> StreamItems:
        items: StreamItems = []
        reasoning = delta.get("reasoning_content") or delta.get("reasoning")
        if isinstance(reasoning, str) and reasoning:
            items.append(self._add_reasoning(reasoning))
        content = delta.get("content")
        beside = {name: delta[name] for name in delta if name not in _READ_IN_DELTA}
        if beside or delta.get("reasoning_details"):
            merge_delta(self._extra, {"reasoning_details": delta.get("reasoning_details"), "message": beside})
        items += self._decode_content(content)
        refusal = delta.get("refusal")
        if isinstance(refusal, str) and refusal:
            self._refusal = self._refusal or []
            self._refusal.append(refusal)
            items.append(refusal)
        if beside:
            self._sources = self._sources or ChatSources()
            self._sources.note_delta(delta)
        if beside or isinstance(content, list):
            items += self._add_pictures(delta)
        if not delta.get("tool_calls"):
            return items
        self._calls = self._calls or CallDeltas()
        called = self._calls.take(delta["tool_calls"], whole=whole)
        if called:
            self._is_reasoning = False
        return items + called

    @property
    def _has_calls(self) -> bool:
        return self._calls is not None and bool(self._calls.calls)

    def _decode_content(self, content: object) -> StreamItems:
        """Return the items of `content`: text, a typed chunk or a list of them (Mistral), or the answer itself as JSON (Cloudflare)."""
        if content is None or content == "":
            return []
        if isinstance(content, str):
            return [self._add_text(content)]
        blocks: list[Any] = content if isinstance(content, list) else [content]
        if all(isinstance(block, str) or _is_typed(block) for block in blocks):
            return [item for block in blocks for item in self._decode_block(block)]
        return [self._add_text(json_text(content))]

    def _add_text(self, text: str) -> str:
        self._is_reasoning = False
        self._text.append(text)
        return text

    def _add_reasoning(self, text: str) -> StreamEvent:
        self._reasoning = self._reasoning or []
        self._reasoning.append(text)
        is_first, self._is_reasoning = not self._is_reasoning, True
        return StreamEvent("reasoning", text, provider_metadata=(self._mark or None) if is_first else None)

    @property
    def _mark(self) -> dict[str, Any]:
        """The metadata of reasoning, which says where it came from, because it goes back only there."""
        return {METADATA: {"origin": self._origin}} if self._origin else {}

    def _add_pictures(self, delta: dict[str, Any]) -> StreamItems:
        """Return the events of the pictures in a delta. A mark tells later requests that they came over this wire."""
        pictures = attached_pictures(delta)
        if pictures:
            self._is_reasoning = False
        return [
            StreamEvent("attachment", "", provider_metadata={METADATA: {}}, attachment=picture) for picture in pictures
        ]

    def _decode_block(self, block: str | dict[str, Any]) -> StreamItems:
        """Return the items of a typed chunk, text or thinking."""
        if isinstance(block, str):
            return self._decode_content(block)
        if block.get("type") == "thinking":
            inner = block.get("thinking") or []
            thought = inner if isinstance(inner, str) else "".join(str(item.get("text") or "") for item in inner)
            items: StreamItems = [self._add_reasoning(thought)] if thought else []
            if block.get("signature"):
                signature = {"mistral": {"signature": block["signature"]}}
                items.append(StreamEvent("reasoning", "", provider_metadata=signature))
            return items
        if block.get("type") in ("reference", "tool_reference"):
            self._sources = self._sources or ChatSources()
            sent = self.prompt.messages if self.prompt is not None else []
            self._sources.note_reference(block, len("".join(self._text)), sent)
            return []
        text = block.get("text") or block.get("refusal")
        return self._decode_content(text) if isinstance(text, str) else []

    def end(self) -> StreamItems:
        """End the answer, and return the items that are known only now. An answer that is cut off in a call has a `failure`."""
        items: StreamItems = []
        if self._sources is not None or not LISTED.isdisjoint(self._head):
            sources = (self._sources or ChatSources()).citations(self._head)
            items += [StreamEvent("text", "", citations=sources)] if sources else []
        if details := self._extra.get("reasoning_details"):
            items.append(StreamEvent("reasoning", "", provider_metadata={"reasoning_details": details, **self._mark}))
        calls = self._calls
        if (
            calls is not None
            and not calls.are_whole
            and (finish := self.finish) is not None
            and finish.reason == "length"
        ):
            self.failure = self.cut_off_in_call(str(self._said))
        elif calls is not None and calls.has_nameless:
            self.failure = IncompleteResponse(
                f"{self._sender}: the answer holds a tool call without a name, so nothing of it was run."
            )
        self.done = self.failure is None
        return items

    def _stop_error(self, finish: Finish, choice: dict[str, Any]) -> ModelError:
        """Return the error for an answer that a filter or a failure ended."""
        if finish.reason == "error":
            return self.server_error(choice.get("error") or f"the model failed ({finish.said})")
        filtered = [
            name
            for name, result in (choice.get("content_filter_results") or {}).items()
            if isinstance(result, dict) and result.get("filtered")
        ]
        return self.filter_error(finish, ", ".join(filtered))

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None if it has not said so."""
        if self._refusal and self._said is not None:
            return Finish("content_filter", self._said)
        return finish_of(self._said, has_calls=self._has_calls)

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
        if details := self._extra.get("reasoning_details"):
            message["reasoning_details"] = details
        if self._calls is not None and self._calls.calls:
            message["tool_calls"] = self._calls.to_list()
        choice = {"index": 0, "message": message | self._extra.get("message", {}), "finish_reason": self._said}
        if logprobs := self._extra.get("logprobs"):
            choice["logprobs"] = logprobs
        beside = {"content": message["content"] or "", "finish_reason": self._said}
        whole: dict[str, Any] = {
            **self._head,
            "object": "chat.completion",
            "choices": [choice | self._beside],
            **beside,
        }
        return whole | ({"usage": self._raw_usage} if self._raw_usage else {})


def _first_choice(choices: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the choice with the index 0; None if the chunk belongs to another one, which nobody asked for."""
    for position, choice in enumerate(choices):
        index = choice.get("index")
        if str(position if index is None else index) == "0":
            return choice
    return None


def _is_typed(block: object) -> bool:
    return isinstance(block, dict) and isinstance(block.get("type"), str)
