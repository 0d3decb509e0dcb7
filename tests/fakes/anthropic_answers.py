"""Answers of Anthropic's Messages API, in the shapes that its documentation shows; the API itself costs money."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.openai_server import Reply

__all__ = ["TRANSCRIPTS", "WHOLE", "answer", "call_answer", "events", "text_answer"]


def events(*payloads: dict[str, Any]) -> bytes:
    """Return named server-sent events, as the API sends them."""
    lines = [f"event: {event.get('type')}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n" for event in payloads]
    return "".join(lines).encode()


def start(**usage: Any) -> dict[str, Any]:
    counts = {
        "input_tokens": 25,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 1,
        "service_tier": "standard",
    }
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": counts | usage,
    }
    return {"type": "message_start", "message": message}


def block(index: int, value: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": value},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text_block(index: int, *texts: str, citations: list[Any] | None = None) -> list[dict[str, Any]]:
    deltas = [{"type": "citations_delta", "citation": citation} for citation in citations or []]
    value: dict[str, Any] = {"type": "text", "text": ""} | ({"citations": []} if citations else {})
    return block(index, value, *deltas, *({"type": "text_delta", "text": text} for text in texts))


def call_block(index: int, call_id: str, name: str, *pieces: str, kind: str = "tool_use") -> list[dict[str, Any]]:
    value = {"type": kind, "id": call_id, "name": name, "input": {}}
    return block(index, value, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def end(reason: str = "end_turn", output_tokens: int = 15, **delta: Any) -> list[dict[str, Any]]:
    usage = {"output_tokens": output_tokens} | delta.pop("usage", {})
    return [
        {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None, **delta}, "usage": usage},
        {"type": "message_stop"},
    ]


def answer(*blocks: list[dict[str, Any]], reason: str = "end_turn") -> bytes:
    """Return a whole streamed answer with these blocks."""
    return events(start(), *(event for one in blocks for event in one), *end(reason))


def text_answer(text: str = "ok") -> Reply:
    """Return a reply with this text."""
    return Reply([answer(text_block(0, text))])


def call_answer(name: str, arguments: dict[str, Any], call_id: str = "toolu_01") -> Reply:
    """Return a reply with one tool call."""
    return Reply([answer(call_block(0, call_id, name, json.dumps(arguments)), reason="tool_use")])


PING = {"type": "ping"}
THOUGHT = block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "Let me "},
    {"type": "thinking_delta", "thinking": "think."},
    {"type": "signature_delta", "signature": "EqQBCg=="},
)
WITHHELD = block(1, {"type": "redacted_thinking", "data": "EmwKAhgB"})
CITATION = {
    "type": "web_search_result_location",
    "url": "https://example.org/birds",
    "title": "Birds",
    "encrypted_index": "Eo8BCioIA",
    "cited_text": "A pelican is a bird.",
}
FOUND = {
    "type": "web_search_tool_result",
    "tool_use_id": "srvtoolu_01",
    "content": [
        {
            "type": "web_search_result",
            "title": "Birds",
            "url": "https://example.org/birds",
            "encrypted_content": "EqgfCioIARgBIiQ3",
            "page_age": None,
        }
    ],
}
SEARCHED = [
    text_block(0, "I look it up."),
    call_block(1, "srvtoolu_01", "web_search", "", '{"query":', ' "pelican"}', kind="server_tool_use"),
    block(2, FOUND),
    text_block(3, "A pelican ", "is a bird.", citations=[CITATION]),
]
OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}, "request_id": "req_01"}

TRANSCRIPTS = {
    "text": events(start(), PING, *text_block(0, "Fünf ", "🦤s\n", '"quoted"'), *end()),
    "two texts": answer(text_block(0, "One."), text_block(1, "Two", ".")),
    "reasoning and a call": answer(
        THOUGHT,
        WITHHELD,
        text_block(2, "I look."),
        call_block(3, "toolu_01", "weather", "", '{"city": "Zü', 'rich"}'),
        call_block(4, "toolu_02", "now", ""),
        reason="tool_use",
    ),
    "web search": events(
        start(),
        *(event for one in SEARCHED for event in one),
        *end(usage={"input_tokens": 900, "server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}}),
    ),
    "cached": events(
        start(input_tokens=3, cache_creation_input_tokens=100, cache_read_input_tokens=2000),
        *text_block(0, "ok"),
        *end(usage={"output_tokens_details": {"thinking_tokens": 4}}),
    ),
    "cut text": answer(text_block(0, "Once upon"), reason="max_tokens"),
    "crlf": answer(text_block(0, "a", "b")).replace(b"\n", b"\r\n"),
    "error in the stream": events(start(), *text_block(0, "Hello")[:2], OVERLOADED),
}

WHOLE = {
    "id": "msg_02",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [
        {"type": "thinking", "thinking": "Hm.", "signature": "EqQBCg=="},
        {"type": "redacted_thinking", "data": "EmwKAhgB"},
        {"type": "text", "text": "Sure 🦤", "citations": None},
        {"type": "tool_use", "id": "toolu_01", "name": "weather", "input": {"city": "Zürich"}},
        {"type": "tool_use", "id": "toolu_02", "name": "now", "input": {}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "cache_read_input_tokens": 4, "output_tokens": 30},
}
