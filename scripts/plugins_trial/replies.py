"""The replies of the scripted providers, each in its own wire format.

All follow one script. A prompt with LIMIT is refused with 429. A prompt with TOOL is answered by a thought and a call of
`temperature(city="Rome")`, and the result of a tool by "It is 18 degrees." The answer to everything else is "Hello there". Thoughts
and calls carry the signature SIG1 where the wire has signatures.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["WIRES", "Reply", "Wire"]

Body = dict[str, Any]
Turn = Literal["refuse", "call", "conclude", "greet"]

SIGNATURE = "SIG1"
_TEXT = {"conclude": ("It is ", "18 degrees."), "greet": ("Hello", " there")}
_THOUGHT = "Let me look."
_ARGUMENTS = {"city": "Rome"}
_VECTOR = [0.5, 1.0]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


Wire = Callable[[str, Body], Reply]
"""Answers a request: (the path, the JSON body)."""


def _turn(sent: Any, result_mark: str) -> Turn:
    text = json.dumps(sent)
    if "LIMIT" in text:
        return "refuse"
    if result_mark in text:
        return "conclude"
    return "call" if "TOOL" in text else "greet"


def _json(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value).encode(), status=status)


def _events(events: Iterable[Body], *, named: bool = True, end: str = "") -> Reply:
    lines = (
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" if named else f"data: {json.dumps(event)}\n\n"
        for event in events
    )
    return Reply(("".join(lines) + end).encode(), "text/event-stream")


def anthropic(_path: str, body: Body) -> Reply:
    """Answer as Anthropic's Messages API."""
    turn = _turn(body["messages"], '"tool_result"')
    if turn == "refuse":
        return _json({"type": "error", "error": {"type": "rate_limit_error", "message": "Slow down"}}, 429)
    blocks: list[Body] = [{"type": "text", "text": "".join(_TEXT.get(turn, ()))}]
    if turn == "call":
        blocks = [
            {"type": "thinking", "thinking": _THOUGHT, "signature": SIGNATURE},
            {"type": "tool_use", "id": "toolu_1", "name": "temperature", "input": _ARGUMENTS},
        ]
    reason = "tool_use" if turn == "call" else "end_turn"
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
    usage = {"input_tokens": 11, "output_tokens": 7}
    if not body.get("stream"):
        return _json({**message, "content": blocks, "stop_reason": reason, "usage": usage})
    started = {**message, "content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
    events: list[Body] = [{"type": "message_start", "message": started}]
    for index, block in enumerate(blocks):
        empty, deltas = _content_block(block, turn)
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    stopped = {"stop_reason": reason, "stop_sequence": None}
    return _events([*events, {"type": "message_delta", "delta": stopped, "usage": usage}, {"type": "message_stop"}])


def _content_block(block: Body, turn: Turn) -> tuple[Body, list[Body]]:
    """Return (a content block of Messages as it is opened, the deltas that fill it)."""
    if block["type"] == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if block["type"] == "tool_use":
        text = json.dumps(block["input"])
        pieces = [text[:5], text[5:]]
        return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in _TEXT[turn]]


def gemini(path: str, body: Body) -> Reply:
    """Answer as Gemini's generateContent, streamed as one JSON array, and batchEmbedContents."""
    if path.endswith("batchEmbedContents"):
        return _json({"embeddings": [{"values": _VECTOR} for _ in body["requests"]]})
    turn = _turn(body["contents"], '"function_response"')
    if turn == "refuse":
        return _json([{"error": {"code": 429, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}}], 429)
    parts: list[Body] = [{"text": piece} for piece in _TEXT.get(turn, ())]
    if turn == "call":
        call = {"functionCall": {"name": "temperature", "args": _ARGUMENTS}, "thoughtSignature": SIGNATURE}
        parts = [{"text": _THOUGHT, "thought": True}, call]
    usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
    shared = {"usageMetadata": usage, "modelVersion": "gemini-scripted"}
    return _json([{"candidates": [{"content": {"role": "model", "parts": [part]}}], **shared} for part in parts])


def chat(path: str, body: Body) -> Reply:
    """Answer as Chat Completions with its lists of models and its embeddings."""
    if path.endswith("/models"):
        return _json({"object": "list", "data": [{"id": "scripted", "object": "model", "created": 1, "owned_by": "x"}]})
    if path.endswith("/embeddings"):
        data = [{"object": "embedding", "index": index, "embedding": _VECTOR} for index, _ in enumerate(body["input"])]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        return _json({"id": "e1", "object": "list", "model": body["model"], "data": data, "usage": usage})
    turn = _turn(body["messages"], '"role": "tool"')
    if turn == "refuse":
        return _json({"error": {"message": "Slow down", "type": "rate_limit", "code": "rate_limit"}}, 429)
    function = {"name": "temperature", "arguments": json.dumps(_ARGUMENTS)}
    call = {"id": "call12345", "type": "function", "function": function}
    reason = "tool_calls" if turn == "call" else "stop"
    usage = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    shared = {"id": "c1", "created": 1, "model": body["model"]}
    if not body.get("stream"):
        message: Body = {"role": "assistant", "content": None if turn == "call" else "".join(_TEXT[turn])}
        message |= {"tool_calls": [call]} if turn == "call" else {}
        choice = {"index": 0, "message": message, "finish_reason": reason}
        return _json({**shared, "object": "chat.completion", "choices": [choice], "usage": usage})
    deltas: list[Body] = [{"content": piece} for piece in _TEXT.get(turn, ())]
    if turn == "call":
        deltas = [{"reasoning_content": _THOUGHT}, {"tool_calls": [{"index": 0, **call}]}]
    shared["object"] = "chat.completion.chunk"
    chunks = [{**shared, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    last = {**shared, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}], "usage": usage}
    return _events([*chunks, last | {"x_groq": {"id": "g1", "usage": usage}}], named=False, end="data: [DONE]\n\n")


def openrouter(path: str, body: Body) -> Reply:
    """Answer as the Responses API, with OpenRouter's list of models."""
    if path.endswith("/models"):
        able = {"supported_parameters": ["tools", "reasoning", "structured_outputs"]}
        return _json(
            {"data": [{"id": "maker/scripted", "architecture": {"input_modalities": ["text", "image"]}, **able}]}
        )
    turn = _turn(body["input"], '"function_call_output"')
    if turn == "refuse":
        return _json({"error": {"message": "Slow down", "code": 429}}, 429)
    items = _response_items(turn)
    usage: Body = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    usage |= {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    response = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": body["model"]}
    response |= {"output": items, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": usage}
    if not body.get("stream"):
        return _json(response)
    events: list[Body] = [{"type": "response.created", "response": response | {"output": [], "status": "in_progress"}}]
    for index, item in enumerate(items):
        events += [{"output_index": index, **event} for event in _response_events(item, turn)]
    events.append({"type": "response.completed", "response": response})
    return _events({**event, "sequence_number": number} for number, event in enumerate(events))


def _response_items(turn: Turn) -> list[Body]:
    if turn != "call":
        text = {"type": "output_text", "text": "".join(_TEXT[turn]), "annotations": []}
        return [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [text]}]
    thought = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": _THOUGHT}]}
    thought |= {"encrypted_content": SIGNATURE, "status": "completed"}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "temperature", "status": "completed"}
    return [thought, call | {"arguments": json.dumps(_ARGUMENTS)}]


def _response_events(item: Body, turn: Turn) -> Iterable[Body]:
    """Yield the events in which an output item of Responses arrives."""
    kind, named = item["type"], {"item_id": item["id"]}
    empty: dict[str, Body] = {
        "message": {"content": []},
        "reasoning": {"summary": []},
        "function_call": {"arguments": ""},
    }
    yield {"type": "response.output_item.added", "item": item | empty[kind]}
    if kind == "message":
        for piece in _TEXT[turn]:
            place = {"content_index": 0, "logprobs": []}
            yield {"type": "response.output_text.delta", **named, **place, "delta": piece}
    elif kind == "reasoning":
        yield {"type": "response.reasoning_summary_text.delta", **named, "summary_index": 0, "delta": _THOUGHT}
    else:
        yield {"type": "response.function_call_arguments.delta", **named, "delta": item["arguments"]}
    yield {"type": "response.output_item.done", "item": item}


def ollama(path: str, body: Body) -> Reply:
    """Answer as Ollama's native API."""
    if path == "/api/tags":
        names = ("scripted:latest", "letters:latest")
        return _json({"models": [{"name": name, "model": name, "digest": name, "size": 1} for name in names]})
    if path == "/api/show":
        able = ["embedding"] if body["model"].startswith("letters") else ["completion", "tools", "thinking", "vision"]
        return _json({"capabilities": able, "details": {}, "model_info": {}})
    if path == "/api/embed":
        return _json({"model": body["model"], "embeddings": [_VECTOR for _ in body["input"]]})
    turn = _turn(body["messages"], '"role": "tool"')
    if turn == "refuse":
        return _json({"error": "Slow down"}, 429)
    shared = {"model": "scripted", "created_at": "2026-01-01T00:00:00Z"}
    call = {"tool_calls": [{"function": {"name": "temperature", "arguments": _ARGUMENTS}}]}
    pieces: list[Body] = [{"content": piece} for piece in _TEXT.get(turn, ())]
    if turn == "call":
        pieces = [{"content": "", "thinking": _THOUGHT}, {"content": "", **call}]
    end = {"done": True, "done_reason": "stop", "prompt_eval_count": 11, "eval_count": 7}
    if not body.get("stream"):
        whole: Body = {"content": "".join(_TEXT.get(turn, ()))}
        whole |= {"thinking": _THOUGHT, **call} if turn == "call" else {}
        return _json({**shared, **end, "message": {"role": "assistant", **whole}})
    lines = [{**shared, "done": False, "message": {"role": "assistant", **piece}} for piece in pieces]
    lines.append({**shared, **end, "message": {"role": "assistant", "content": ""}})
    return Reply("".join(json.dumps(line) + "\n" for line in lines).encode(), "application/x-ndjson")


def github(path: str, _body: Body) -> Reply:
    """Answer as GitHub, with a template, an issue and a pull request."""
    template = b"prompt: Greet $input kindly\nsystem: You are $who\ndefaults:\n  who: a butler\n"
    issue = {"title": "Pelican", "user": {"login": "ann"}, "body": "It flew away"}
    known = {
        "/me/llm-templates/main/greet.yaml": Reply(template, "text/plain"),
        "/repos/me/birds/issues/7": _json(issue),
        "/repos/me/birds/issues/7/comments": _json([{"user": {"login": "bob"}, "body": "Where to?"}]),
        "/repos/me/birds/pulls/8": _json(issue | {"title": "Catch the pelican"}),
        "/repos/me/birds/pulls/8/comments": _json([]),
        "/repos/me/birds/pulls/8.diff": Reply(b"diff --git a/net b/net\n", "text/plain"),
    }
    return known.get(path, _json({"message": "Not Found"}, 404))


WIRES: dict[str, Wire] = {wire.__name__: wire for wire in (anthropic, gemini, chat, openrouter, ollama, github)}
