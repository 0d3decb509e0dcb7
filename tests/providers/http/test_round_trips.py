"""Round trips over Messages and generateContent: any answer, in any pieces, is sent back as the model sent it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import hypothesis.strategies as st
from hypothesis import given

import llm_notebook as llm
from llm_notebook.providers.anthropic.answers import MessagesDecoder
from llm_notebook.providers.anthropic.requests import message_blocks
from llm_notebook.providers.gemini.answers import GenerateContentDecoder
from llm_notebook.providers.gemini.requests import content_parts
from llm_notebook.turns.assembly import Assembler
from tests.fakes import anthropic_answers as anthropic
from tests.fakes import gemini_answers as gemini

TEXTS = st.text(min_size=1, max_size=12).filter(lambda text: not text.isspace())
SIGNATURES = st.from_regex(r"[A-Za-z0-9+/]{4,12}=?", fullmatch=True)
NAMES = st.sampled_from(["weather", "now", "wipe"])
ARGUMENTS = st.dictionaries(st.text(max_size=4), st.none() | st.integers() | st.text(max_size=6), max_size=3)


@st.composite
def cuts(draw: st.DrawFn, whole: Any) -> list[Any]:
    """Generate ways to cut a text or bytes into pieces."""
    at = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    return [whole[begin:end] for begin, end in zip([0, *at], [*at, len(whole)], strict=True)]


def said(decoder: Any, pieces: list[bytes]) -> llm.Message:
    assembler = Assembler()
    for item in [item for piece in pieces for item in decoder.feed(piece)] + decoder.close():
        assembler.feed(llm.StreamEvent("text", item) if isinstance(item, str) else item)
    [message] = assembler.messages()
    # A journal must give back the same messages.
    return llm.Message.from_dict(json.loads(json.dumps(message.to_dict())))


def messages_content(draw: st.DrawFn) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["text", "thinking", "redacted_thinking", "tool_use", "web_search"]))
        if kind == "text":
            content.append({"type": kind, "text": draw(TEXTS)})
        elif kind == "thinking":
            content.append({"type": kind, "thinking": draw(st.text(max_size=9)), "signature": draw(SIGNATURES)})
        elif kind == "redacted_thinking":
            content.append({"type": kind, "data": draw(SIGNATURES)})
        elif kind == "tool_use":
            called = {"name": draw(NAMES), "input": draw(ARGUMENTS)}
            content.append({"type": kind, "id": f"toolu_{number}", **called})
        else:
            asked = {"name": kind, "input": {"query": draw(TEXTS)}}
            found = {"content": [{"type": "web_search_result", "url": "u", "encrypted_content": draw(SIGNATURES)}]}
            content.append({"type": "server_tool_use", "id": f"srvtoolu_{number}", **asked})
            content.append({"type": "web_search_tool_result", "tool_use_id": f"srvtoolu_{number}", **found})
    return content


def messages_events(draw: st.DrawFn, index: int, block: dict[str, Any]) -> list[dict[str, Any]]:
    kind = block["type"]
    if kind == "text":
        return anthropic.text_block(index, *draw(cuts(block["text"])))
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in draw(cuts(block["thinking"]))]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return anthropic.block(index, {**block, "thinking": "", "signature": ""}, *deltas, signed)
    if kind in ("tool_use", "server_tool_use"):
        text = json.dumps(block["input"]) if block["input"] else ""
        return anthropic.call_block(index, block["id"], block["name"], *draw(cuts(text)), kind=kind)
    return anthropic.block(index, block)


@given(st.data())
def test_messages_go_back_as_they_came(data: st.DataObject) -> None:
    content = data.draw(st.composite(messages_content)())
    draw = data.draw
    stream = anthropic.answer(*(messages_events(draw, index, block) for index, block in enumerate(content)))
    message = said(MessagesDecoder("m", "claude-1"), data.draw(cuts(stream)))
    assert message_blocks(message, "claude-1") == content
    assert message_blocks(said(MessagesDecoder("m", "claude-1", stream=False), [whole(content)]), "claude-1") == content


def whole(content: list[dict[str, Any]]) -> bytes:
    return json.dumps({"type": "message", "content": content, "stop_reason": "end_turn"}).encode()


def gemini_part(draw: st.DrawFn) -> list[dict[str, Any]]:
    signed = {"thoughtSignature": draw(SIGNATURES)} if draw(st.booleans()) else {}
    kind = draw(st.sampled_from(["text", "thought", "call", "code"]))
    if kind == "text":
        return [{"text": draw(TEXTS), **signed}]
    if kind == "thought":
        return [{"text": draw(TEXTS), "thought": True, **signed}]
    if kind == "call":
        given_id = {"id": draw(NAMES)} if draw(st.booleans()) else {}
        return [{"functionCall": {**given_id, "name": draw(NAMES), "args": draw(ARGUMENTS)}, **signed}]
    return [
        {"executableCode": {"language": "PYTHON", "code": draw(TEXTS)}, **signed},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": draw(TEXTS)}},
    ]


def as_sent_back(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parts that are sent back.

    Adjacent unsigned texts of a kind are joined, unsigned reasoning is left out, and a call with the id of an earlier one has another.
    """
    parts, joined = told_apart(parts), list[dict[str, Any]]()
    for part in parts:
        before = joined[-1] if joined else {}
        plain = [set(one) <= {"text", "thought"} and "text" in one for one in (before, part)]
        if all(plain) and before.get("thought") == part.get("thought"):
            joined[-1] = {**before, "text": before["text"] + part["text"]}
        else:
            joined.append(part)
    return [part for part in joined if not (part.get("thought") and "thoughtSignature" not in part)]


def told_apart(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    seen: Counter[str] = Counter()
    apart = []
    for part in parts:
        call = part.get("functionCall", {})
        if "id" in call:
            seen[call["id"]] += 1
        is_again = "id" in call and seen[call["id"]] > 1
        apart.append(part | {"functionCall": call | {"id": f"{call['id']}-{seen[call['id']]}"}} if is_again else part)
    return apart


@given(st.data())
def test_gemini_parts_go_back_as_they_came(data: st.DataObject) -> None:
    parts = [part for some in data.draw(st.lists(st.composite(gemini_part)(), min_size=1, max_size=6)) for part in some]
    stream = gemini.sse(*map(gemini.chunk, parts), gemini.chunk(reason="STOP"))
    message = said(GenerateContentDecoder("m"), data.draw(cuts(stream)))
    assert content_parts(message) == as_sent_back(parts)
