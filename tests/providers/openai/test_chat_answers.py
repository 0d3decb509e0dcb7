"""The answers of Chat Completions: they decode to the same however their bytes are split, and a cut answer never passes for a complete one."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.openai.chat_answers import ChatDecoder
from llm_notebook.turns.assembly import Assembler
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, OpenAIServer, Reply, Reset, delta_chunk, sse, text_chunk, usage_chunk

START = delta_chunk({"role": "assistant", "content": "", "refusal": None})
STOP = delta_chunk({}, "stop")
CALLS = delta_chunk({}, "tool_calls")
USAGE = usage_chunk(9, 3, completion_tokens_details={"reasoning_tokens": 2}, prompt_tokens_details={"cached_tokens": 0})


def call_delta(index: int | None, call_id: str | None = None, name: str | None = None, arguments: Any = None) -> Any:
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    call: dict[str, Any] = {"function": function}
    if index is not None:
        call["index"] = index
    if call_id is not None:
        call |= {"id": call_id, "type": "function"}
    return call


def calls_chunk(*calls: Any) -> dict[str, Any]:
    return delta_chunk({"tool_calls": list(calls)})


TRANSCRIPTS = {
    "text": sse(START, text_chunk("Fünf "), text_chunk("🦤s\n"), text_chunk('"quoted"'), STOP, USAGE),
    "llama.cpp reasoning": sse(
        delta_chunk({"role": "assistant", "content": None}),
        delta_chunk({"reasoning_content": "Let me "}),
        delta_chunk({"reasoning_content": "think."}),
        text_chunk("4"),
        STOP,
        {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}, "timings": {"predicted_ms": 7.1}},
    ),
    "openrouter reasoning": b": OPENROUTER PROCESSING\n\n"
    + sse(
        delta_chunk({"role": "assistant", "content": "", "reasoning": "Hm", "reasoning_details": [{"text": "Hm"}]}),
        text_chunk("4"),
        STOP,
    ),
    "parallel calls, interleaved": sse(
        START,
        calls_chunk(call_delta(0, "call_a", "weather", ""), call_delta(1, "call_b", "time", "")),
        calls_chunk(call_delta(0, arguments='{"city":')),
        calls_chunk(call_delta(1, arguments='{"zone": ')),
        calls_chunk(call_delta(0, arguments='"Zürich"}')),
        calls_chunk(call_delta(1, arguments='"CET"}')),
        CALLS,
        USAGE,
    ),
    "mistral": sse(
        delta_chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Well"}]}]}),
        delta_chunk({"content": [{"type": "text", "text": "Yes"}, {"type": "text", "text": "!"}]}),
        calls_chunk(call_delta(0, "D681PevKs", "weather", {"city": "Paris"})),
        CALLS,
    ),
    "refusal": sse(START, delta_chunk({"refusal": "I cannot "}), delta_chunk({"refusal": "help."}), STOP, USAGE),
    "crlf": sse(START, text_chunk("a"), text_chunk("b"), STOP).replace(b"\n", b"\r\n"),
    "error in the stream": sse(
        START, text_chunk("Hello"), {"error": {"message": "Overloaded", "code": 529}}, done=False
    ),
    "error event": sse(text_chunk("Hello"), done=False) + b'event: error\ndata: {"message": "Overloaded"}\n\n',
    "vllm error": sse(
        text_chunk("Hello"), {"object": "error", "message": "Out of memory", "code": 500}, text_chunk("?"), done=False
    ),
}
COMPLETE = [name for name in TRANSCRIPTS if "error" not in name]


def outcome(*pieces: bytes, stream: bool = True) -> dict[str, Any]:
    """Return everything that a reader can see, with consecutive text joined and generated ids numbered."""
    decoder = ChatDecoder("gpt-test", stream=stream)
    items = [item for piece in pieces for item in decoder.feed(piece)]
    try:
        items += decoder.drain()
        decoder.close()
        error = None
    except llm.ModelError as raised:
        error = (type(raised).__name__, str(raised))
    assembler = Assembler()
    for item in items:
        assembler.feed(llm.StreamEvent("text", item) if isinstance(item, str) else item)
    messages = assembler.messages() if error is None else assembler.partial_messages()
    return {
        "messages": [message.to_dict() for message in messages],
        "error": error,
        "json": decoder.response_json,
        "usage": decoder.usage,
        "model": decoder.resolved_model,
    }


def parts(transcript: bytes) -> list[llm.Message]:
    return outcome(transcript)["messages"][0]["parts"]  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_any_split_gives_the_same_as_the_whole(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    whole = outcome(transcript)
    assert whole["messages"]
    for cut in range(len(transcript)):
        assert outcome(transcript[:cut], transcript[cut:]) == whole
    assert outcome(*(transcript[at : at + 1] for at in range(len(transcript)))) == whole


def finish_end(transcript: bytes) -> int:
    """Return where the line ends in which the model tells why it stopped."""
    told = transcript.index(b'"finish_reason": "')
    return told + len(transcript[told:].splitlines()[0])


@pytest.mark.parametrize("name", COMPLETE)
def test_a_cut_before_the_finish_reason_never_passes_for_complete(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    for cut in range(1, finish_end(transcript)):
        decoder = ChatDecoder("gpt-test")
        decoder.feed(transcript[:cut])
        assert not decoder.done
        with pytest.raises(llm.IncompleteResponse, match=r"^gpt-test: the stream broke off before its end"):
            decoder.close()


@pytest.mark.parametrize("name", COMPLETE)
def test_a_clean_end_after_the_finish_reason_is_an_end(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    whole = outcome(transcript)
    assert whole["error"] is None
    end = transcript.index(b"data: [DONE]")
    for cut in (finish_end(transcript), end, end + len(b"data: [DONE]")):
        seen = outcome(transcript[:cut])
        assert seen["error"] is None
        assert seen["messages"] == whole["messages"]
    for cut in range(end + 1, end + len(b"data: [DONE]")):
        # The frame is cut, and nobody knows what it would have held.
        assert outcome(transcript[:cut])["error"][0] == "IncompleteResponse"


def test_a_cut_answer_raises_with_the_part_that_arrived_and_no_call_surfaces(
    face: Face, openai_server: OpenAIServer
) -> None:
    transcript = sse(
        START,
        text_chunk("I look. "),
        text_chunk("Wait. 🦤"),
        calls_chunk(call_delta(0, "call_a", "delete", '{"path": "/tmp"}')),
        CALLS,
    )
    model = face.openai(openai_server.base_url)
    before = [*range(0, finish_end(transcript), 97)]
    after = [finish_end(transcript) + 2, transcript.index(b"data: [DONE]") + 11]
    for ends, cuts in (([], before), ([Cut()], [*before, *after]), ([Reset()], [*before, *after])):
        for cut in cuts:
            openai_server.play(Reply([transcript[:cut], *ends] if cut else ends))
            response = model.prompt("Go")
            with pytest.raises(llm.IncompleteResponse) as caught:
                face.text(response)
            assert "I look. Wait. 🦤".startswith(caught.value.partial_text)
            assert caught.value.partial == response.partial
            assert caught.value.response is response
            assert not [part for message in response.partial for part in message.parts if "Call" in type(part).__name__]
            with pytest.raises(llm.IncompleteResponse):
                face.do(response.tool_calls())
    assert len(openai_server.requests) == 3 * len(before) + 2 * len(after)


def test_text_usage_and_model() -> None:
    seen = outcome(TRANSCRIPTS["text"])
    assert parts(TRANSCRIPTS["text"]) == [{"type": "text", "text": 'Fünf 🦤s\n"quoted"'}]
    assert seen["usage"] == llm.Usage(9, 3, {"completion_tokens_details": {"reasoning_tokens": 2}})
    assert seen["model"] == "gpt-4o-mini-2024-07-18"


def test_reasoning_comes_before_the_answer() -> None:
    assert parts(TRANSCRIPTS["llama.cpp reasoning"]) == [
        {"type": "reasoning", "text": "Let me think."},
        {"type": "text", "text": "4"},
    ]
    assert outcome(TRANSCRIPTS["llama.cpp reasoning"])["usage"] == llm.Usage(9, 3)


def test_reasoning_details_are_kept_to_be_sent_back() -> None:
    found = parts(TRANSCRIPTS["openrouter reasoning"])
    assert {"type": "reasoning", "text": "Hm"} in found
    assert [part["provider_metadata"] for part in found if "provider_metadata" in part] == [
        {"reasoning_details": [{"text": "Hm"}]}
    ]


def test_interleaved_calls_are_told_apart() -> None:
    assert parts(TRANSCRIPTS["parallel calls, interleaved"]) == [
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Zürich"}, "tool_call_id": "call_a"},
        {"type": "tool_call", "name": "time", "arguments": {"zone": "CET"}, "tool_call_id": "call_b"},
    ]


def test_content_as_typed_chunks_and_arguments_as_object() -> None:
    assert parts(TRANSCRIPTS["mistral"]) == [
        {"type": "reasoning", "text": "Well"},
        {"type": "text", "text": "Yes!"},
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Paris"}, "tool_call_id": "D681PevKs"},
    ]


def test_a_refusal_is_the_answer() -> None:
    assert parts(TRANSCRIPTS["refusal"]) == [{"type": "text", "text": "I cannot help."}]
    message = outcome(TRANSCRIPTS["refusal"])["json"]["choices"][0]["message"]
    assert message == {"role": "assistant", "content": None, "refusal": "I cannot help."}


@pytest.mark.parametrize(
    "chunks",
    [
        [calls_chunk(call_delta(0, "a", "f", "{}")), calls_chunk(call_delta(0, "b", "f", '{"x":1}'))],
        [calls_chunk(call_delta(0, "a", "f", "{}"), call_delta(0, "b", "f", '{"x":1}'))],
        [calls_chunk(call_delta(0, None, "f", "{}")), calls_chunk(call_delta(0, None, "f", '{"x":1}'))],
        [calls_chunk(call_delta(None, None, "f", {}), call_delta(None, None, "f", {"x": 1}))],
        [calls_chunk(call_delta(None, "a", "f", {})), calls_chunk(call_delta(None, "b", "f", {"x": 1}))],
        [calls_chunk(call_delta(0, "same", "f", "{}"), call_delta(1, "same", "f", '{"x":1}'))],
        [
            calls_chunk(call_delta(0, "a", "f", "")),
            calls_chunk(call_delta(0, "a", "f", "{}")),
            calls_chunk(call_delta(1, "b", "f", '{"x"')),
            calls_chunk(call_delta(1, "b", "f", ":1}")),
        ],
        [calls_chunk(call_delta(0, "", "f")), calls_chunk(call_delta(1, "", "f", '{"x":1}'))],
    ],
    ids=[
        "index 0, ids",
        "index 0, ids, one chunk",
        "index 0, no ids",
        "no index, no ids",
        "no index, ids",
        "one id for all",
        "id and name repeated",
        "empty ids",
    ],
)
def test_two_calls_are_two_whatever_the_server_leaves_out(chunks: list[Any]) -> None:
    found = parts(sse(START, *chunks, CALLS))
    assert [(part["name"], part["arguments"]) for part in found] == [("f", {}), ("f", {"x": 1})]
    ids = [part["tool_call_id"] for part in found]
    assert all(ids)
    assert len(set(ids)) == 2
    raw = outcome(sse(START, *chunks, CALLS))["json"]["choices"][0]["message"]["tool_calls"]
    assert [call["function"]["name"] for call in raw] == ["f", "f"]


def test_an_id_is_made_where_the_server_gives_none() -> None:
    [part] = parts(sse(calls_chunk(call_delta(0, None, "f", "{}")), CALLS))
    assert part["tool_call_id"].startswith("tc_")


def test_a_call_cut_short_by_the_token_limit_never_surfaces() -> None:
    for arguments in (None, "", '{"path": "/ho'):
        found = outcome(sse(calls_chunk(call_delta(0, "a", "delete", arguments)), delta_chunk({}, "length")))
        assert found["error"] is not None
        assert found["error"][0] == "IncompleteResponse"
        assert "max_tokens" in found["error"][1]
    assert outcome(sse(text_chunk("Once upon"), delta_chunk({}, "length")))["error"] is None


@pytest.mark.parametrize("name", [name for name in TRANSCRIPTS if "error" in name])
def test_an_error_in_the_stream_is_raised_after_the_items_before_it(
    name: str, face: Face, openai_server: OpenAIServer
) -> None:
    openai_server.play(Reply([TRANSCRIPTS[name]]))
    response = face.openai(openai_server.base_url).prompt("Hi")
    chunks = []
    with pytest.raises(llm.ProviderError, match=r"Overloaded|Out of memory"):
        for chunk in face.chunks(response):
            chunks.append(chunk)
    assert chunks == ["Hello"]
    assert response.partial == [llm.assistant("Hello")]


@pytest.mark.parametrize(
    "body",
    [b"data: <html>\n\n", b"data: [1]\n\n", b'data: {"choices": 5}\n\n', b'data: {"choices": [{"delta": "x"}]}\n\n'],
)
def test_what_is_no_chat_completion_is_said_in_one_sentence(body: bytes) -> None:
    error = outcome(body)["error"]
    assert error is not None
    assert error[0] == "ProviderError"
    assert "not a chat completion" in error[1]


def test_empty_data_is_passed_over() -> None:
    assert parts(b"data:\n\n" + sse(text_chunk("a")) + b"data:\n\n") == [{"type": "text", "text": "a"}]


def test_text_that_strict_parsers_refuse_costs_a_character_and_not_the_answer() -> None:
    half_emoji = b'data: {"choices": [{"delta": {"content": "a\\ud83d"}}]}\n\n'
    no_utf8 = b'data: {"choices": [{"delta": {"content": "b\xff"}}]}\n\n'
    [part] = parts(half_emoji + no_utf8 + sse())
    assert part["text"].startswith("a")
    assert "b" in part["text"]
    part["text"].encode()


def test_usage_that_is_null_or_missing_is_unknown() -> None:
    assert outcome(sse(text_chunk("a"), STOP))["usage"] == llm.Usage(None, None)
    assert outcome(sse(text_chunk("a") | {"usage": "none"}, STOP))["usage"] == llm.Usage(None, None)


def test_streamed_json_has_the_shape_of_a_whole_answer() -> None:
    assert outcome(TRANSCRIPTS["parallel calls, interleaved"])["json"] == {
        "id": "chatcmpl-Az1",
        "object": "chat.completion",
        "created": 1739291215,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {
                            "id": "call_a",
                            "type": "function",
                            "function": {"name": "weather", "arguments": '{"city":"Zürich"}'},
                        },
                        {
                            "id": "call_b",
                            "type": "function",
                            "function": {"name": "time", "arguments": '{"zone": "CET"}'},
                        },
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "content": "",
        "finish_reason": "tool_calls",
        "usage": USAGE["usage"],
    }


WHOLE = {
    "id": "chatcmpl-B",
    "object": "chat.completion",
    "created": 1739291215,
    "model": "gpt-4o-mini-2024-07-18",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Sure 🦤",
                "tool_calls": [{"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 9, "completion_tokens": 3},
}


def test_a_whole_answer() -> None:
    seen = outcome(b"\n \n" + json.dumps(WHOLE).encode(), stream=False)
    assert seen["error"] is None
    assert seen["messages"][0]["parts"] == [
        {"type": "text", "text": "Sure 🦤"},
        {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "tool_call_id": "call_a"},
    ]
    assert seen["usage"] == llm.Usage(9, 3)
    assert seen["json"] == WHOLE


@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_a_cut_whole_answer_never_passes_for_complete(ensure_ascii: bool) -> None:
    body = json.dumps(WHOLE, ensure_ascii=ensure_ascii).encode()
    for cut in range(len(body)):
        seen = outcome(body[:cut], stream=False)
        assert seen["error"] is not None, body[:cut]
        assert seen["error"][0] == "IncompleteResponse", body[:cut]
        assert seen["messages"] == []


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"id": "x", "usage": {}}])
def test_a_whole_answer_without_choices_is_no_answer(body: Any) -> None:
    assert outcome(json.dumps(body).encode(), stream=False)["error"][0] == "ProviderError"


def test_a_server_may_answer_whole_although_a_stream_was_asked_for(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json(WHOLE))
    response = face.openai(openai_server.base_url).prompt("Hi")
    assert face.text(response) == "Sure 🦤"
    assert face.do(response.json()) == WHOLE
    assert face.do(response.usage()) == llm.Usage(9, 3)
    assert response.resolved_model == "gpt-4o-mini-2024-07-18"


def test_no_stream_is_asked_for_where_none_is_wanted(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json(WHOLE))
    assert face.text(face.openai(openai_server.base_url).prompt("Hi", stream=False)) == "Sure 🦤"
    assert "stream" not in openai_server.requests[0].json()


def test_streamed_json_keeps_what_stands_beside_the_text() -> None:
    def chunk(text: str, finish: str | None = None, **delta: Any) -> dict[str, Any]:
        one = delta_chunk({"content": text, **delta}, finish)
        one["choices"][0]["logprobs"] = {"content": [{"token": text, "logprob": -0.5}]}
        return one | {"provider": "Cerebras", "citations": ["https://a.example"]}

    note = {"type": "url_citation", "url": "https://a.example"}
    tool = {"index": 0, "type": "search"}
    body = sse(
        chunk("He", annotations=[note], executed_tools=[{**tool, "output": "1"}]),
        chunk("l", executed_tools=[{**tool, "output": "2"}]),
        text_chunk("l"),
        chunk("o", "stop") | {"search_results": [{"title": "A"}]},
    )
    found = outcome(body)["json"]
    [choice] = found["choices"]
    assert [token["token"] for token in choice["logprobs"]["content"]] == ["He", "l", "o"]
    assert choice["message"]["content"] == "Hello"
    assert choice["message"]["annotations"] == [note]
    assert choice["message"]["executed_tools"] == [{**tool, "output": "12"}]
    assert (found["provider"], found["citations"], found["search_results"]) == (
        "Cerebras",
        ["https://a.example"],
        [{"title": "A"}],
    )
