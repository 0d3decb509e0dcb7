"""Answers of Gemini's generateContent, as Google and its imitators send them."""

from __future__ import annotations

from typing import Any

from tests.contract.replay.case import Case, json_body
from tests.fakes.gemini_answers import chunk, sse

__all__ = ["CASES"]

READ_A, READ_B = ("read", {"x": "a"}), ("read", {"x": "b"})
ASKED = "tool_calls"
STOP = chunk(reason="STOP")


def called(x: str, **more: Any) -> dict[str, Any]:
    return {"functionCall": {"name": "read", "args": {"x": x}, **more}}


def pieces(*given: Any, name: str | None = None, goes_on: bool = True) -> dict[str, Any]:
    """Return a part with pieces of arguments: (path, value, whether more of it follows)."""
    kinds = {str: "stringValue", bool: "boolValue", int: "numberValue", type(None): "nullValue"}
    args = [
        {"jsonPath": path, kinds[type(value)]: value, **({"willContinue": True} if more else {})}
        for path, value, more in given
    ]
    call = {**({"name": name} if name else {}), **({"partialArgs": args} if args else {})}
    return {"functionCall": call | ({"willContinue": True} if goes_on else {})}


IN_PIECES = (
    pieces(name="read"),
    pieces(("$.x", "Bos", True)),
    pieces(("$.x", "ton", False)),
    pieces(("$.deep.list[0].n", 1, False), ("$.deep.list[1]['a b']", True, False), ("$.none", None, False)),
    pieces(goes_on=False),
)
NESTED = {"x": "Boston", "deep": {"list": [{"n": 1}, {"a b": True}]}, "none": None}
USED = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
LISTED = json_body([chunk({"text": "Hel"}), chunk({"text": "lo"}), STOP])
TWO = [{"index": 1, "content": {"parts": [{"text": "No"}]}}, {"index": 0, "content": {"parts": [{"text": "Hello"}]}, "finishReason": "STOP"}]  # fmt: skip

STREAMED = (
    Case("text", sse(chunk({"text": "Hel"}), chunk({"text": "lo"}, reason="STOP", usage=USED)), "Hello", usage=(5, 2)),
    Case("the end in an event of its own", sse(chunk({"text": "Hello"}), STOP), "Hello"),
    Case("zero usage at the end", sse(chunk({"text": "Hello"}, usage=USED), chunk(reason="STOP", usage={"promptTokenCount": 0})), "Hello", usage=(5, 2)),
    Case("one JSON list", LISTED, "Hello", content_type="application/json"),
    Case("one JSON list, called a stream", LISTED, "Hello"),
    Case("one pretty JSON list", LISTED.replace(b"}, {", b"}\n,\r\n{").replace(b"[", b"[ \n"), "Hello", content_type="application/json"),
    Case("thinking", sse(chunk({"text": "Hm", "thought": True}), chunk({"text": "4"}, reason="STOP")), "4", "Hm"),
    Case("calls", sse(chunk(called("a"), called("b")), STOP), calls=(READ_A, READ_B), finish=ASKED),
    Case("one id", sse(chunk(called("a", id="1"), called("b", id="1")), STOP), calls=(READ_A, READ_B), finish=ASKED),
    Case("aimock's word", sse(chunk(called("a"), reason="FUNCTION_CALL")), calls=(READ_A,), finish=ASKED),
    Case("arguments in pieces", sse(*map(chunk, IN_PIECES), STOP), calls=(("read", NESTED),), finish=ASKED),
    Case("two calls in pieces", sse(chunk(pieces(("$.x", "a", False), name="read")), chunk(pieces(("$.x", "b", False), name="read", goes_on=False)), STOP), calls=(READ_A, READ_B), finish=ASKED),
    Case("a call whose pieces stop", sse(*map(chunk, IN_PIECES[:-1]), STOP), finish=ASKED, error="middle of a tool call", incomplete=True),
    Case("a call cut by the limit", sse(chunk({"functionCall": {"name": "read", "args": '{"x": '}}, reason="MAX_TOKENS")), finish="length", error="raise max_tokens", incomplete=True),
    Case("several candidates", sse({"candidates": TWO}), "Hello"),
    Case("length", sse(chunk({"text": "Half an"}, reason="MAX_TOKENS")), "Half an", finish="length"),
    Case("safety", sse(chunk({"text": "Half"}), chunk(reason="SAFETY")), "Half", finish="content_filter", error="SAFETY"),
    Case("a malformed call", sse(chunk({"text": "Half"}), chunk(reason="MALFORMED_FUNCTION_CALL")), "Half", finish="error", error="MALFORMED"),
    Case("a new reason", sse(chunk({"text": "Half"}), chunk(reason="NEW_REASON")), "Half", finish="error", error="NEW_REASON"),
    Case("a blocked prompt", sse({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}), finish="content_filter", error="blocked"),
    Case("no end", sse(chunk({"text": "Half"})), "Half", finish=None, error="broke off", incomplete=True),
    Case("a list without its end", LISTED[:-1], "Hello", finish=None, error="broke off", incomplete=True),
    Case("a stream nobody asked for", sse(chunk({"text": "Hello"}), STOP), "Hello", stream=False),
    Case("a body for a stream", json_body(chunk({"text": "Hello"}, reason="STOP")), "Hello", content_type="application/json"),
)  # fmt: skip

AT_ONCE: dict[str, Any] = {"stream": False, "content_type": "application/json"}
WHOLE = (
    Case("whole", json_body(chunk({"text": "Hello"}, reason="STOP", usage=USED)), "Hello", usage=(5, 2), **AT_ONCE),
    Case("calls, whole", json_body(chunk(called("a", id="1"), called("b", id="1"), reason="STOP")), calls=(READ_A, READ_B), finish=ASKED, **AT_ONCE),
    Case("length, whole", json_body(chunk({"text": "Half an"}, reason="MAX_TOKENS")), "Half an", finish="length", **AT_ONCE),
    Case("safety, whole", json_body(chunk({"text": "Half"}, reason="SAFETY")), "Half", finish="content_filter", error="SAFETY", **AT_ONCE),
    Case("a list, whole", LISTED, "Hello", **AT_ONCE),
)  # fmt: skip

CASES = [*STREAMED, *WHOLE]
