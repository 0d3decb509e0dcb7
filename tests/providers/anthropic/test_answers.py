"""The answers of Messages: they decode to the same however their bytes are split, and a cut answer never passes for a complete one."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.anthropic.answers import MessagesDecoder
from tests.fakes.anthropic_answers import (
    FOUND,
    OVERLOADED,
    TRANSCRIPTS,
    WHOLE,
    answer,
    block,
    call_block,
    end,
    events,
    start,
    text_block,
)
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, OpenAIServer, Reply
from tests.providers import outcomes

COMPLETE = [name for name in TRANSCRIPTS if "error" not in name]


def outcome(*pieces: bytes, stream: bool = True) -> dict[str, Any]:
    return outcomes.outcome(MessagesDecoder("claude-test", "claude-1", stream=stream), *pieces)


def parts(transcript: bytes) -> list[Any]:
    found: list[Any] = outcome(transcript)["parts"]
    return found


def claude(face: Face, server: OpenAIServer, **arguments: Any) -> Any:
    return face.of("AnthropicMessages", server.base_url, "claude-test", max_retries=0, **arguments)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_any_split_gives_the_same_as_the_whole(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    whole = outcome(transcript)
    assert whole["parts"]
    for cut in range(len(transcript)):
        assert outcome(transcript[:cut], transcript[cut:]) == whole
    assert outcome(*(transcript[at : at + 1] for at in range(len(transcript)))) == whole


@pytest.mark.parametrize("name", COMPLETE)
def test_a_cut_before_the_stop_reason_never_passes_for_complete(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    told = transcript.index(b'"stop_reason": "')
    told += len(transcript[told:].splitlines()[0])
    for cut in range(told):
        seen = outcome(transcript[:cut])
        assert seen["error"] is not None
        assert seen["error"][0] == "IncompleteResponse"
        assert not [part for part in seen["parts"] if is_ours(part)]
    # A server that leaves out message_stop ends the body cleanly after the reason.
    for cut in (told, told + 2, len(transcript.rstrip()), len(transcript)):
        assert outcome(transcript[:cut])["error"] is None
        assert outcome(transcript[:cut])["parts"] == outcome(transcript)["parts"]


def is_ours(part: Any) -> bool:
    return part["type"] == "tool_call" and not part.get("server_executed")


def test_a_cut_answer_raises_with_the_part_that_arrived_and_no_call_surfaces(
    face: Face, openai_server: OpenAIServer
) -> None:
    transcript = TRANSCRIPTS["reasoning and a call"]
    cuts = [*range(0, len(transcript) - 60, 211), len(transcript) - 30]
    for ends in ([], [Cut()]):
        for cut in cuts:
            openai_server.play(Reply([transcript[:cut], *ends] if cut else ends))
            response = claude(face, openai_server).prompt("Go")
            with pytest.raises(llm.IncompleteResponse) as caught:
                face.text(response)
            assert caught.value.partial == response.partial
            assert not [
                part for message in response.partial for part in message.parts if isinstance(part, llm.ToolCallPart)
            ]
            with pytest.raises(llm.IncompleteResponse):
                face.do(response.tool_calls())
    assert len(openai_server.requests) == 2 * len(cuts)


def test_text_usage_and_model() -> None:
    seen = outcome(TRANSCRIPTS["text"])
    assert parts(TRANSCRIPTS["text"]) == [{"type": "text", "text": 'Fünf 🦤s\n"quoted"'}]
    assert seen["usage"] == llm.Usage(25, 15)
    assert seen["model"] == "claude-sonnet-4-5-20250929"


def test_each_block_of_text_stays_a_part_of_its_own() -> None:
    assert parts(TRANSCRIPTS["two texts"]) == [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]


def test_reasoning_keeps_its_signature_and_its_place() -> None:
    assert parts(TRANSCRIPTS["reasoning and a call"]) == [
        {
            "type": "reasoning",
            "text": "Let me think.",
            "provider_metadata": {"anthropic": {"signature": "EqQBCg==", "model": "claude-1"}},
        },
        {
            "type": "reasoning",
            "text": "",
            "redacted": True,
            "provider_metadata": {"anthropic": {"type": "redacted_thinking", "data": "EmwKAhgB", "model": "claude-1"}},
        },
        {"type": "text", "text": "I look."},
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Zürich"}, "tool_call_id": "toolu_01"},
        {"type": "tool_call", "name": "now", "arguments": {}, "tool_call_id": "toolu_02"},
    ]


def test_the_providers_own_tools_are_shown_and_kept_with_their_results_and_citations() -> None:
    _, call, result, text = parts(TRANSCRIPTS["web search"])
    assert call["server_executed"]
    assert (call["name"], call["arguments"], call["tool_call_id"]) == (
        "web_search",
        {"query": "pelican"},
        "srvtoolu_01",
    )
    assert result["server_executed"]
    assert (result["name"], result["tool_call_id"]) == ("web_search", "srvtoolu_01")
    assert result["output"] == "Birds\nhttps://example.org/birds"
    assert result["provider_metadata"] == {"anthropic": {"block": FOUND}}
    assert text["text"] == "A pelican is a bird."
    assert text["provider_metadata"]["anthropic"]["citations"][0]["cited_text"] == "A pelican is a bird."
    usage = outcome(TRANSCRIPTS["web search"])["usage"]
    assert usage == llm.Usage(900, 15, {"server_tool_use": {"web_search_requests": 1, "web_fetch_requests": 0}})


@pytest.mark.parametrize(
    ("content", "output"),
    [
        ({"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}, "Error: max_uses_exceeded"),
        ({"type": "bash_code_execution_result", "stdout": "4\n", "stderr": "", "return_code": 0}, "4\n"),
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ({"type": "something_new", "value": 1}, '{"type":"something_new","value":1}'),
    ],
)
def test_results_of_the_providers_tools_are_readable(content: Any, output: str) -> None:
    result = {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_9", "content": content}
    [part] = parts(answer(block(0, result)))
    assert part["output"] == output
    assert part["name"] == "bash_code_execution"


def test_a_block_of_an_unknown_kind_is_kept_to_be_sent_back() -> None:
    unknown = {"type": "container_upload", "file_id": "file_1"}
    [part, text] = parts(answer(block(0, unknown), text_block(1, "ok")))
    assert part["provider_metadata"] == {"anthropic": {"block": unknown}}
    assert text == {"type": "text", "text": "ok"}


def test_what_came_from_the_cache_counts_as_input() -> None:
    assert outcome(TRANSCRIPTS["cached"])["usage"] == llm.Usage(
        2103,
        15,
        {
            "cache_creation_input_tokens": 100,
            "cache_read_input_tokens": 2000,
            "output_tokens_details": {"thinking_tokens": 4},
        },
    )


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded"])
@pytest.mark.parametrize("pieces", [[], [""], ['{"path": "/ho'], ["", '{"path": "/home", ']])
def test_a_call_cut_short_by_a_limit_never_surfaces(reason: str, pieces: list[str]) -> None:
    seen = outcome(answer(call_block(0, "toolu_01", "delete", *pieces), reason=reason))
    assert seen["error"] is not None
    assert seen["error"][0] == "IncompleteResponse"
    assert "max_tokens" in seen["error"][1]
    assert seen["parts"] == []
    whole = {**WHOLE, "content": [{"type": "tool_use", "id": "1", "name": "delete", "input": {}}]}
    assert outcome(json.dumps(whole | {"stop_reason": reason}).encode(), stream=False)["error"] is not None


def test_text_that_reached_a_limit_is_an_answer() -> None:
    assert parts(TRANSCRIPTS["cut text"]) == [{"type": "text", "text": "Once upon"}]


def test_a_refusal_is_an_error_that_says_why(face: Face, openai_server: OpenAIServer) -> None:
    details = {"type": "refusal", "category": "bio", "explanation": "It could\nbe harmful."}
    stopped = events(start(), *text_block(0, "First, "), *end("refusal", stop_details=details))
    openai_server.play(Reply([stopped]))
    response = claude(face, openai_server).prompt("Go")
    with pytest.raises(
        llm.ProviderError, match=r"^claude-test: the model declined to answer \(bio\)\. It could be harmful\.$"
    ) as caught:
        face.text(response)
    assert caught.value.code == "refusal"
    assert response.partial == [llm.assistant("First, ")]


def test_a_turn_that_the_provider_paused_says_so(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([answer(text_block(0, "I look."), reason="pause_turn")]))
    response = claude(face, openai_server).prompt("Go")
    assert face.text(response) == "I look."
    assert (response.finish_reason, response.provider_finish_reason) == ("pause", "pause_turn")


def test_an_error_in_the_stream_is_raised_after_the_items_before_it(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([TRANSCRIPTS["error in the stream"]]))
    response = claude(face, openai_server).prompt("Hi")
    chunks = []
    with pytest.raises(llm.ProviderError, match="Overloaded") as caught:
        for chunk in face.chunks(response):
            chunks.append(chunk)
    assert chunks == ["Hello"]
    assert (caught.value.code, caught.value.request_id) == ("overloaded_error", "req_01")
    assert response.partial == [llm.assistant("Hello")]


@pytest.mark.usefixtures("short_waits")
def test_an_overloaded_server_is_asked_again(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json(OVERLOADED, 529), Reply([TRANSCRIPTS["text"]]))
    model = face.of("AnthropicMessages", openai_server.base_url, "claude-test")
    assert face.text(model.prompt("Hi")).startswith("Fünf")
    openai_server.play(*[Reply.of_json(OVERLOADED, 529, {"request-id": "req_02"})] * 3)
    error = face.error_of(model)
    assert isinstance(error, llm.ProviderError)
    assert (error.status, error.code, error.request_id) == (529, "overloaded_error", "req_02")


@pytest.mark.parametrize(
    "body",
    [
        b"data: <html>\n\n",
        b"data: [1]\n\n",
        b'data: {"choices": []}\n\n',
        b'data: {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}}\n\n',
    ],
)
def test_a_strange_answer_is_reported_in_one_sentence(body: bytes) -> None:
    error = outcome(body)["error"]
    assert error is not None
    assert error[0] == "ProviderError"
    assert "not a message" in error[1]


def test_events_and_deltas_of_unknown_kinds_are_ignored() -> None:
    text = text_block(0, "ok")
    text.insert(1, {"type": "content_block_delta", "index": 0, "delta": {"type": "new_delta", "x": 1}})
    assert parts(events(start(), {"type": "new_event"}, *text, *end())) == [{"type": "text", "text": "ok"}]


def test_text_that_strict_parsers_refuse_costs_a_character_and_not_the_answer() -> None:
    odd = TRANSCRIPTS["two texts"].replace(b"One.", b"a\xff").replace(b"Two", b"b\\ud83d")
    first, second = parts(odd)
    assert first["text"].startswith("a")
    assert second["text"].startswith("b")
    (first["text"] + second["text"]).encode()


def test_streamed_json_has_the_shape_of_a_whole_answer() -> None:
    seen = outcome(TRANSCRIPTS["reasoning and a call"])["json"]
    assert seen["content"] == [
        {"type": "thinking", "thinking": "Let me think.", "signature": "EqQBCg=="},
        {"type": "redacted_thinking", "data": "EmwKAhgB"},
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_01", "name": "weather", "input": {"city": "Zürich"}},
        {"type": "tool_use", "id": "toolu_02", "name": "now", "input": {}},
    ]
    assert seen["stop_reason"] == "tool_use"
    assert seen["usage"]["output_tokens"] == 15
    assert outcome(TRANSCRIPTS["web search"])["json"]["content"][2] == FOUND


def test_a_whole_answer(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json(WHOLE), Reply.of_json(WHOLE))
    for stream in (False, True):
        response = claude(face, openai_server).prompt("Hi", stream=stream)
        assert face.text(response) == "Sure 🦤"
        [message] = face.do(response.messages())
        assert [type(part).__name__ for part in message.parts] == [
            "ReasoningPart",
            "ReasoningPart",
            "TextPart",
            "ToolCallPart",
            "ToolCallPart",
        ]
        assert [call.arguments for call in face.do(response.tool_calls())] == [{"city": "Zürich"}, {}]
        assert face.do(response.usage()) == llm.Usage(13, 30, {"cache_read_input_tokens": 4})
        assert face.do(response.json()) == WHOLE
    assert [request.json().get("stream") for request in openai_server.requests] == [None, True]


def test_a_cut_whole_answer_never_passes_for_complete() -> None:
    body = json.dumps(WHOLE, ensure_ascii=False).encode()
    for cut in range(len(body)):
        seen = outcome(body[:cut], stream=False)
        assert seen["error"] is not None
        assert seen["error"][0] == "IncompleteResponse"
        assert seen["parts"] == []


@pytest.mark.parametrize("body", [{}, {"content": 5}, {"id": "x"}, []])
def test_a_whole_answer_without_content_is_no_answer(body: Any) -> None:
    assert outcome(json.dumps(body).encode(), stream=False)["error"][0] == "ProviderError"
