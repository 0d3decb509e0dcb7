"""OpenAI Responses, the answers: bytes become stream events. No I/O.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json

from llm_notebook.parts.identifiers import new_tool_call_id
from llm_notebook.parts.messages import StreamEvent, Usage, json_text
from llm_notebook.providers.http.decoding import StreamDecoder, StreamItems, as_text
from llm_notebook.providers.openai.responses_requests import METADATA

__all__ = ["ResponsesDecoder"]

_TERMINAL = frozenset({"response.completed", "response.incomplete"})
# What the call of a provider's own tool was given, apart from what came of it and where it stands.
_OUTCOMES = frozenset({"outputs", "results", "output", "result", "error", "tools"})
_BOOKKEEPING = frozenset({"id", "type", "status", "call_id", "name", "server_label", "container_id"})


class ResponsesDecoder(StreamDecoder):
    """One response, streamed or whole. A stream ends with `response.completed` or `response.incomplete`."""

    kind = "a response"

    def __init__(self, sender: str, *, stream: bool = True, secret: str | None = None) -> None:
        super().__init__(sender, stream=stream, secret=secret)
        self._items: dict[int, _Item] = {}
        self._positions: dict[Any, int] = {}
        self._open_text: _Item | None = None
        self._head: dict[str, Any] = {}
        self.finish_reason: str | None = None

    def decode_frame(self, name: str, data: bytes) -> StreamItems:
        if data == b"[DONE]":
            # Not part of the protocol, but some servers send it from habit.
            return []
        event = self.parse(data)
        kind = event.get("type") or name
        if event.get("error") or kind in ("error", "response.failed", "response.cancelled"):
            raise self.server_error(_failure(event))
        try:
            take = _TAKEN.get(as_text(kind or None))
            return take(self, event) if take is not None else []
        except (AttributeError, KeyError, TypeError):
            raise self.not_an_answer(json_text(event)) from None

    def _decode_last_frame(self, pending: bytes) -> StreamItems:
        try:
            event = from_json(pending)
        except ValueError:
            return []
        ends = isinstance(event, dict) and event.get("type") in _TERMINAL
        return self.decode_frame("", pending) if ends else []

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        if body.get("error") or body.get("status") in ("failed", "cancelled"):
            raise self.server_error(_failure({"response": body}))
        if not isinstance(body.get("output"), list):
            raise self.not_an_answer(json_text(body))
        try:
            return self._ended({"response": body})
        except (AttributeError, KeyError, TypeError):
            raise self.not_an_answer(json_text(body)) from None

    def _began(self, event: dict[str, Any]) -> StreamItems:
        self._head = _object_in(event)
        return []

    def _item(self, event: dict[str, Any]) -> _Item:
        """The output item that an event belongs to; made when it is first heard of."""
        index = event.get("output_index")
        if index is None:
            item_id = event.get("item_id") or event["item"].get("id")
            index = self._positions.setdefault(item_id, len(self._positions))
        if not isinstance(index, int):
            raise TypeError("an index is a number")
        return self._items.setdefault(index, _Item(index))

    def _item_added(self, event: dict[str, Any]) -> StreamItems:
        item, given = self._item(event), event["item"]
        self._open_text = None
        return item.begun(given, self._taken_ids(item))

    def _item_done(self, event: dict[str, Any]) -> StreamItems:
        item = self._item(event)
        self._open_text = None
        return item.ended(event["item"], self._taken_ids(item))

    def _taken_ids(self, item: _Item) -> set[str | None]:
        return {other.call_id for other in self._items.values() if other is not item}

    def _text_delta(self, event: dict[str, Any]) -> StreamItems:
        item, text = self._item(event), as_text(event["delta"])
        if not text:
            return []
        item.said.append(text)
        if self._open_text is item:
            return [text]
        self._open_text = item
        return [StreamEvent("text", text, part_index=item.index)]

    def _arguments_delta(self, event: dict[str, Any]) -> StreamItems:
        item, text = self._item(event), as_text(event["delta"])
        if not text:
            return []
        item.said.append(text)
        self._open_text = None
        return [item.event("tool_call_args", text)]

    def _reasoning_delta(self, event: dict[str, Any]) -> StreamItems:
        item, text = self._item(event), as_text(event["delta"])
        if not text:
            return []
        section = (event.get("summary_index"), event.get("content_index"))
        text = f"\n\n{text}" if item.said and section != item.section else text
        item.section = section
        item.said.append(text)
        self._open_text = None
        return [item.event("reasoning", text)]

    def _ended(self, event: dict[str, Any]) -> StreamItems:
        """The terminal event was seen. What the stream did not tell before is told now.

        Raises:
            IncompleteResponse: the answer reached a limit in the middle of a tool call, which must not be run.
        """
        response = self._head = _object_in(event)
        self.finish_reason = response.get("status") or event.get("type", "").rpartition(".")[2]
        items: StreamItems = []
        for index, given in enumerate(response.get("output") or []):
            item = self._items.setdefault(index, _Item(index))
            if not item.over:
                items += item.begun(given, self._taken_ids(item)) + item.ended(given, self._taken_ids(item))
        complete = self.finish_reason == "completed"
        if any(item.is_cut_short(complete) for item in self._items.values()):
            raise self.cut_off_in_call(self._why_incomplete or self.finish_reason)
        self.done = True
        return items

    @property
    def _why_incomplete(self) -> str | None:
        """Why the server ended the response early, where it says so."""
        details = self._head.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return reason if isinstance(reason, str) else None

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
        return self._head.get("model")

    @property
    def usage(self) -> Usage:
        """Tokens, as far as the server told them."""
        usage = self._head.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        details = {
            name: value
            for name, value in usage.items()
            if name.endswith("_details") and isinstance(value, dict) and any(value.values())
        }
        return Usage(usage.get("input_tokens"), usage.get("output_tokens"), details or None)

    @property
    def response_json(self) -> dict[str, Any]:
        """The response in the API's non-streamed shape, as far as the server told it.

        Where it was streamed, `content`, `created` and `finish_reason` stand beside that: there, code made for the `llm` package
        looks for them.
        """
        if self._whole_json is not None:
            return self._whole_json
        said = [text for item in self._items.values() if item.kind == "message" for text in item.said]
        asks = any(item.kind == "function_call" for item in self._items.values())
        reason = self._why_incomplete
        ended = {"max_output_tokens": "length", None: "tool_calls" if asks else "stop"}.get(reason, reason)
        beside = {"content": "".join(said), "created": self._head.get("created_at"), "finish_reason": ended}
        return self._head | (beside if self.done else {})


class _Item:
    """One output item while it arrives: a message, reasoning, a call, or a call that the provider runs itself.

    Attributes:
        index: its place in the output, which is the `part_index` of its events.
        kind: the API's type of it.
        said: the text, reasoning or arguments so far.
        section: which part of the reasoning came last.
        over: it is whole, and nothing more is told of it.
    """

    __slots__ = ("call_id", "index", "kind", "named", "over", "said", "section")

    def __init__(self, index: int) -> None:
        self.index = index
        self.kind = ""
        self.call_id: str | None = None
        self.named = False
        self.said: list[str] = []
        self.section: tuple[Any, Any] = (None, None)
        self.over = False

    def event(self, kind: Any, chunk: str, **more: Any) -> StreamEvent:
        """An event of this item."""
        if kind.startswith("tool"):
            more["tool_call_id"] = self.call_id
        return StreamEvent(kind, chunk, part_index=self.index, **more)

    @property
    def by_provider(self) -> bool:
        """True for the call of a tool that the provider runs itself."""
        return self.kind not in ("", "message", "reasoning", "function_call")

    def begun(self, given: dict[str, Any], taken: set[str | None]) -> StreamItems:
        """What is known when the item begins: the name of a call."""
        self.kind = as_text(given["type"])
        if self.named or self.kind in ("message", "reasoning"):
            return []
        self.named = True
        call_id = given.get("call_id") or given.get("id")
        usable = isinstance(call_id, str) and call_id and call_id not in taken
        self.call_id = call_id if usable else new_tool_call_id()
        if not self.by_provider:
            kept = {"provider_metadata": {METADATA: {"id": given["id"]}}} if given.get("id") else {}
            return [self.event("tool_call_name", as_text(given["name"]), **kept)]
        return [self.event("tool_call_name", self._tool_name(given), server_executed=True)]

    def ended(self, given: dict[str, Any], taken: set[str | None]) -> StreamItems:
        """What is known when the item is whole, as far as it was not told before."""
        items = self.begun(given, taken)
        self.over = given.get("status") != "incomplete" or self.kind in ("message", "reasoning")
        if self.kind == "message":
            return items + self._message(given)
        if self.kind == "reasoning":
            return items + self._reasoning(given)
        if self.kind == "function_call":
            arguments = as_text(given.get("arguments") or "")
            return items + ([self.event("tool_call_args", rest)] if (rest := self._rest(arguments)) else [])
        return items + self._run_by_provider(given)

    def _rest(self, whole: str) -> str:
        """The end of a text of which the beginning was told; nothing if another text was."""
        told = "".join(self.said)
        rest = whole[len(told) :] if whole.startswith(told) else ""
        self.said.append(rest)
        return rest

    def _message(self, given: dict[str, Any]) -> StreamItems:
        blocks = [block for block in given.get("content") or [] if isinstance(block, dict)]
        text = self._rest("".join(as_text(block.get("text") or block.get("refusal") or "") for block in blocks))
        kept = {name: given[name] for name in ("id", "phase") if given.get(name)}
        annotations = [note for block in blocks for note in block.get("annotations") or []]
        kept |= {"annotations": annotations} if annotations else {}
        if not (text or (kept and self.said and any(self.said))):
            return []
        return [self.event("text", text, provider_metadata={METADATA: kept} if kept else None)]

    def _reasoning(self, given: dict[str, Any]) -> StreamItems:
        sections = [*(given.get("summary") or []), *(given.get("content") or [])]
        told = "\n\n".join(as_text(section.get("text") or "") for section in sections if isinstance(section, dict))
        text = told if not self.said else ""
        self.said.append(text)
        item = {name: value for name, value in given.items() if value is not None and name != "status"}
        kept = {METADATA: {"item": item}} if given.get("encrypted_content") else None
        return [self.event("reasoning", text, provider_metadata=kept)] if text or kept else []

    def _run_by_provider(self, given: dict[str, Any]) -> StreamItems:
        """The call of a provider's own tool and what came of it; the call keeps the item, which is sent back as it is."""
        item = {name: value for name, value in given.items() if value is not None}
        arguments = {name: value for name, value in item.items() if name not in _OUTCOMES and name not in _BOOKKEEPING}
        if isinstance(arguments.get("arguments"), str):
            arguments = _object(arguments["arguments"])
        elif isinstance(arguments.get("action"), dict):
            arguments = arguments["action"]
        outcome = {name: item[name] for name in _OUTCOMES if name in item}
        if self.kind == "image_generation_call":
            # The picture itself: it would be sent back with every later turn.
            outcome = {"result": f"{len(str(item.pop('result', '')))} characters of base64"}
        output = next(iter(outcome.values())) if len(outcome) == 1 else outcome or item.get("status", "completed")
        return [
            self.event(
                "tool_call_args",
                json_text(arguments),
                server_executed=True,
                provider_metadata={METADATA: {"item": item}},
            ),
            self.event(
                "tool_result",
                output if isinstance(output, str) else json_text(output),
                server_executed=True,
                tool_name=self._tool_name(given),
            ),
        ]

    def _tool_name(self, given: dict[str, Any]) -> str:
        return as_text(given.get("name") or self.kind.removesuffix("_call"))

    def is_cut_short(self, complete: bool) -> bool:
        """True for a tool call of ours that is not whole. In a `complete` response the call's arguments may come without an end."""
        if self.kind != "function_call":
            return False
        arguments = "".join(self.said)
        return not (complete or self.over) or bool(arguments and not _is_json(arguments))


def _object_in(event: dict[str, Any]) -> dict[str, Any]:
    response = event["response"]
    if not isinstance(response, dict):
        raise TypeError("a response is an object")
    return response


def _is_json(text: str) -> bool:
    try:
        from_json(text)
    except ValueError:
        return False
    return True


def _object(text: str) -> dict[str, Any]:
    try:
        found = from_json(text or "{}")
    except ValueError:
        found = text
    return found if isinstance(found, dict) else {"arguments": found}


def _failure(event: dict[str, Any]) -> Any:
    """What an event says went wrong."""
    response = event.get("response")
    if isinstance(response, dict):
        return {"error": response.get("error") or f"the response is {response.get('status') or 'lost'}"}
    return event


_Taken = Callable[[ResponsesDecoder, dict[str, Any]], StreamItems]
_TAKEN: Mapping[str, _Taken] = MappingProxyType(
    {
        "response.created": ResponsesDecoder._began,
        "response.in_progress": ResponsesDecoder._began,
        "response.output_item.added": ResponsesDecoder._item_added,
        "response.output_item.done": ResponsesDecoder._item_done,
        "response.output_text.delta": ResponsesDecoder._text_delta,
        "response.refusal.delta": ResponsesDecoder._text_delta,
        "response.function_call_arguments.delta": ResponsesDecoder._arguments_delta,
        "response.reasoning_summary_text.delta": ResponsesDecoder._reasoning_delta,
        "response.reasoning_text.delta": ResponsesDecoder._reasoning_delta,
        "response.completed": ResponsesDecoder._ended,
        "response.incomplete": ResponsesDecoder._ended,
    }
)
