"""The answers of OpenAI Responses: bytes become stream items. No I/O.

A response is a list of output items: messages, reasoning, calls of our tools, and calls of the provider's own tools with their results. A
stream announces each item, sends deltas for it, and sends it again in whole when it is done; the terminal event repeats them all. Not
every server that imitates the API sends every event. So the decoder keeps an `_Item` for each, which knows what was handed on already,
and each of the three places hands on only the rest.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import from_json

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.citations import Citation
from llm_notebook.parts.identifiers import new_tool_call_id
from llm_notebook.parts.messages import EventType, StreamEvent, Usage, json_text
from llm_notebook.providers.http.decoding import StreamDecoder, StreamItems, as_text
from llm_notebook.providers.http.picture_answers import attachment_of
from llm_notebook.providers.openai.responses_requests import METADATA
from llm_notebook.providers.openai.source_answers import annotated_sources
from llm_notebook.providers.openai.usage_answers import openai_usage

__all__ = ["ResponsesDecoder"]

_TERMINAL = frozenset({"response.completed", "response.incomplete"})
# The fields of a call of the provider's own tool that are not its arguments: its result, and bookkeeping.
_OUTCOMES = frozenset({"outputs", "results", "output", "result", "error", "tools"})
_BOOKKEEPING = frozenset({"id", "type", "status", "call_id", "name", "server_label", "container_id"})


class ResponsesDecoder(StreamDecoder):
    """The decoder of one response, streamed or whole. A stream ends with `response.completed` or `response.incomplete`."""

    kind = "a response"

    def __init__(self, sender: str, *, stream: bool = True, secrets: Secrets = NO_SECRETS) -> None:
        super().__init__(sender, stream=stream, secrets=secrets)
        self._items: dict[int, _Item] = {}
        self._positions: dict[object, int] = {}
        self._open_text: _Item | None = None
        self._head: dict[str, Any] = {}
        self.finish_reason: str | None = None

    def decode_frame(self, name: str, data: bytes) -> StreamItems:
        if data == b"[DONE]":
            # This is not part of the protocol, but some servers send it, as for Chat Completions.
            return []
        event = self.parse(data)
        kind = event.get("type") or name
        if event.get("error") or kind in ("error", "response.failed", "response.cancelled"):
            raise self.server_error(_failure(event))
        try:
            handle = _HANDLERS.get(as_text(kind or None))
            return handle(self, event) if handle is not None else []
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
            return self._finish({"response": body})
        except (AttributeError, KeyError, TypeError):
            raise self.not_an_answer(json_text(body)) from None

    def _note_response(self, event: dict[str, Any]) -> StreamItems:
        self._head = _response_in(event)
        return []

    def _find_item(self, event: dict[str, Any]) -> _Item:
        """Return the output item that an event belongs to, and make it for its first event."""
        index = event.get("output_index")
        if index is None:
            item_id = event.get("item_id") or event["item"].get("id")
            index = self._positions.setdefault(item_id, len(self._positions))
        if not isinstance(index, int):
            raise TypeError("an index is a number")
        return self._items.setdefault(index, _Item(index))

    def _begin_item(self, event: dict[str, Any]) -> StreamItems:
        item, given = self._find_item(event), event["item"]
        self._open_text = None
        return item.begin(given, self._taken_ids(item))

    def _end_item(self, event: dict[str, Any]) -> StreamItems:
        item = self._find_item(event)
        self._open_text = None
        return item.end(event["item"], self._taken_ids(item))

    def _taken_ids(self, item: _Item) -> set[str | None]:
        return {other.call_id for other in self._items.values() if other is not item}

    def _add_text(self, event: dict[str, Any]) -> StreamItems:
        item, text = self._find_item(event), as_text(event["delta"])
        if not text:
            return []
        item.pieces.append(text)
        if self._open_text is item:
            return [text]
        self._open_text = item
        return [StreamEvent("text", text, part_index=item.index)]

    def _add_arguments(self, event: dict[str, Any]) -> StreamItems:
        item, text = self._find_item(event), as_text(event["delta"])
        if not text:
            return []
        item.pieces.append(text)
        self._open_text = None
        return [item.event("tool_call_args", text)]

    def _add_reasoning(self, event: dict[str, Any]) -> StreamItems:
        item, text = self._find_item(event), as_text(event["delta"])
        if not text:
            return []
        section = (event.get("summary_index"), event.get("content_index"))
        text = f"\n\n{text}" if item.pieces and section != item.section else text
        item.section = section
        item.pieces.append(text)
        self._open_text = None
        return [item.event("reasoning", text)]

    def _finish(self, event: dict[str, Any]) -> StreamItems:
        """End the answer, and return the items that the stream has not sent before.

        Raises:
            IncompleteResponse: the answer reached a limit in the middle of a tool call, which must not be run.
        """
        response = self._head = _response_in(event)
        self.finish_reason = response.get("status") or event.get("type", "").rpartition(".")[2]
        items: StreamItems = []
        for index, given in enumerate(response.get("output") or []):
            item = self._items.setdefault(index, _Item(index))
            if not item.over:
                items += item.begin(given, self._taken_ids(item)) + item.end(given, self._taken_ids(item))
        complete = self.finish_reason == "completed"
        if any(item.is_cut_short(complete) for item in self._items.values()):
            raise self.cut_off_in_call(self._why_incomplete or self.finish_reason)
        self.done = True
        return items

    @property
    def _why_incomplete(self) -> str | None:
        """The server's reason for ending the response early; None if it gives none."""
        details = self._head.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        return reason if isinstance(reason, str) else None

    @property
    def resolved_model(self) -> str | None:
        """The model that the server says it used."""
        return self._head.get("model")

    @property
    def usage(self) -> Usage:
        """The tokens used, as far as the server reported them."""
        return openai_usage(self._head.get("usage"), "input_tokens", "output_tokens")

    @property
    def response_json(self) -> dict[str, Any]:
        """The response in the API's shape for answers that are not streamed, as far as the server sent it.

        A streamed response also has `content`, `created` and `finish_reason`, where code written for the `llm` package looks for them.
        """
        if self._whole_json is not None:
            return self._whole_json
        texts = [text for item in self._items.values() if item.kind == "message" for text in item.pieces]
        calls = any(item.kind == "function_call" for item in self._items.values())
        reason = self._why_incomplete
        finish = {"max_output_tokens": "length", None: "tool_calls" if calls else "stop"}.get(reason, reason)
        beside = {"content": "".join(texts), "created": self._head.get("created_at"), "finish_reason": finish}
        return self._head | (beside if self.done else {})


class _Item:
    """One output item while it arrives: a message, reasoning, a call, or a call that the provider runs itself.

    Attributes:
        index: its position in the output, which is the `part_index` of its events.
        kind: its type in the API; empty before it is announced.
        call_id: the id of a call.
        named: whether the name of a call was handed on.
        pieces: the text, reasoning or arguments handed on so far.
        section: the section of the reasoning that came last.
        over: whether the item is whole, so that nothing more is handed on.
    """

    __slots__ = ("call_id", "index", "kind", "named", "over", "pieces", "section")

    def __init__(self, index: int) -> None:
        self.index = index
        self.kind = ""
        self.call_id: str | None = None
        self.named = False
        self.pieces: list[str] = []
        self.section: tuple[object, object] = (None, None)
        self.over = False

    def event(self, kind: EventType, chunk: str, **more: Any) -> StreamEvent:
        """Return a stream event of this item."""
        if kind.startswith("tool"):
            more["tool_call_id"] = self.call_id
        return StreamEvent(kind, chunk, part_index=self.index, **more)

    @property
    def by_provider(self) -> bool:
        """True for the call of a tool that the provider runs itself."""
        return self.kind not in ("", "message", "reasoning", "function_call")

    def begin(self, given: dict[str, Any], taken: set[str | None]) -> StreamItems:
        """Begin the item, and return what is known at this point: the name of a call.

        Args:
            given: the item as the server sent it.
            taken: the ids of the other calls.
        """
        self.kind = as_text(given["type"])
        if self.named or self.kind in ("message", "reasoning"):
            return []
        self.named = True
        call_id = given.get("call_id") or given.get("id")
        # Results are matched to calls by id, so an id that another call has is replaced.
        usable = isinstance(call_id, str) and call_id and call_id not in taken
        self.call_id = call_id if usable else new_tool_call_id()
        if not self.by_provider:
            kept = {"provider_metadata": {METADATA: {"id": given["id"]}}} if given.get("id") else {}
            return [self.event("tool_call_name", as_text(given["name"]), **kept)]
        return [self.event("tool_call_name", self._tool_name(given), server_executed=True)]

    def end(self, given: dict[str, Any], taken: set[str | None]) -> StreamItems:
        """End the item, and return what is known of it and was not handed on before.

        Args:
            given: the whole item as the server sent it.
            taken: the ids of the other calls.
        """
        items = self.begin(given, taken)
        self.over = given.get("status") != "incomplete" or self.kind in ("message", "reasoning")
        if self.kind == "message":
            return items + self._end_message(given)
        if self.kind == "reasoning":
            return items + self._end_reasoning(given)
        if self.kind == "function_call":
            arguments = as_text(given.get("arguments") or "")
            return items + ([self.event("tool_call_args", rest)] if (rest := self._take_rest(arguments)) else [])
        return items + self._end_provider_call(given)

    def _take_rest(self, whole: str) -> str:
        """Return the rest of a text whose beginning was handed on; empty if the text that was handed on is another one."""
        sent = "".join(self.pieces)
        rest = whole[len(sent) :] if whole.startswith(sent) else ""
        self.pieces.append(rest)
        return rest

    def _end_message(self, given: dict[str, Any]) -> StreamItems:
        blocks = [block for block in given.get("content") or [] if isinstance(block, dict)]
        text = self._take_rest("".join(as_text(block.get("text") or block.get("refusal") or "") for block in blocks))
        kept = {name: given[name] for name in ("id", "phase") if given.get(name)}
        annotations = [note for block in blocks for note in block.get("annotations") or []]
        kept |= {"annotations": annotations} if annotations else {}
        sources: list[Citation] = []
        before = 0
        for block in blocks:
            sources += annotated_sources(block.get("annotations") or [], before)
            before += len(block.get("text") or block.get("refusal") or "")
        if not (text or (kept and self.pieces and any(self.pieces))):
            return []
        metadata = {METADATA: kept} if kept else None
        return [self.event("text", text, provider_metadata=metadata, citations=sources or None)]

    def _end_reasoning(self, given: dict[str, Any]) -> StreamItems:
        sections = [*(given.get("summary") or []), *(given.get("content") or [])]
        whole = "\n\n".join(as_text(section.get("text") or "") for section in sections if isinstance(section, dict))
        text = whole if not self.pieces else ""
        self.pieces.append(text)
        item = {name: value for name, value in given.items() if value is not None and name != "status"}
        kept = {METADATA: {"item": item}} if given.get("encrypted_content") else None
        return [self.event("reasoning", text, provider_metadata=kept)] if text or kept else []

    def _end_provider_call(self, given: dict[str, Any]) -> StreamItems:
        """Return the arguments and the result of a call that the provider ran. The item is kept with the call, to be sent back."""
        item = {name: value for name, value in given.items() if value is not None}
        arguments = {name: value for name, value in item.items() if name not in _OUTCOMES and name not in _BOOKKEEPING}
        if isinstance(arguments.get("arguments"), str):
            arguments = _parse_arguments(arguments["arguments"])
        elif isinstance(arguments.get("action"), dict):
            arguments = arguments["action"]
        outcome = {name: item[name] for name in _OUTCOMES if name in item}
        picture: Attachment | None = None
        if self.kind == "image_generation_call":
            # The picture is kept once, as an attachment of the message, from which requests take it.
            picture = attachment_of(item.pop("result", None), item.get("output_format") or "png")
            outcome = {"result": "a picture" if picture is not None else "no picture"}
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
            *self._pictures(picture, item),
        ]

    def _pictures(self, picture: Attachment | None, item: dict[str, Any]) -> StreamItems:
        if picture is None:
            return []
        return [StreamEvent("attachment", "", provider_metadata={METADATA: {"of": item.get("id")}}, attachment=picture)]

    def _tool_name(self, given: dict[str, Any]) -> str:
        return as_text(given.get("name") or self.kind.removesuffix("_call"))

    def is_cut_short(self, complete: bool) -> bool:
        """Return True for a call of one of our tools that is not whole.

        Args:
            complete: whether the response is complete. Then a call whose end was not announced counts as whole if its arguments are.
        """
        if self.kind != "function_call":
            return False
        arguments = "".join(self.pieces)
        return not (complete or self.over) or bool(arguments and not _is_json(arguments))


def _response_in(event: dict[str, Any]) -> dict[str, Any]:
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


def _parse_arguments(text: str) -> dict[str, Any]:
    try:
        found = from_json(text or "{}")
    except ValueError:
        found = text
    return found if isinstance(found, dict) else {"arguments": found}


def _failure(event: dict[str, Any]) -> dict[str, Any]:
    """Return the error that an event reports, as a body that `provider_error()` reads."""
    response = event.get("response")
    if isinstance(response, dict):
        return {"error": response.get("error") or f"the response is {response.get('status') or 'lost'}"}
    return event


_Handler = Callable[[ResponsesDecoder, dict[str, Any]], StreamItems]
_HANDLERS: Mapping[str, _Handler] = MappingProxyType(
    {
        "response.created": ResponsesDecoder._note_response,
        "response.in_progress": ResponsesDecoder._note_response,
        "response.output_item.added": ResponsesDecoder._begin_item,
        "response.output_item.done": ResponsesDecoder._end_item,
        "response.output_text.delta": ResponsesDecoder._add_text,
        "response.refusal.delta": ResponsesDecoder._add_text,
        "response.function_call_arguments.delta": ResponsesDecoder._add_arguments,
        "response.reasoning_summary_text.delta": ResponsesDecoder._add_reasoning,
        "response.reasoning_text.delta": ResponsesDecoder._add_reasoning,
        "response.completed": ResponsesDecoder._finish,
        "response.incomplete": ResponsesDecoder._finish,
    }
)
