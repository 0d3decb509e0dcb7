"""Answers of Messages, as Anthropic and its imitators send them."""

from __future__ import annotations

from typing import Any

from tests.contract.replay.case import Case, json_body
from tests.fakes.anthropic_answers import FOUND, block, call_block, end, events, start, text_block

__all__ = ["CASES"]

READ_A, READ_B = ("read", {"x": "a"}), ("read", {"x": "b"})
TWO_CALLS = [*call_block(0, "a", "read", '{"x":', '"a"}'), *call_block(1, "b", "read", '{"x":', '"b"}')]
SEARCH = {"type": "server_tool_use", "id": "srvtoolu_01", "name": "web_search", "input": {"query": "birds"}}
THINKING = block(
    0,
    {"type": "thinking", "thinking": ""},
    {"type": "thinking_delta", "thinking": "Hm"},
    {"type": "signature_delta", "signature": "sig"},
)
SUMMARY = block(0, {"type": "compaction", "content": None}, {"type": "compaction_delta", "content": "## So far"})
ASKED = "tool_calls"


def changed(sent: list[dict[str, Any]], **fields: Any) -> list[dict[str, Any]]:
    return [event | {name: value for name, value in fields.items() if name in event} for event in sent]


def without(sent: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in event.items() if name not in names} for event in sent]


def whole(*blocks: dict[str, Any], reason: str | None = "end_turn", **more: Any) -> bytes:
    usage = {"input_tokens": 5, "output_tokens": 2}
    return json_body(start()["message"] | {"content": list(blocks), "stop_reason": reason, "usage": usage} | more)


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def called(call_id: str, x: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "read", "input": {"x": x}}


STREAMED = (
    Case("text", events(start(), *text_block(0, "Hel", "lo"), *end()), "Hello", usage=(25, 15)),
    Case("no message_stop", events(start(), *text_block(0, "Hello"), *end()[:1]), "Hello"),
    Case("no message_stop, a call", events(start(), *TWO_CALLS, *end("tool_use")[:1]), calls=(READ_A, READ_B), finish=ASKED),
    Case("pings and events of new kinds", events(start(), {"type": "ping"}, *text_block(0, "Hello"), {"type": "new"}, *end()), "Hello"),
    Case("thinking", events(start(), *THINKING, *text_block(1, "4"), *end()), "4", "Hm"),
    Case("calls", events(start(), *TWO_CALLS, *end("tool_use")), calls=(READ_A, READ_B), finish=ASKED),
    Case("arguments announced and repeated", events(start(), *block(0, called("a", "a"), {"type": "input_json_delta", "partial_json": '{"x": "a"}'}), *end("tool_use")), calls=(READ_A,), finish=ASKED),
    Case("arguments only announced", events(start(), *block(0, called("a", "a")), *end("tool_use")), calls=(READ_A,), finish=ASKED),
    Case("one id", events(start(), *call_block(0, "a", "read", '{"x":"a"}'), *call_block(1, "a", "read", '{"x":"b"}'), *end("tool_use")), calls=(READ_A, READ_B), finish=ASKED),
    Case("no ids", events(start(), *call_block(0, "", "read", '{"x":"a"}'), *call_block(1, "", "read", '{"x":"b"}'), *end("tool_use")), calls=(READ_A, READ_B), finish=ASKED),
    Case("one index", events(start(), *changed(TWO_CALLS, index=0), *end("tool_use")), calls=(READ_A, READ_B), finish=ASKED),
    Case("no index", events(start(), *without(TWO_CALLS, "index"), *end("tool_use")), calls=(READ_A, READ_B), finish=ASKED),
    Case("one index for all blocks", events(start(), *changed([*THINKING, *text_block(1, "So."), *TWO_CALLS], index=0), *end("tool_use")), "So.", "Hm", (READ_A, READ_B), ASKED),
    Case("blocks never ended", events(start(), *[event for event in TWO_CALLS if event["type"] != "content_block_stop"], *end("tool_use")), calls=(READ_A, READ_B), finish=ASKED),
    Case("text never announced", events(start(), *text_block(0, "Hello")[1:], *end()), "Hello"),
    Case("compaction", events(start(), *SUMMARY, *text_block(1, "Hello"), *end()), "Hello"),
    Case("a search", events(start(), *block(0, SEARCH), *block(1, FOUND), *text_block(2, "Birds."), *end()), "Birds."),
    Case("zero usage at the end", events(start(), *text_block(0, "Hello"), *end(usage={"input_tokens": 0, "output_tokens": 15})), "Hello", usage=(25, 15)),
    Case("length", events(start(), *text_block(0, "Half an"), *end("max_tokens")), "Half an", finish="length"),
    Case("the context window", events(start(), *text_block(0, "Half an"), *end("model_context_window_exceeded")), "Half an", finish="length"),
    Case("a call cut by the limit", events(start(), *call_block(0, "a", "read", '{"x":'), *end("max_tokens")), finish="length", error="raise max_tokens", incomplete=True),
    Case("pause", events(start(), *text_block(0, "Let me see:"), *block(1, SEARCH), *block(2, FOUND), *end("pause_turn")), "Let me see:", finish="pause"),
    Case("refusal", events(start(), *text_block(0, "Half"), *end("refusal")), "Half", finish="content_filter", error="declined"),
    Case("an error", events(start(), *text_block(0, "Half"), {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}), "Half", finish=None, error="Overloaded"),
    Case("no end", events(start(), *text_block(0, "Half")), "Half", finish=None, error="broke off", incomplete=True),
    Case("a stream nobody asked for", events(start(), *text_block(0, "Hello"), *end()), "Hello", stream=False),
    Case("a body for a stream", whole(text("Hello")), "Hello", content_type="application/json"),
)  # fmt: skip

AT_ONCE: dict[str, Any] = {"stream": False, "content_type": "application/json"}
WHOLE = (
    Case("whole", whole(text("Hello")), "Hello", usage=(5, 2), **AT_ONCE),
    Case("calls, whole", whole(called("a", "a"), called("b", "b"), reason="tool_use"), calls=(READ_A, READ_B), finish=ASKED, **AT_ONCE),
    Case("one id, whole", whole(called("a", "a"), called("a", "b"), reason="tool_use"), calls=(READ_A, READ_B), finish=ASKED, **AT_ONCE),
    Case("pause, whole", whole(text("Let me see:"), SEARCH, FOUND, reason="pause_turn"), "Let me see:", finish="pause", **AT_ONCE),
    Case("refusal, whole", whole(text("Half"), reason="refusal"), "Half", finish="content_filter", error="declined", **AT_ONCE),
    Case("length, whole", whole(text("Half an"), reason="max_tokens"), "Half an", finish="length", **AT_ONCE),
)  # fmt: skip

CASES = [*STREAMED, *WHOLE]
