"""The answers of Anthropic Messages: bytes become stream items. No I/O.

Source: https://platform.claude.com/docs/en/api/messages and https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.errors import ModelError, ProviderError
from llm_notebook.parts.finishes import Finish, finish_of
from llm_notebook.parts.identifiers import CallIds, new_tool_call_id
from llm_notebook.parts.messages import EventType, StreamEvent, Usage, json_text
from llm_notebook.providers.anthropic.source_answers import cited_sources
from llm_notebook.providers.http.answers.decoding import StreamDecoder, StreamItems, as_text, is_json
from llm_notebook.providers.http.answers.merged_answers import merge_delta, merge_usage

__all__ = ["MessagesDecoder"]

_CALLS = ("tool_use", "server_tool_use", "mcp_tool_use")
_UNCACHED, _OUTPUT = "input_tokens", "output_tokens"
# The kinds of blocks that each kind of delta can belong to. A delta of any other kind belongs to the block with its index.
_KINDS_OF_DELTA: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "text_delta": ("text",),
        "citations_delta": ("text",),
        "thinking_delta": ("thinking",),
        "signature_delta": ("thinking",),
        "input_json_delta": _CALLS,
    }
)
_CACHED = ("cache_creation_input_tokens", "cache_read_input_tokens")


class MessagesDecoder(StreamDecoder):
    """The decoder of one message, streamed or whole. A stream ends with `message_stop`, or cleanly after a stop reason.

    Servers that imitate the API give several blocks the same number, or none at all. So a block begins when it is announced, and a delta
    belongs to the latest block with its index that it fits.

    Everything that has to go back to the provider unchanged is kept as provider metadata under `anthropic`: the signatures of reasoning and the
    model that they are valid for, redacted reasoning, the results of the provider's own tools, and citations.

    Args:
        sender: the model's id, for error messages.
        model_name: the server's name for the model.
        stream: whether the request asked for a stream.
        secrets: what error messages must not show.
    """

    kind = "a message"

    def __init__(self, sender: str, model_name: str, *, stream: bool = True, secrets: Secrets = NO_SECRETS) -> None:
        super().__init__(sender, stream=stream, secrets=secrets)
        self._model_name = model_name
        self._message: dict[str, Any] = {}
        self._raw_usage: dict[str, Any] = {}
        self._blocks: list[_Block] = []
        self._ids = CallIds()
        self._open_text: _Block | None = None

    def decode_frame(self, name: str, frame: dict[str, Any]) -> StreamItems:
        return self.interpret(frame, self._decode_event, error=name == "error")

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        return self.interpret(body, self._decode_message)

    def _decode_event(self, event: dict[str, Any]) -> StreamItems:
        """Return the stream items of one event."""
        kind = event["type"]
        if kind.startswith("content_block"):
            self.may_end = False
        if kind == "content_block_delta":
            return self._decode_delta(event.get("index"), event["delta"])
        if kind == "content_block_start":
            return self._start_block(event.get("index"), event["content_block"])
        if kind == "content_block_stop":
            block = self._find_block(event.get("index"))
            return self._end_block(block) if block is not None else []
        if kind == "message_start":
            self._message = dict(event["message"])
            self._note_usage(self._message)
        elif kind == "message_delta":
            self._message |= _without(event, "type", "delta", "usage") | (event.get("delta") or {})
            self._note_usage(event)
            self.may_end = bool(self._message.get("stop_reason"))
        elif kind == "message_stop":
            return self.end()
        return []

    def _decode_message(self, message: dict[str, Any]) -> StreamItems:
        """Return the stream items of a message that was not streamed."""
        content = message["content"]
        self._message = message
        self._note_usage(message)
        items: StreamItems = []
        for index, block in enumerate(content):
            items += self._start_block(index, block)
            items += self._end_block(self._blocks[-1])
        return items + self.end()

    def _note_usage(self, holder: dict[str, Any]) -> None:
        usage = holder.get("usage") or {}
        merge_usage(self._raw_usage, {name: value for name, value in usage.items() if value is not None})

    def _find_block(self, index: object, kinds: tuple[str, ...] = ()) -> _Block | None:
        """Return the latest open block with this index and one of these kinds, or else the latest open one of these kinds.

        Args:
            index: the index that an event gives.
            kinds: the kinds of blocks that the event can belong to; none means any.
        """
        if self._blocks:
            last = self._blocks[-1]
            if (
                last.given_index == index
                and index is not None
                and not last.stopped
                and (not kinds or last.kind in kinds)
            ):
                return last
        fitting = [block for block in self._blocks if not block.stopped and (not kinds or block.kind in kinds)]
        numbered = [block for block in fitting if index is not None and block.given_index == index]
        return (numbered or fitting)[-1] if fitting else None

    def _start_block(self, index: object, value: dict[str, Any]) -> StreamItems:
        block = _Block(len(self._blocks), index, value)
        self._blocks.append(block)
        self._open_text = None
        if block.kind == "text":
            return self._add_text(block, value.get("text"))
        if block.kind == "thinking":
            return self._add_reasoning(block, value.get("thinking"))
        if block.kind == "redacted_thinking":
            kept = {"type": block.kind, "data": value["data"], "model": self._model_name}
            return [self._make_event(block, "reasoning", "", redacted=True, metadata=kept)]
        if block.kind in _CALLS:
            return self._start_call(block, value)
        if block.kind.endswith("_tool_result"):
            return [self._add_result(block, value)]
        return [self._make_event(block, "text", "", metadata={"block": value})]

    def _decode_delta(self, index: object, delta: dict[str, Any]) -> StreamItems:
        kind = as_text(delta["type"])
        block = self._find_block(index, _KINDS_OF_DELTA.get(kind, ()))
        if block is None:
            return self._decode_unannounced(index, kind, delta)
        if kind == "text_delta":
            return self._add_text(block, delta["text"])
        if kind == "thinking_delta":
            return self._add_reasoning(block, delta["thinking"])
        if kind == "input_json_delta":
            return self._add_arguments(block, delta["partial_json"])
        if kind == "signature_delta":
            block.value["signature"] = delta["signature"]
        elif kind == "citations_delta":
            block.value["citations"] = [*(block.value.get("citations") or []), delta["citation"]]
        else:
            merge_delta(block.value, delta, left_out=("type",))
        return []

    def _decode_unannounced(self, index: object, kind: str, delta: dict[str, Any]) -> StreamItems:
        """Begin the text or the reasoning to which a delta belongs, if no event has done so. A call cannot begin without its name."""
        begins = {"text_delta": {"type": "text", "text": ""}, "thinking_delta": {"type": "thinking", "thinking": ""}}
        if kind not in begins or not self._message:
            raise KeyError("no block has this index")
        return self._start_block(index, begins[kind]) + self._decode_delta(index, delta)

    def _end_block(self, block: _Block) -> StreamItems:
        """End a block, and return what is known only now: all citations of a text, or the signature of reasoning."""
        block.stopped = True
        if block.kind in _CALLS and not block.pieces and block.value.get("input"):
            # Deltas repeat arguments that were announced with the call; if no deltas arrive, those are all the arguments.
            return self._add_arguments(block, json_text(block.value["input"]))
        if block.kind == "text" and block.value.get("citations"):
            cited = self._make_event(block, "text", "", metadata={"citations": block.value["citations"]})
            cited.citations = cited_sources(block.value["citations"], len("".join(block.pieces))) or None
            return [cited]
        if block.keeps_all and block.value != block.announced:
            return [self._make_event(block, "text", "", metadata={"block": block.value})]
        if block.kind == "thinking":
            kept = {"signature": block.value.get("signature") or "", "model": self._model_name}
            return [self._make_event(block, "reasoning", "", metadata=kept)]
        return []

    def _add_text(self, block: _Block, text: str | None) -> StreamItems:
        if not text:
            return []
        block.pieces.append(as_text(text))
        if self._open_text is block:
            return [text]
        items: StreamItems = [self._make_event(block, "text", text)]
        self._open_text = block
        return items

    def _add_reasoning(self, block: _Block, text: str | None) -> StreamItems:
        if not text:
            return []
        block.pieces.append(as_text(text))
        return [self._make_event(block, "reasoning", text)]

    def _start_call(self, block: _Block, value: dict[str, Any]) -> StreamItems:
        given = as_text(value.get("id") or "")
        # The results of the provider's own tools refer to the provider's ids.
        block.call_id = self._ids.distinct(given) if block.kind == "tool_use" else given or new_tool_call_id()
        self._ids.reserve(block.call_id)
        kept = _without(value, "id", "name", "input", *(("type",) if block.kind == "tool_use" else ()))
        return [self._make_event(block, "tool_call_name", as_text(value["name"]), metadata=kept or None)]

    def _add_arguments(self, block: _Block, piece: str) -> StreamItems:
        if not piece:
            return []
        block.pieces.append(as_text(piece))
        return [self._make_event(block, "tool_call_args", piece)]

    def _add_result(self, block: _Block, value: dict[str, Any]) -> StreamEvent:
        block.call_id = as_text(value["tool_use_id"])
        calls = [other for other in self._blocks if other.kind in _CALLS and other.call_id == block.call_id]
        name = calls[0].value["name"] if calls else block.kind.removesuffix("_tool_result")
        text = _result_text(value.get("content"))
        return self._make_event(block, "tool_result", text, tool_name=name, metadata={"block": value})

    def _make_event(
        self,
        block: _Block,
        kind: EventType,
        chunk: str,
        *,
        redacted: bool = False,
        tool_name: str | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> StreamEvent:
        self._open_text = None
        return StreamEvent(
            kind,
            chunk,
            part_index=block.index,
            tool_call_id=block.call_id,
            server_executed=block.server_executed,
            tool_name=tool_name,
            redacted=redacted,
            provider_metadata=None if metadata is None else {"anthropic": metadata},
        )

    def end(self) -> StreamItems:
        """End the answer, and return the items that are known only now.

        The answer has a `failure` if the model declined, or if it was cut in the middle of a tool call, which must not be run.
        """
        items: StreamItems = []
        for block in self._blocks:
            # Servers that imitate the API may leave out the event that ends a block.
            if not block.stopped:
                items += self._end_block(block)
        self.failure = self._failure_at_end()
        self.done = self.failure is None
        return items

    def _failure_at_end(self) -> ModelError | None:
        finish = self.finish
        if finish is None or finish.said is None:
            return None
        if finish.reason == "content_filter":
            return self._refusal_error() if finish.said == "refusal" else self.filter_error(finish)
        if finish.reason == "error":
            return self.server_error(f"the model failed ({finish.said})")
        if finish.reason == "length" and any(map(self._may_be_cut, self._blocks)):
            return self.cut_off_in_call(finish.said)
        return None

    def _may_be_cut(self, block: _Block) -> bool:
        """Return True for a call that a limit may have cut: the last block, or one whose arguments are no JSON."""
        if block.kind not in _CALLS:
            return False
        written = "".join(block.pieces)
        return not self._is_whole(block) if block is self._blocks[-1] else bool(written) and not is_json(written)

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None if it has not said so."""
        return finish_of(self._message.get("stop_reason"), has_calls=any(b.kind == "tool_use" for b in self._blocks))

    def _is_whole(self, block: _Block) -> bool:
        """Return True if the arguments of a call are known to be whole.

        In an answer that was not streamed they are always valid JSON, so that nothing shows whether a limit cut them.
        """
        return self._whole_json is None and is_json("".join(block.pieces))

    def _refusal_error(self) -> ProviderError:
        details = self._message.get("stop_details") or {}
        category = f" ({details['category']})" if details.get("category") else ""
        said = f"the model declined to answer{category}. {details.get('explanation') or ''}"
        said = self._secrets.scrub(said, otherwise="the model declined to answer.")
        return ProviderError(f"{self._sender}: {' '.join(said.split())}", code="refusal", kind="ended")

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
        model = self._message.get("model")
        return model if isinstance(model, str) else None

    @property
    def usage(self) -> Usage:
        """The tokens used, as far as the server reported them. The input includes tokens read from the cache and written to it."""
        counts = {name: value for name, value in self._raw_usage.items() if isinstance(value, int)}
        groups = {name: value for name, value in self._raw_usage.items() if isinstance(value, dict)}
        counted = [counts[name] for name in (_UNCACHED, *_CACHED) if name in counts]
        details: dict[str, Any] = {name: count for name, count in counts.items() if count}
        details |= {name: group for name, group in groups.items() if any(group.values())}
        for name in (_UNCACHED, _OUTPUT):
            details.pop(name, None)
        return Usage(sum(counted) if counted else None, counts.get(_OUTPUT), details or None)

    @property
    def response_json(self) -> dict[str, Any]:
        """The message in the API's shape for answers that are not streamed; if it was not streamed, as the server sent it."""
        if self._whole_json is not None:
            return self._whole_json
        content = [block.to_dict() for block in self._blocks]
        return {**self._message, "content": content, **({"usage": self._raw_usage} if self._raw_usage else {})}


class _Block:
    """A content block while its deltas arrive.

    Attributes:
        index: its position in the message, which is the `part_index` of its events.
        given_index: the index that the server gave it.
        announced: the block as it was announced.
        value: the block as received so far.
    """

    __slots__ = (
        "announced",
        "call_id",
        "given_index",
        "index",
        "kind",
        "pieces",
        "server_executed",
        "stopped",
        "value",
    )

    def __init__(self, index: int, given_index: object, value: dict[str, Any]) -> None:
        self.index = index
        self.given_index = given_index
        self.kind: str = as_text(value["type"])
        self.announced = value
        self.value = dict(value)
        self.server_executed = self.kind in _CALLS[1:] or self.kind.endswith("_tool_result")
        self.call_id: str | None = None
        self.pieces: list[str] = []
        self.stopped = False

    @property
    def keeps_all(self) -> bool:
        """True for a block that goes back to the provider unchanged, such as the summary of a compaction."""
        return self.kind not in ("text", "thinking", "redacted_thinking", *_CALLS) and not self.server_executed

    def to_dict(self) -> dict[str, Any]:
        """Return the block as a message that was not streamed would hold it."""
        joined = "".join(self.pieces)
        if self.kind in _CALLS:
            return {**self.value, "input": from_json(joined) if is_json(joined) else joined or {}}
        return {**self.value, self.kind: joined} if self.kind in ("text", "thinking") else self.value


def _without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: held for name, held in value.items() if name not in names and held is not None}


def _result_text(content: object) -> str:
    """Return the result of the provider's own tool as text for people. The model is sent the original back."""
    if isinstance(content, list):
        return "\n".join(filter(None, map(_result_text, content)))
    if not isinstance(content, dict):
        return str(content or "")
    if content.get("error_code"):
        return f"Error: {content['error_code']}"
    texts = [content.get(name) for name in ("title", "url", "text", "stdout", "stderr")]
    return "\n".join(text for text in texts if isinstance(text, str) and text) or json_text(content)
