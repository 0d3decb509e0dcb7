"""Answers of Chat Completions, as its many hosts send them."""

from __future__ import annotations

from typing import Any

from tests.contract.replay.case import Case, json_body
from tests.fakes.openai_server import delta_chunk, sse, text_chunk, usage_chunk

__all__ = ["CASES"]

START = delta_chunk({"role": "assistant", "content": ""})
STOP, CALLS, LENGTH = (delta_chunk({}, reason) for reason in ("stop", "tool_calls", "length"))
READ_A, READ_B = ("read", {"x": "a"}), ("read", {"x": "b"})


def call(**fields: Any) -> dict[str, Any]:
    """Return a chunk with one delta of a tool call. `name` and `args` go into its function."""
    named = {ours: fields.pop(short) for short, ours in (("name", "name"), ("args", "arguments")) if short in fields}
    return delta_chunk({"tool_calls": [{**fields, "function": named}]})


def whole(message: Any, finish: str | None = "stop", **more: Any) -> bytes:
    choice = {"index": 0, "finish_reason": finish, **({} if message is None else {"message": message})}
    usage = {"prompt_tokens": 5, "completion_tokens": 2}
    return json_body(
        {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage} | more
    )


def said(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def bare(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a chunk with the least that a server sends."""
    return {"choices": [{"delta": delta, **({"finish_reason": finish} if finish else {})}], **more}


def choice(index: int, text: str, finish: str | None = None) -> dict[str, Any]:
    return {"id": "x", "model": "m", "choices": [{"index": index, "delta": {"content": text}, "finish_reason": finish}]}


def perplexity(piece: str, so_far: str, finish: str | None = None) -> dict[str, Any]:
    one = {"index": 0, "delta": said(piece), "message": said(so_far), "finish_reason": finish}
    return {"id": "p", "model": "sonar", "citations": ["https://a.example"], "choices": [one]}


TOOL_CALL = {"id": "a", "type": "function", "function": {"name": "read", "arguments": '{"x": "a"}'}}
FILTERED = {"hate": {"filtered": True, "severity": "high"}, "violence": {"filtered": False}}

TEXTS = (
    Case("openai", sse(START, text_chunk("Hel"), text_chunk("lo"), STOP, usage_chunk(5, 2)), "Hello", usage=(5, 2)),
    Case(
        "azure",
        sse({"choices": [], "id": "", "model": "", "prompt_filter_results": []}, START, text_chunk("Hello"), STOP),
        "Hello",
    ),
    Case(
        "perplexity",
        sse(perplexity("Hel", "Hel"), perplexity("lo", "Hello"), perplexity("", "Hello", "stop"), done=False),
        "Hello",
    ),
    Case("hugging face", sse(START, text_chunk("Hello"), delta_chunk({}), STOP, done=False), "Hello"),
    Case("usage after the end", sse(text_chunk("Hello"), STOP, usage_chunk(5, 2), done=False), "Hello", usage=(5, 2)),
    Case("zero usage at the end", sse(text_chunk("Hello"), STOP, usage_chunk(5, 2), usage_chunk(0, 0)), "Hello", usage=(5, 2)),
    Case("gpustack", sse(text_chunk("Hello"), STOP | {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}, done=False), "Hello", usage=(5, 2)),
    Case("no blank line at the end", sse(text_chunk("Hello"), STOP, done=False).rstrip(), "Hello"),
    Case("crlf", sse(text_chunk("Hello"), STOP).replace(b"\n", b"\r\n"), "Hello"),
    Case("byte order mark", b"\xef\xbb\xbf" + sse(text_chunk("Hello"), STOP), "Hello"),
    Case("openrouter's comments", b": OPENROUTER PROCESSING\n\n" + sse(text_chunk("Hello"), STOP), "Hello"),
    Case("least fields", sse(bare({"content": "Hello"}), bare({}, "stop"), done=False), "Hello"),
    Case("groq", sse(text_chunk("Hello"), STOP | {"x_groq": {"usage": {"prompt_tokens": 5, "completion_tokens": 2}}}), "Hello", usage=(5, 2)),
    Case(
        "vllm's running usage, then zeros",
        sse(
            text_chunk("Hel") | {"usage": {"prompt_tokens": 5, "completion_tokens": 1}},
            text_chunk("lo") | {"usage": {"prompt_tokens": 5, "completion_tokens": 2}},
            STOP,
            usage_chunk(0, 0),
        ),
        "Hello",
        usage=(5, 2),
    ),
    Case("cloudflare's numbers", sse(bare({"content": "2 + 2 = "}), bare({"content": 4}), bare({}, "stop")), "2 + 2 = 4"),
    Case("cloudflare's object", sse(bare({"content": {"name": "Oslo"}}), bare({}, "stop")), '{"name":"Oslo"}'),
    Case("together's word", sse(text_chunk("Hello"), delta_chunk({}, "eos")), "Hello"),
    Case("only a message", sse({"choices": [{"index": 0, "message": said("Hello"), "finish_reason": "stop"}]}), "Hello"),
    Case("several choices", sse(choice(0, "The cat"), choice(1, "A dog"), choice(0, " sat."), choice(1, " ran.", "stop"), choice(0, "", "stop")), "The cat sat."),
    Case("a stream nobody asked for", sse(text_chunk("Hello"), STOP), "Hello", stream=False),
    Case("a stream called JSON", sse(text_chunk("Hello"), STOP), "Hello", stream=False, content_type="application/json"),
    Case("a body for a stream", whole(said("Hello")), "Hello", content_type="application/json", usage=(5, 2)),
    Case("a body called a stream", whole(said("Hello")), "Hello", usage=(5, 2)),
)  # fmt: skip

THOUGHTS = (
    Case("deepseek", sse(bare({"reasoning_content": "Hm"}), bare({"content": "4"}), bare({}, "stop")), "4", "Hm"),
    Case(
        "openrouter",
        sse(
            bare({"reasoning": "H", "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "H"}]}),
            bare({"reasoning": "m", "reasoning_details": [{"type": "reasoning.text", "index": 0, "text": "m"}]}),
            bare({"content": "4"}, "stop", provider="Cerebras"),
        ),
        "4",
        "Hm",
    ),
    Case(
        "mistral",
        sse(
            bare({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
            bare({"content": [{"type": "text", "text": "4"}, {"type": "reference", "reference_ids": [1]}]}, "stop"),
        ),
        "4",
        "Hm",
    ),
    Case("both names", sse(bare({"reasoning": "Hm", "reasoning_content": "Hm"}), bare({"content": "4"}, "stop")), "4", "Hm"),
)  # fmt: skip

ASKED = "tool_calls"
CALLED = (
    Case("a call", sse(call(index=0, id="a", name="read", args=""), call(index=0, args='{"x": '), call(index=0, args='"a"}'), CALLS), calls=(READ_A,), finish=ASKED),
    Case("the id changes", sse(call(index=0, id="a", name="read", args=""), call(index=0, id="b", args='{"x":'), call(index=0, id="c", args='"a"}'), CALLS), calls=(READ_A,), finish=ASKED),
    Case("the index changes", sse(call(index=0, id="a", name="read", args=""), call(index=1, args='{"x":'), call(index=2, args='"a"}'), CALLS), calls=(READ_A,), finish=ASKED),
    Case("no index", sse(call(id="a", name="read", args='{"x": "a"}'), call(id="b", name="read", args='{"x": "b"}'), CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("no index, in pieces", sse(call(id="a", name="read"), call(args='{"x": "a"}'), call(id="b", name="read"), call(args='{"x": "b"}'), CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("one index", sse(call(index=0, id="a", name="read", args='{"x": "a"}'), call(index=0, id="b", name="read", args='{"x": "b"}'), CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("one id", sse(call(index=0, id="a", name="read", args='{"x": "a"}'), call(index=1, id="a", name="read", args='{"x": "b"}'), CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("one index and one id", sse(call(index=0, id="a", name="read", args='{"x": "a"}'), call(index=0, id="a", name="read", args='{"x": "b"}'), CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("the name repeated", sse(call(index=0, id="a", name="read", args=""), call(index=0, id="a", name="read", args='{"x":'), call(index=0, id="a", name="read", args='"a"}'), CALLS), calls=(READ_A,), finish=ASKED),
    Case("all of it once more at the end", sse(call(index=0, id="a", name="read", args=""), call(index=0, args='{"x": "a"}'), call(index=0, id="a", name="read", args='{"x": "a"}'), CALLS), calls=(READ_A,), finish=ASKED),
    Case("interleaved", sse(call(index=0, id="a", name="read"), call(index=1, id="b", name="read"), call(index=1, args='{"x": "b"}'), call(index=0, args='{"x": "a"}'), CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("later pieces at index 0", sse(call(index=0, id="a", name="read", args='{"x": "a"}'), call(index=1, id="b", name="read"), call(index=0, args='{"x": "b"}'), CALLS), calls=(READ_A, READ_B), finish=ASKED),
    Case("the id before the name", sse(call(index=0, id="a"), call(index=0, name="read", args='{"x": "a"}'), CALLS), calls=(READ_A,), finish=ASKED),
    Case("arguments as an object", sse(call(index=0, id="a", name="read", args={"x": "a"}), CALLS), calls=(READ_A,), finish=ASKED),
    Case("stop for a call, no end", sse(call(index=0, id="a", name="read", args='{"x": "a"}'), STOP, done=False), calls=(READ_A,), finish=ASKED),
    Case("null arguments", sse(call(index=0, id="a", name="now", args=None), CALLS), calls=(("now", {}),), finish=ASKED),
    Case("a call without a name", sse(call(index=0, id="a", args='{"x": "a"}'), CALLS), finish=ASKED, error="without a name", incomplete=True),
    Case("a call cut by the limit", sse(text_chunk("So"), call(index=0, id="a", name="read", args='{"x": '), LENGTH), "So", finish="length", error="raise max_tokens", incomplete=True),
)  # fmt: skip

ENDED = (
    Case("length", sse(text_chunk("Half an"), LENGTH), "Half an", finish="length"),
    Case("mistral's length", sse(text_chunk("Half an"), delta_chunk({}, "model_length")), "Half an", finish="length"),
    Case("refusal", sse(delta_chunk({"refusal": "I cannot."}), STOP), "I cannot.", finish="content_filter"),
    Case("content filter", sse(text_chunk("Half"), delta_chunk({}, "content_filter")), "Half", finish="content_filter", error="filter"),
    Case("openrouter's error", sse(text_chunk("Half"), {"choices": [{"delta": {}, "finish_reason": "error", "error": {"message": "Upstream"}}]}), "Half", finish="error", error="Upstream"),
    Case("deepseek's capacity", sse(text_chunk("Half"), delta_chunk({}, "insufficient_system_resource")), "Half", finish="error", error="insufficient_system_resource"),
    Case("vllm's error", sse(text_chunk("Half"), {"object": "error", "message": "Out of memory", "code": 500}), "Half", finish=None, error="Out of memory"),
    Case("no end", sse(text_chunk("Half"), done=False), "Half", finish=None, error="broke off", incomplete=True),
    Case("more after the finish reason", sse(text_chunk("Half"), STOP, text_chunk(" of"), done=False), "Half of", error="broke off", incomplete=True),
)  # fmt: skip

AT_ONCE: dict[str, Any] = {"stream": False, "content_type": "application/json"}
WHOLE = (
    Case("whole", whole(said("Hello")), "Hello", usage=(5, 2), **AT_ONCE),
    Case(
        "perplexity, whole",
        json_body({"choices": [{"index": 0, "message": said("Hello"), "delta": said(""), "finish_reason": "stop"}]}),
        "Hello",
        **AT_ONCE,
    ),
    Case("only a delta, whole", json_body({"choices": [{"delta": said("Hello"), "finish_reason": "stop"}]}), "Hello", **AT_ONCE),
    Case("mistral, whole", whole(said([{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "4"}])), "4", "Hm", **AT_ONCE),
    Case("cloudflare, whole", whole(said({"name": "Oslo"})), '{"name":"Oslo"}', **AT_ONCE),
    Case("cloudflare's list, whole", whole(said([{"name": "Oslo"}])), '[{"name":"Oslo"}]', **AT_ONCE),
    Case("deepseek, whole", whole(said("4", reasoning_content="Hm")), "4", "Hm", **AT_ONCE),
    Case("a call, whole", whole(said(None, tool_calls=[TOOL_CALL]), "tool_calls"), calls=(READ_A,), finish=ASKED, **AT_ONCE),
    Case("one id, whole", whole(said(None, tool_calls=[TOOL_CALL, TOOL_CALL]), "tool_calls"), calls=(READ_A, READ_A), finish=ASKED, **AT_ONCE),
    Case("several choices, whole", json_body({"choices": [{"index": 1, "message": said("No")}, {"index": 0, "message": said("Hello"), "finish_reason": "stop"}]}), "Hello", **AT_ONCE),
    Case("length, whole", whole(said("Half an"), "length"), "Half an", finish="length", **AT_ONCE),
    Case("refusal, whole", whole(said(None, refusal="I cannot.")), "I cannot.", finish="content_filter", **AT_ONCE),
    Case("azure's filter, whole", json_body({"choices": [{"index": 0, "finish_reason": "content_filter", "content_filter_results": FILTERED}]}), finish="content_filter", error=r"\(content_filter: hate\)", **AT_ONCE),
    Case("content filter, whole", whole(said("Half"), "content_filter"), "Half", finish="content_filter", error="filter", **AT_ONCE),
)  # fmt: skip

CASES = [*TEXTS, *THOUGHTS, *CALLED, *ENDED, *WHOLE]
