"""Answers of Responses, as OpenAI and its imitators send them."""

from __future__ import annotations

from typing import Any

from tests.contract.replay.case import Case, json_body
from tests.fakes.responses import (
    call_item,
    failed,
    finished,
    item_events,
    message_item,
    reasoning_item,
    started,
    stream_of,
    text_events,
)

__all__ = ["CASES"]

READ_A, READ_B = ("read", {"x": "a"}), ("read", {"x": "b"})
A, B = call_item("call_a", "read", '{"x": "a"}'), call_item("call_b", "read", '{"x": "b"}')
TWO_CALLS = [*item_events(0, A), *item_events(1, B), finished(A, B)]
REFUSED = message_item("") | {"content": [{"type": "refusal", "refusal": "I cannot."}]}
PICTURE = {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "iVBORw0KGgo="}
SUMMARY = {"id": "cmp_1", "type": "compaction", "encrypted_content": "gAAAAAB"}
ASKED = "tool_calls"


def without(events: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in event.items() if name not in names} for event in events]


def changed(events: list[dict[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    return [event | {name: value for name, value in fields.items() if name in event} for event in events]


def rotated(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the events with another item id in each, as GitHub Copilot sends them."""
    items = [event["item"] | {"id": f"it_{number}"} if "item" in event else None for number, event in enumerate(events)]
    return [
        event | ({"item": item} if item else {}) | ({"item_id": f"x_{number}"} if "item_id" in event else {})
        for number, (event, item) in enumerate(zip(events, items, strict=True))
    ]


def of_kind(events: list[dict[str, Any]], *kinds: str) -> list[dict[str, Any]]:
    return [event for event in events if not event["type"].endswith(kinds)]


def whole(*items: dict[str, Any], **more: Any) -> bytes:
    return json_body(finished(*items)["response"] | more)


STREAMED = (
    Case("text", stream_of(started(), *text_events(0, "Hel", "lo"), finished(message_item("Hello"))), "Hello", usage=(9, 5)),
    Case("reasoning", stream_of(started(), *item_events(0, reasoning_item("Hm")), *text_events(1, "4"), finished(reasoning_item("Hm"), message_item("4"))), "4", "Hm"),
    Case("calls", stream_of(started(), *TWO_CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("no index", stream_of(*without(TWO_CALLS, "output_index")), calls=(READ_A, READ_B), finish=ASKED),
    Case("one index", stream_of(*changed(TWO_CALLS, output_index=0)), calls=(READ_A, READ_B), finish=ASKED),
    Case("no item ids", stream_of(*without(TWO_CALLS, "item_id")), calls=(READ_A, READ_B), finish=ASKED),
    Case("one item id", stream_of(*changed(TWO_CALLS, item_id="same")), calls=(READ_A, READ_B), finish=ASKED),
    Case("item ids that change", stream_of(*rotated(TWO_CALLS)), calls=(READ_A, READ_B), finish=ASKED),
    Case("texts whose ids change", stream_of(*rotated([*text_events(0, "Hel", "lo"), finished(message_item("Hello"))])), "Hello"),
    Case("one call id", stream_of(*item_events(0, A), *item_events(1, B | {"call_id": "call_a"}), finished(A, B | {"call_id": "call_a"})), calls=(READ_A, READ_B), finish=ASKED),
    Case("two texts at one index", stream_of(*text_events(0, "One."), *text_events(0, "Two."), finished(message_item("One."), message_item("Two."))), "One.Two."),
    Case("all at the end", stream_of(started(), finished(message_item("Hello"), A)), "Hello", calls=(READ_A,), finish=ASKED),
    Case("nothing repeated at the end", stream_of(*text_events(0, "Hello"), finished()), "Hello"),
    Case("no deltas", stream_of(*of_kind([*text_events(0, "Hello"), *item_events(1, A)], ".delta"), finished(message_item("Hello"), A)), "Hello", calls=(READ_A,), finish=ASKED),
    Case("no announcements", stream_of(*of_kind(text_events(0, "Hel", "lo"), "item.added"), finished(message_item("Hello"))), "Hello"),
    Case("a call announced late", stream_of({"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": A["id"], "delta": '{"x": "a"}'}, {"type": "response.output_item.added", "output_index": 0, "item": A}, {"type": "response.output_item.done", "output_index": 0, "item": A}, finished(A)), calls=(READ_A,), finish=ASKED),
    Case("a call without a name", stream_of({"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"x": "a"}'}, finished()), error="without a name", finish=ASKED, incomplete=True),
    Case("length", stream_of(*text_events(0, "Half an", end=False), finished(message_item("Half an"), incomplete="max_output_tokens")), "Half an", finish="length"),
    Case("a call cut by the limit", stream_of(*item_events(0, call_item("call_a", "read", '{"x": ', "incomplete")), finished(incomplete="max_output_tokens")), finish="length", error="raise max_tokens", incomplete=True),
    Case("content filter", stream_of(*text_events(0, "Half", end=False), finished(message_item("Half"), incomplete="content_filter")), "Half", finish="content_filter", error="filter"),
    Case("refusal", stream_of(started(), finished(REFUSED)), "I cannot.", finish="content_filter"),
    Case("picture", stream_of(*item_events(0, PICTURE), *text_events(1, "Here."), finished(PICTURE, message_item("Here."))), "Here."),
    Case("compaction", stream_of(*item_events(0, SUMMARY), *text_events(1, "Hello"), finished(SUMMARY, message_item("Hello"))), "Hello"),
    Case("failed", stream_of(*text_events(0, "Half", end=False), failed("server_error", "Overloaded")), "Half", finish="error", error="Overloaded"),
    Case("no end", stream_of(*text_events(0, "Half")), "Half", finish=None, error="broke off", incomplete=True),
    Case("a stream nobody asked for", stream_of(*text_events(0, "Hello"), finished(message_item("Hello"))), "Hello", stream=False),
    Case("a body for a stream", whole(message_item("Hello")), "Hello", content_type="application/json"),
)  # fmt: skip

AT_ONCE: dict[str, Any] = {"stream": False, "content_type": "application/json"}
WHOLE = (
    Case("whole", whole(message_item("Hello")), "Hello", usage=(9, 5), **AT_ONCE),
    Case("calls, whole", whole(reasoning_item("Hm"), A, B), "", "Hm", (READ_A, READ_B), ASKED, **AT_ONCE),
    Case("one call id, whole", whole(A, B | {"call_id": "call_a"}), calls=(READ_A, READ_B), finish=ASKED, **AT_ONCE),
    Case("queued, whole", whole(status="queued"), finish=None, error="queued", incomplete=True, **AT_ONCE),
    Case("in progress, whole", whole(message_item("Half"), status="in_progress"), "Half", finish=None, error="in_progress", incomplete=True, **AT_ONCE),
    Case("failed, whole", whole(message_item("Half"), status="failed", error={"message": "Overloaded"}), "Half", finish="error", error="Overloaded", **AT_ONCE),
    Case("content filter, whole", whole(message_item("Half"), status="incomplete", incomplete_details={"reason": "content_filter"}), "Half", finish="content_filter", error="filter", **AT_ONCE),
    Case("length, whole", whole(message_item("Half an"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}), "Half an", finish="length", **AT_ONCE),
    Case("refusal, whole", whole(REFUSED), "I cannot.", finish="content_filter", **AT_ONCE),
)  # fmt: skip

CASES = [*STREAMED, *WHOLE]
