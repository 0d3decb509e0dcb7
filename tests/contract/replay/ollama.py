"""Answers of Ollama's chat, as it and its imitators send them."""

from __future__ import annotations

import json
from typing import Any

from tests.contract.replay.case import Case, json_body

__all__ = ["CASES"]

READ_A, READ_B = ("read", {"x": "a"}), ("read", {"x": "b"})
ASKED = "tool_calls"


def lines(*sent: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps({'model': 'm', **line}, ensure_ascii=False)}\n" for line in sent).encode()


def said(content: str = "", done: bool = False, reason: str | None = None, **more: Any) -> dict[str, Any]:
    line = {"message": {"role": "assistant", "content": content, **more}, "done": done}
    return line | ({"done_reason": reason} if reason else {})


def called(x: Any, **more: Any) -> dict[str, Any]:
    return {"function": {"name": "read", "arguments": x}, **more}


STOP = said(done=True, reason="stop") | {"prompt_eval_count": 5, "eval_count": 2}
BY_LINE: dict[str, Any] = {"content_type": "application/x-ndjson"}
STREAMED = (
    Case("text", lines(said("Hel"), said("lo"), STOP), "Hello", usage=(5, 2), **BY_LINE),
    Case("called JSON", lines(said("Hel"), said("lo"), STOP), "Hello", content_type="application/json"),
    Case("no reason", lines(said("Hello"), said(done=True)), "Hello", **BY_LINE),
    Case("no newline at the end", lines(said("Hello"), STOP).rstrip(), "Hello", **BY_LINE),
    Case("thinking", lines(said(thinking="Hm"), said("4"), STOP), "4", "Hm", **BY_LINE),
    Case("calls", lines(said(tool_calls=[called({"x": "a"}), called({"x": "b"})]), STOP), calls=(READ_A, READ_B), finish=ASKED, **BY_LINE),
    Case("one id", lines(said(tool_calls=[called({"x": "a"}, id="1")]), said(tool_calls=[called({"x": "b"}, id="1")]), STOP), calls=(READ_A, READ_B), finish=ASKED, **BY_LINE),
    Case("arguments as text", lines(said(tool_calls=[called('{"x": "a"}')]), STOP), calls=(READ_A,), finish=ASKED, **BY_LINE),
    Case("a call cut by the limit", lines(said(tool_calls=[called('{"x": ')]), said(done=True, reason="length")), finish="length", error="raise max_tokens", incomplete=True, **BY_LINE),
    Case("length", lines(said("Half an"), said(done=True, reason="length")), "Half an", finish="length", **BY_LINE),
    Case("an error", lines(said("Half"), {"error": "out of memory"}), "Half", finish=None, error="out of memory", **BY_LINE),
    Case("no end", lines(said("Half")), "Half", finish=None, error="broke off", incomplete=True, **BY_LINE),
    Case("lines nobody asked for", lines(said("Hel"), said("lo"), STOP), "Hello", usage=(5, 2), stream=False, **BY_LINE),
)  # fmt: skip

AT_ONCE: dict[str, Any] = {"stream": False, "content_type": "application/json"}
WHOLE = (
    Case("whole", json_body(said("Hello", done=True, reason="stop")), "Hello", **AT_ONCE),
    Case("whole, printed over lines", json.dumps(said("Hello", done=True), indent=2).encode(), "Hello", **AT_ONCE),
    Case("calls, whole", json_body(said(done=True, tool_calls=[called({"x": "a"})])), calls=(READ_A,), finish=ASKED, **AT_ONCE),
    Case("length, whole", json_body(said("Half an", done=True, reason="length")), "Half an", finish="length", **AT_ONCE),
    Case("not done, whole", json_body(said("Half")), "Half", finish=None, error="not done", incomplete=True, **AT_ONCE),
)  # fmt: skip

CASES = [*STREAMED, *WHOLE]
