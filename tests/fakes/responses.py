"""Answers of OpenAI's Responses API, in the shapes that its documentation shows: output items, and the events of a stream."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.openai_server import Reply

__all__ = [
    "call_item",
    "failed",
    "finished",
    "item_events",
    "message_item",
    "reasoning_item",
    "response_reply",
    "started",
    "stream_of",
    "text_events",
]

_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1755000000,
    "model": "gpt-5-mini-2025-08-07",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "store": False,
}
_USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 14,
}

Event = dict[str, Any]


def message_item(text: str, notes: list[Any] | None = None) -> dict[str, Any]:
    """Return a message as an output item."""
    content = [{"type": "output_text", "text": text, "annotations": notes or [], "logprobs": []}]
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": content}


def call_item(call_id: str, name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
    """Return a tool call as an output item."""
    return {
        "type": "function_call",
        "id": f"fc_{call_id}",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def reasoning_item(*summary: str) -> dict[str, Any]:
    """Return reasoning as an output item, encrypted as requests ask for it."""
    return {
        "type": "reasoning",
        "id": "rs_1",
        "encrypted_content": "gAAAAABnb3Bl",
        "summary": [{"type": "summary_text", "text": text} for text in summary],
    }


def started() -> Event:
    """Return the first event of a stream."""
    return {"type": "response.created", "response": {**_RESPONSE, "status": "in_progress", "output": [], "usage": None}}


def finished(*items: dict[str, Any], incomplete: str | None = None) -> Event:
    """Return the terminal event of a complete response, or of one that reached a limit."""
    status = "incomplete" if incomplete else "completed"
    details = {"reason": incomplete} if incomplete else None
    response = {**_RESPONSE, "status": status, "output": list(items), "usage": _USAGE, "incomplete_details": details}
    return {"type": f"response.{status}", "response": response}


def failed(code: str, message: str) -> Event:
    """Return the event that ends a failed response."""
    response = {**_RESPONSE, "status": "failed", "output": [], "error": {"code": code, "message": message}}
    return {"type": "response.failed", "response": response}


def text_events(index: int, *texts: str, notes: list[Any] | None = None, end: bool = True) -> list[Event]:
    """Return the events of a message. Without its `end` the message is incomplete."""
    place = {"output_index": index, "item_id": "msg_1", "content_index": 0}
    whole = message_item("".join(texts), notes)
    added = whole | {"status": "in_progress", "content": []}
    events: list[Event] = [{"type": "response.output_item.added", "output_index": index, "item": added}]
    events += [{"type": "response.output_text.delta", **place, "delta": text, "logprobs": []} for text in texts]
    if end:
        events.append({"type": "response.output_text.done", **place, "text": "".join(texts), "logprobs": []})
        events.append({"type": "response.output_item.done", "output_index": index, "item": whole})
    return events


def item_events(index: int, item: dict[str, Any], *, encrypted: bool = False) -> list[Event]:
    """Return the events of any other item."""
    place = {"output_index": index, "item_id": item["id"]}
    added = item | {"status": "in_progress"} | ({"arguments": ""} if "arguments" in item else {})
    if item["type"] == "reasoning":
        added = {"type": "reasoning", "id": item["id"], "summary": []} | (
            {"encrypted_content": "part"} if encrypted else {}
        )
    events: list[Event] = [{"type": "response.output_item.added", "output_index": index, "item": added}]
    for position, section in enumerate(item.get("summary", [])):
        text = section["text"]
        for piece in (text[:3], text[3:]):
            events.append(
                {"type": "response.reasoning_summary_text.delta", **place, "summary_index": position, "delta": piece}
            )
    arguments = item.get("arguments", "") if item["type"] == "function_call" else ""
    for piece in (arguments[:5], arguments[5:]):
        if piece:
            events.append({"type": "response.function_call_arguments.delta", **place, "delta": piece})
    events.append({"type": "response.output_item.done", "output_index": index, "item": item})
    return events


def stream_of(*events: Event) -> bytes:
    """Return the events as the bytes of a stream, numbered as the API numbers them."""
    texts = []
    for number, event in enumerate(events):
        data = json.dumps({"sequence_number": number, **event}, ensure_ascii=False)
        name = f"event: {event['type']}\n" if "type" in event else ""
        texts.append(f"{name}data: {data}\n\n")
    return "".join(texts).encode()


def response_reply(*items: dict[str, Any], stream: bool = True) -> Reply:
    """Return a whole streamed answer with these items. Messages are streamed as text, and other items as they are."""
    if not stream:
        return Reply.of_json(finished(*items)["response"])
    events = [started()]
    for index, item in enumerate(items):
        if item["type"] == "message":
            text = item["content"][0]["text"]
            events += text_events(index, text[: len(text) // 2], text[len(text) // 2 :])
            events[-1] = events[-1] | {"item": item}
        else:
            events += item_events(index, item)
    return Reply([stream_of(*events, finished(*items))])
