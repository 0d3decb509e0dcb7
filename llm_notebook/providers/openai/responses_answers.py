"""The answers of OpenAI Responses: decodes bytes into stream items. No I/O.

A response is a list of output items: messages, reasoning, calls of our tools, and calls of the provider's own tools with their results. A
stream announces each item, sends deltas for it, and sends the complete item again when it is done; the terminal event repeats them all. Not
every server that imitates the API sends every event. So the decoder keeps an `OutputItem` for each, which knows what was delivered already, and
each of the three places delivers only the rest.

Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from llm_notebook.configuration.scrubbing import NO_SECRETS, Secrets
from llm_notebook.errors import IncompleteResponse, ModelError
from llm_notebook.parts.finishes import Finish, finish_of
from llm_notebook.parts.messages import StreamEvent, Usage, json_text
from llm_notebook.providers.http.answers.decoding import StreamDecoder, StreamItems, as_text
from llm_notebook.providers.openai.responses_item_answers import OutputItem, OutputItems
from llm_notebook.providers.openai.usage_answers import openai_usage

__all__ = ["ResponsesDecoder"]

_TERMINAL = frozenset({"response.completed", "response.incomplete"})
_FAILED = ("failed", "cancelled")
_UNDER_WAY = ("queued", "in_progress")


class ResponsesDecoder(StreamDecoder):
    """The decoder of one response, streamed or whole. A stream ends with `response.completed` or `response.incomplete`.

    Args:
        sender: the model's id, for error messages.
        stream: whether the request asked for a stream.
        secrets: what error messages must not show.
        origin: the server and the model, with which everything is marked that goes back there in its original form.
    """

    kind = "a response"

    def __init__(self, sender: str, *, stream: bool = True, secrets: Secrets = NO_SECRETS, origin: str = "") -> None:
        super().__init__(sender, stream=stream, secrets=secrets)
        self._items = OutputItems(origin)
        self._open_text: OutputItem | None = None
        self._head: dict[str, Any] = {}
        self._status: str | None = None

    def decode_end_mark(self) -> StreamItems:
        # This is not part of the protocol, but some servers send it, as for Chat Completions.
        return []

    def decode_frame(self, name: str, frame: dict[str, Any]) -> StreamItems:
        event, kind = frame, frame.get("type") or name
        if event.get("error") or kind in ("error", "response.failed", "response.cancelled"):
            self._status = "failed"
            if isinstance(event.get("response"), dict):
                self._head = event["response"]
            raise self.server_error(_failure(event))
        try:
            handle = _HANDLERS.get(as_text(kind or None))
            return handle(self, event) if handle is not None else []
        except (AttributeError, KeyError, TypeError):
            raise self.not_an_answer(json_text(event)) from None

    def decode_whole(self, body: dict[str, Any]) -> StreamItems:
        failed = bool(body.get("error")) or body.get("status") in _FAILED
        if not isinstance(body.get("output"), list):
            self._status = "failed" if failed else None
            raise self.server_error(_failure({"response": body})) if failed else self.not_an_answer(json_text(body))
        try:
            items = self._finish({"response": body | ({"status": "failed"} if failed else {})})
        except (AttributeError, KeyError, TypeError):
            raise self.not_an_answer(json_text(body)) from None
        self._head = body
        return items

    def _note_response(self, event: dict[str, Any]) -> StreamItems:
        self._head = _response_in(event)
        return []

    def _begin_item(self, event: dict[str, Any]) -> StreamItems:
        item = self._items.announced(event)
        self._open_text = None
        return item.begin(event["item"], self._items.call_ids)

    def _end_item(self, event: dict[str, Any]) -> StreamItems:
        item = self._items.ended(event)
        self._open_text = None
        return item.end(event["item"], self._items.call_ids)

    def _add_text(self, event: dict[str, Any]) -> StreamItems:
        text = as_text(event["delta"])
        if not text:
            return []
        item = self._open_text
        if item is None or not item.is_named_by(event):
            item = self._items.continued(event, "message")
        item.refused = item.refused or event.get("type") == "response.refusal.delta"
        item.pieces.append(text)
        if self._open_text is item:
            return [text]
        self._open_text = item
        return [StreamEvent("text", text, part_index=item.index)]

    def _add_arguments(self, event: dict[str, Any]) -> StreamItems:
        text = as_text(event["delta"])
        if not text:
            return []
        self._open_text = None
        return self._items.continued(event, "function_call").add_arguments(text)

    def _add_reasoning(self, event: dict[str, Any]) -> StreamItems:
        text = as_text(event["delta"])
        if not text:
            return []
        item = self._items.continued(event, "reasoning")
        section = (event.get("summary_index"), event.get("content_index"))
        text = f"\n\n{text}" if item.pieces and section != item.section else text
        item.section = section
        item.pieces.append(text)
        self._open_text = None
        return [item.event("reasoning", text)]

    def _finish(self, event: dict[str, Any]) -> StreamItems:
        """End the answer, and return the items that the stream has not sent before. An end that is an error becomes its `failure`."""
        response = self._head = _response_in(event)
        status = response.get("status")
        if event.get("type") and (status in _UNDER_WAY or not status):
            # The event says how the answer ended, whatever status the copy of the response in it has.
            status = event["type"].rpartition(".")[2]
        self._status = as_text(status or "completed")
        items: StreamItems = []
        for item, given in self._items.in_output(response.get("output") or []):
            if not item.over:
                items += item.end(given, self._items.call_ids)
        self.failure = self._failure_at_end()
        self.done = self.failure is None
        return items

    def _failure_at_end(self) -> ModelError | None:
        """Return the error with which the answer ends; None if it is complete, or if a limit cut off its text."""
        status, finish = self._status, self.finish
        if status in _FAILED:
            return self.server_error(_failure({"response": self._head}))
        if status in _UNDER_WAY:
            return IncompleteResponse(f"{self._sender}: the server has not finished the answer yet (status: {status}).")
        if any(item.is_nameless for item in self._items.items):
            return IncompleteResponse(
                f"{self._sender}: the answer holds a tool call without a name, so nothing of it was run."
            )
        if status != "incomplete" or finish is None:
            return None
        if finish.reason == "content_filter":
            return self.filter_error(finish)
        if any(item.is_cut_short() for item in self._items.items):
            return self.cut_off_in_call(self._why_incomplete or "incomplete")
        if finish.reason != "length":
            why = self._secrets.scrub(f" ({finish.said})")
            return IncompleteResponse(f"{self._sender}: the server says that the answer is incomplete{why}.")
        return None

    @property
    def finish(self) -> Finish | None:
        """Why the model stopped; None if it has not said so."""
        if self._status is None or self._status in _UNDER_WAY:
            return None
        if self._status in _FAILED:
            return Finish("error", self._status)
        if self._status == "incomplete":
            said = finish_of(self._why_incomplete)
            return said if said is not None and said.reason != "stop" else Finish("error", self._why_incomplete)
        if any(item.refused for item in self._items.items):
            return Finish("content_filter", "refusal")
        has_calls = any(item.kind == "function_call" for item in self._items.items)
        return Finish("tool_calls" if has_calls else "stop", self._status)

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
        items = self._items.items
        texts = [text for item in items if item.kind == "message" for text in item.pieces]
        calls = any(item.kind == "function_call" for item in items)
        reason = self._why_incomplete
        finish = {"max_output_tokens": "length", None: "tool_calls" if calls else "stop"}.get(reason, reason)
        beside = {"content": "".join(texts), "created": self._head.get("created_at"), "finish_reason": finish}
        if not self._head.get("output") and any(item.whole for item in items):
            # Some servers do not repeat the items at the end.
            beside["output"] = [item.whole for item in items if item.whole]
        return self._head | (beside if self.done else {})


def _response_in(event: dict[str, Any]) -> dict[str, Any]:
    response = event["response"]
    if not isinstance(response, dict):
        raise TypeError("a response is an object")
    return response


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
