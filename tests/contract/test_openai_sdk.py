"""The official SDK and this package read the same text, calls and usage from the same bytes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import openai
import pytest

import llm_notebook as llm
from tests.contract.scripted import population
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, calls_reply, text_reply
from tests.fakes.responses import call_item, message_item, reasoning_item, response_reply
from tests.peers.aimock import AIMock
from tests.peers.llama_server import LlamaServer

CLASSES = {"chat": "OpenAIChat", "responses": "OpenAIResponses"}


@dataclass(slots=True)
class Seen:
    """What a client reads from an answer."""

    text: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    usage: tuple[int | None, int | None] = (None, None)


def seen_by_the_sdk(
    wire: str, base_url: str, prompt: str, *, stream: bool, headers: dict[str, str], **options: Any
) -> Seen:
    """Return the answer as the official SDK reads it."""
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0, default_headers=headers) as client:
        if wire == "chat":
            return _chat(client, prompt, stream, options)
        request = {"model": "smollm2", "input": prompt, "store": False, **options}
        if not stream:
            return _seen_in(client.responses.create(**request))
        last = list(client.responses.create(stream=True, **request))[-1]
        assert last.type == "response.completed"
        return _seen_in(last.response)


def _seen_in(response: Any) -> Seen:
    calls = [
        (item.name, item.call_id, json.loads(item.arguments))
        for item in response.output
        if item.type == "function_call"
    ]
    usage = (response.usage.input_tokens, response.usage.output_tokens) if response.usage else (None, None)
    return Seen(response.output_text, calls, usage)


def _chat(client: openai.OpenAI, prompt: str, stream: bool, options: dict[str, Any]) -> Seen:
    request: dict[str, Any] = {"model": "smollm2", "messages": [{"role": "user", "content": prompt}], **options}
    if not stream:
        whole = client.chat.completions.create(**request)
        message = whole.choices[0].message
        asked: list[Any] = message.tool_calls or []
        calls = [(call.function.name, call.id, json.loads(call.function.arguments)) for call in asked]
        assert whole.usage is not None
        return Seen(message.content or "", calls, (whole.usage.prompt_tokens, whole.usage.completion_tokens))
    seen = Seen()
    pieces: dict[int, list[str]] = {}
    for chunk in client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **request):
        for choice in chunk.choices:
            seen.text += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                kept = pieces.setdefault(call.index, ["", "", ""])
                kept[0] += (call.function and call.function.name) or ""
                kept[1] += call.id or ""
                kept[2] += (call.function and call.function.arguments) or ""
        if chunk.usage is not None:
            seen.usage = (chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
    seen.calls = [(name, call_id, json.loads(arguments)) for name, call_id, arguments in pieces.values()]
    return seen


def seen_here(
    face: Face, wire: str, base_url: str, prompt: str, *, stream: bool, headers: dict[str, str], **asked: Any
) -> Seen:
    """Return the same answer as our model reads it."""
    model = face.of(CLASSES[wire], base_url, "smollm2", headers=headers, max_retries=0)
    response = model.prompt(prompt, stream=stream, **asked)
    calls = [(call.name, call.tool_call_id, call.arguments) for call in face.do(response.tool_calls())]
    usage = face.do(response.usage())
    return Seen(face.text(response), calls, (usage.input, usage.output))


def chat_replies(stream: bool) -> list[Reply]:
    if stream:
        return [
            text_reply("Fünf ", "🦤s\n"),
            calls_reply([("f", '{"x":1}', "call_a"), ("g", "{}", "call_b")], text="Look."),
        ]
    call = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
    message = {"role": "assistant", "content": "Fünf 🦤s\n", "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": None}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return [Reply.of_json(body)]


def responses_replies(stream: bool) -> list[Reply]:
    items = [
        reasoning_item("Hm."),
        message_item("Fünf 🦤s\n"),
        call_item("call_a", "f", '{"x": 1}'),
        call_item("call_b", "g", "{}"),
    ]
    return [response_reply(*items, stream=stream), response_reply(message_item("Oslo"), stream=stream)]


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("wire", "replies"), [("chat", chat_replies), ("responses", responses_replies)], ids=list(CLASSES)
)
def test_the_same_bytes_mean_the_same(
    face: Face, openai_server: OpenAIServer, wire: str, replies: Any, stream: bool
) -> None:
    for reply in replies(stream):
        openai_server.play(reply, reply)
        asked: Any = (wire, openai_server.base_url, "Hi")
        expected = seen_by_the_sdk(*asked, stream=stream, headers={})
        assert seen_here(face, *asked, stream=stream, headers={}) == expected
        assert expected.text


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("wire", CLASSES)
@pytest.mark.parametrize("prompt", ["Greet me over any wire", "Count over any wire"])
def test_a_scripted_server_means_the_same(
    face: Face, aimock_server: AIMock, wire: str, prompt: str, stream: bool, request: pytest.FixtureRequest
) -> None:
    asked: Any = (wire, aimock_server.base_url, prompt)
    expected = seen_by_the_sdk(*asked, stream=stream, headers={"x-test-id": f"{request.node.nodeid} sdk"})
    found = seen_here(face, *asked, stream=stream, headers={"x-test-id": request.node.nodeid}, tools=[population])
    assert (found.text, found.calls) == (expected.text, expected.calls)
    assert found.text or found.calls


@pytest.mark.model
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("wire", CLASSES)
def test_a_real_model_says_the_same(face: Face, llama_server: LlamaServer, wire: str, stream: bool) -> None:
    asked: Any = (wire, llama_server.base_url, "Name three birds.")
    limit = {"chat": "max_tokens", "responses": "max_output_tokens"}[wire]
    expected = seen_by_the_sdk(*asked, stream=stream, headers={}, temperature=0, **{limit: 24})
    found = seen_here(face, *asked, stream=stream, headers={}, temperature=0, max_tokens=24)
    assert found == expected
    assert found.text
    assert found.usage[1] is not None


def test_errors_carry_what_the_sdk_reads_from_them(face: Face, openai_server: OpenAIServer) -> None:
    refusal = Reply.of_json(
        {"error": {"message": "No such model", "type": "invalid_request_error", "code": "model_not_found"}},
        404,
        {"x-request-id": "req_1"},
    )
    openai_server.play(refusal, refusal)
    with pytest.raises(openai.NotFoundError) as theirs:
        seen_by_the_sdk("responses", openai_server.base_url, "Hi", stream=True, headers={})
    ours = face.error_of(face.of("OpenAIResponses", openai_server.base_url))
    assert isinstance(ours, llm.ProviderError)
    assert (ours.status, ours.code, ours.request_id) == (404, theirs.value.code, theirs.value.request_id)
