"""Answers of Google's Gemini API, in the shapes that its documentation shows; the API itself costs money."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.openai_server import Reply

__all__ = ["TRANSCRIPTS", "WHOLE", "call_answer", "chunk", "sse", "text_answer"]


def chunk(*parts: dict[str, Any], reason: str | None = None, usage: Any = None, **candidate: Any) -> dict[str, Any]:
    """Return one chunk of a stream, which has the shape of a whole answer."""
    found: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}} if parts else {}
    found |= {"finishReason": reason} if reason else {}
    counts = {"promptTokenCount": 8, "totalTokenCount": 8} | (usage or {})
    return {
        "candidates": [{**found, "index": 0, **candidate}],
        "usageMetadata": counts,
        "modelVersion": "gemini-2.5-flash",
        "responseId": "resp_1",
    }


def sse(*chunks: Any) -> bytes:
    """Return chunks as unnamed server-sent events. Google's lines end in CRLF."""
    return "".join(f"data: {json.dumps(one, ensure_ascii=False)}\r\n\r\n" for one in chunks).encode()


def text_answer(text: str = "ok") -> Reply:
    """Return a reply with this text."""
    return Reply([sse(chunk({"text": text}, reason="STOP"))])


def call_answer(name: str, args: dict[str, Any], **call: Any) -> Reply:
    """Return a reply with one tool call."""
    part = {"functionCall": {"name": name, "args": args, **call}, "thoughtSignature": "CsYB"}
    return Reply([sse(chunk(part, reason="STOP"))])


END = {"candidatesTokenCount": 5, "totalTokenCount": 13}
THOUGHTS = {"thoughtsTokenCount": 20, "cachedContentTokenCount": 4, "candidatesTokenCount": 5, "totalTokenCount": 33}
GROUNDED = {"webSearchQueries": ["pelican"], "groundingChunks": [{"web": {"uri": "https://example.org"}}]}
WEATHER = {"functionCall": {"name": "weather", "args": {"city": "Zürich"}}, "thoughtSignature": "CsYB"}

TRANSCRIPTS = {
    "text": sse(
        chunk({"text": "Fünf "}), chunk({"text": "🦤s\n"}), chunk({"text": '"quoted"'}, reason="STOP", usage=END)
    ),
    "reasoning and calls": sse(
        chunk({"text": "Let me ", "thought": True}),
        chunk({"text": "think.", "thought": True}),
        chunk({"text": "I look."}),
        chunk(WEATHER, {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}}),
        chunk({"functionCall": {"id": "fc_9", "name": "now", "args": {}}}),
        chunk({"text": ""}, reason="STOP", usage=THOUGHTS),
    ),
    "signed text": sse(
        chunk({"text": "One "}),
        chunk({"text": "two."}),
        chunk({"text": "", "thoughtSignature": "EjQK"}, reason="STOP", usage=END),
    ),
    "signature in between": sse(
        chunk({"text": "a"}), chunk({"text": "b", "thoughtSignature": "EjQK"}), chunk({"text": "c"}, reason="STOP")
    ),
    "code": sse(
        chunk({"text": "I count."}),
        chunk({"executableCode": {"language": "PYTHON", "code": "print(2+2)"}}),
        chunk({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4\n"}}),
        chunk({"text": "Four."}, reason="STOP", usage={"toolUsePromptTokenCount": 30, "candidatesTokenCount": 5}),
    ),
    "searched": sse(
        chunk({"toolCall": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["pelican"]}}}),
        chunk({"toolResponse": {"id": "t1", "toolType": "GOOGLE_SEARCH_WEB", "response": {"found": 1}}}),
        chunk({"text": "A bird."}),
        chunk(reason="STOP", usage=END, groundingMetadata=GROUNDED),
    ),
    "limit": sse(chunk({"text": "Once upon"}, reason="MAX_TOKENS")),
    "blocked, an error": sse(
        {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 8},
            "modelVersion": "gemini-2.5-flash",
        }
    ),
    "stopped, an error": sse(chunk({"text": "Hello"}), chunk({"text": "!"}, reason="SAFETY", finishMessage="Unsafe.")),
    "error in the stream": sse(
        chunk({"text": "Hello"}), {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
    ),
}

WHOLE = {
    "candidates": [
        {
            "content": {"parts": [{"text": "Hm.", "thought": True}, {"text": "Sure 🦤"}, WEATHER], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
        }
    ],
    "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 2, "totalTokenCount": 15},
    "modelVersion": "gemini-2.5-flash",
    "responseId": "resp_2",
}
