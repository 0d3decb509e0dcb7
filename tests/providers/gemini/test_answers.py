"""The answers of generateContent: they decode to the same however their bytes are split, and a cut answer never passes for a complete one."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.gemini.answers import GenerateContentDecoder
from tests.fakes.faces import Face
from tests.fakes.gemini_answers import TRANSCRIPTS, WEATHER, WHOLE, chunk, sse
from tests.fakes.openai_server import Cut, OpenAIServer, Reply
from tests.providers import outcomes

COMPLETE = [name for name in TRANSCRIPTS if "error" not in name]


def outcome(*pieces: bytes, stream: bool = True) -> dict[str, Any]:
    return outcomes.outcome(GenerateContentDecoder("gemini-test", stream=stream), *pieces)


def parts(transcript: bytes) -> list[Any]:
    found: list[Any] = outcome(transcript)["parts"]
    return found


def gemini(face: Face, server: OpenAIServer, **arguments: Any) -> Any:
    return face.of("GeminiModel", server.base_url, "gemini-test", **{"max_retries": 0, **arguments})


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_any_split_gives_the_same_as_the_whole(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    whole = outcome(transcript)
    assert whole["parts"] or "error" in name
    for cut in range(len(transcript)):
        assert outcome(transcript[:cut], transcript[cut:]) == whole
    assert outcome(*(transcript[at : at + 1] for at in range(len(transcript)))) == whole


@pytest.mark.parametrize("name", COMPLETE)
def test_a_cut_at_any_byte_never_passes_for_complete(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    last = transcript.rstrip()
    for cut in range(len(last)):
        seen = outcome(transcript[:cut])
        assert seen["error"] is not None
        assert seen["error"][0] == "IncompleteResponse"
        assert not [part for part in seen["parts"] if part["type"] == "tool_call" and not part.get("server_executed")]
    assert outcome(last)["error"] is None
    assert outcome(transcript)["error"] is None


def test_a_cut_answer_raises_with_the_part_that_arrived_and_no_call_surfaces(
    face: Face, openai_server: OpenAIServer
) -> None:
    transcript = TRANSCRIPTS["reasoning and calls"]
    cuts = [*range(0, len(transcript) - 300, 211), transcript.rindex(b"data:"), len(transcript) - 20]
    for ends in ([], [Cut()]):
        for cut in cuts:
            openai_server.play(Reply([transcript[:cut], *ends] if cut else ends))
            response = gemini(face, openai_server).prompt("Go")
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
    assert seen["usage"] == llm.Usage(8, 5)
    assert seen["model"] == "gemini-2.5-flash"


def test_reasoning_and_calls_with_and_without_ids() -> None:
    seen = parts(TRANSCRIPTS["reasoning and calls"])
    assert seen == [
        {"type": "reasoning", "text": "Let me think."},
        {"type": "text", "text": "I look."},
        {
            "type": "tool_call",
            "name": "weather",
            "arguments": {"city": "Zürich"},
            "tool_call_id": "made 1",
            "provider_metadata": {"gemini": {"thoughtSignature": "CsYB"}},
        },
        {"type": "tool_call", "name": "weather", "arguments": {"city": "Oslo"}, "tool_call_id": "made 2"},
        {"type": "tool_call", "name": "now", "arguments": {}, "tool_call_id": "fc_9"},
    ]
    assert outcome(TRANSCRIPTS["reasoning and calls"])["usage"] == llm.Usage(
        8, 25, {"cachedContentTokenCount": 4, "thoughtsTokenCount": 20}
    )


def test_a_signature_stays_on_the_part_it_came_on() -> None:
    signed = {"gemini": {"thoughtSignature": "EjQK"}}
    assert parts(TRANSCRIPTS["signed text"]) == [
        {"type": "text", "text": "One two."},
        {"type": "text", "text": "", "provider_metadata": signed},
    ]
    assert parts(TRANSCRIPTS["signature in between"]) == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b", "provider_metadata": signed},
        {"type": "text", "text": "c"},
    ]


def test_the_providers_own_tools_are_shown_and_kept() -> None:
    said, call, result, text = parts(TRANSCRIPTS["code"])
    assert (said["text"], text["text"]) == ("I count.", "Four.")
    assert call["server_executed"]
    assert result["server_executed"]
    assert (call["name"], call["arguments"]) == ("code_execution", {"language": "PYTHON", "code": "print(2+2)"})
    assert (result["name"], result["output"]) == ("code_execution", "4\n")
    assert call["tool_call_id"] == result["tool_call_id"]
    assert outcome(TRANSCRIPTS["code"])["usage"] == llm.Usage(38, 5, {"toolUsePromptTokenCount": 30})
    call, result, text = parts(TRANSCRIPTS["searched"])
    assert (call["name"], call["arguments"]) == ("google_search_web", {"queries": ["pelican"]})
    assert call["tool_call_id"] == result["tool_call_id"] == "t1"
    assert result["output"] == '{"found":1}'
    assert text["provider_metadata"]["gemini"]["groundingMetadata"]["webSearchQueries"] == ["pelican"]


def test_code_that_failed_says_so() -> None:
    failed = {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "NameError"}}
    [result] = parts(sse(chunk(failed, reason="STOP")))
    assert result["output"] == "OUTCOME_FAILED\nNameError"


def test_parts_of_unknown_kinds_are_kept_to_be_sent_back() -> None:
    unknown = {"newData": {"value": "eA=="}}
    [part, text] = parts(sse(chunk(unknown, {"text": "ok"}, reason="STOP")))
    assert part["provider_metadata"] == {"gemini": {"part": unknown}}
    assert text == {"type": "text", "text": "ok"}


@pytest.mark.parametrize(
    ("name", "said", "code", "partial"),
    [
        ("blocked, an error", r"the prompt was blocked \(PROHIBITED_CONTENT\)\.$", "PROHIBITED_CONTENT", []),
        ("stopped, an error", r"the model stopped early \(SAFETY\)\. Unsafe\.$", "SAFETY", [llm.assistant("Hello!")]),
        ("error in the stream", "Overloaded", "503", [llm.assistant("Hello")]),
    ],
)
def test_an_answer_that_was_stopped_is_an_error_that_says_why(
    face: Face, openai_server: OpenAIServer, name: str, said: str, code: str, partial: list[llm.Message]
) -> None:
    openai_server.play(Reply([TRANSCRIPTS[name]]))
    response = gemini(face, openai_server).prompt("Hi")
    with pytest.raises(llm.ProviderError, match=f"^gemini-test: .*{said}") as caught:
        face.text(response)
    assert caught.value.code == code
    assert response.partial == partial


@pytest.mark.parametrize("reason", ["MALFORMED_FUNCTION_CALL", "RECITATION", "MISSING_THOUGHT_SIGNATURE", "NEW_REASON"])
def test_every_irregular_end_is_an_error(reason: str) -> None:
    error = outcome(sse(chunk({"text": "a"}, reason=reason)))["error"]
    assert error is not None
    assert reason in error[1]


def test_text_that_reached_a_limit_is_an_answer() -> None:
    assert parts(TRANSCRIPTS["limit"]) == [{"type": "text", "text": "Once upon"}]


def test_a_call_in_unrequested_pieces_never_surfaces() -> None:
    piece = {"functionCall": {"name": "wipe", "partialArgs": [{"jsonPath": "$.path"}], "willContinue": True}}
    seen = outcome(sse(chunk(piece, reason="STOP")))
    assert seen["error"] is not None
    assert seen["parts"] == []


QUOTA = {
    "error": {
        "code": 429,
        "message": "You exceeded your current quota.",
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.25s"},
        ],
    }
}


@pytest.mark.parametrize("body", [QUOTA, [QUOTA]], ids=["object", "list"])
def test_the_server_says_how_long_to_wait(face: Face, openai_server: OpenAIServer, body: Any) -> None:
    openai_server.play(Reply.of_json(body, 429), Reply([TRANSCRIPTS["text"]]))
    response = gemini(face, openai_server, max_retries=1).prompt("Hi")
    waited: list[float] = []
    response._turn.on_retry = lambda retry: waited.append(retry.delay)
    assert face.text(response).startswith("Fünf")
    assert waited == [0.25]


def test_an_error_list_is_read_as_its_first(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json([QUOTA], 429))
    error = face.error_of(gemini(face, openai_server))
    assert isinstance(error, llm.ProviderError)
    assert error.status == 429
    assert "You exceeded your current quota." in str(error)


@pytest.mark.parametrize("body", [b"data: <html>\n\n", b"data: [1]\n\n", b'data: {"choices": []}\n\n'])
def test_a_strange_answer_is_reported_in_one_sentence(body: bytes) -> None:
    error = outcome(body)["error"]
    assert error is not None
    assert error[0] == "ProviderError"
    assert "not an answer of Gemini's" in error[1]


def test_text_that_strict_parsers_refuse_costs_a_character_and_not_the_answer() -> None:
    [part] = parts(TRANSCRIPTS["signed text"].replace(b"One ", b"a\xff").replace(b"two.", b"b\\ud83d"))[:1]
    assert part["text"].startswith("a")
    assert "b" in part["text"]
    part["text"].encode()


def test_streamed_json_has_the_shape_of_a_whole_answer() -> None:
    seen = outcome(TRANSCRIPTS["reasoning and calls"])["json"]
    [candidate] = seen["candidates"]
    assert candidate["content"]["parts"] == [
        {"text": "Let me think.", "thought": True},
        {"text": "I look."},
        WEATHER,
        {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}},
        {"functionCall": {"id": "fc_9", "name": "now", "args": {}}},
    ]
    assert candidate["finishReason"] == "STOP"
    assert seen["usageMetadata"]["totalTokenCount"] == 33


def test_a_whole_answer(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json(WHOLE), Reply.of_json(WHOLE))
    for stream in (False, True):
        response = gemini(face, openai_server).prompt("Hi", stream=stream)
        assert face.text(response) == "Sure 🦤"
        [call] = face.do(response.tool_calls())
        assert call.arguments == {"city": "Zürich"}
        assert face.do(response.usage()) == llm.Usage(9, 6, {"thoughtsTokenCount": 2})
        assert face.do(response.json()) == WHOLE
    assert [request.path for request in openai_server.requests] == [
        "/v1/models/gemini-test:generateContent",
        "/v1/models/gemini-test:streamGenerateContent?alt=sse",
    ]


def test_a_stream_that_comes_as_one_json_list() -> None:
    chunks = [chunk({"text": "a"}), chunk({"text": "b"}, reason="STOP")]
    body = json.dumps(chunks).encode()
    assert outcome(body, stream=False)["parts"] == [{"type": "text", "text": "ab"}]
    for cut in range(len(body)):
        assert outcome(body[:cut], stream=False)["error"][0] == "IncompleteResponse"


def test_a_cut_whole_answer_never_passes_for_complete() -> None:
    body = json.dumps(WHOLE, ensure_ascii=False).encode()
    for cut in range(len(body)):
        seen = outcome(body[:cut], stream=False)
        assert seen["error"] is not None
        assert seen["error"][0] == "IncompleteResponse"
        assert seen["parts"] == []


@pytest.mark.parametrize("body", [{}, {"candidates": 5}, {"candidates": []}, [], {"id": "x"}])
def test_a_whole_answer_without_an_end_is_no_answer(body: Any) -> None:
    assert outcome(json.dumps(body).encode(), stream=False)["error"][0] == "ProviderError"


def test_streamed_json_keeps_what_stands_beside_the_text() -> None:
    def logprobs(token: str) -> dict[str, Any]:
        return {"chosenCandidates": [{"token": token, "logProbability": -0.5}]}

    body = sse(
        chunk({"text": "He"}, logprobsResult=logprobs("He")),
        chunk({"text": "llo"}, reason="STOP", logprobsResult=logprobs("llo"), avgLogprobs=-0.5) | {"createTime": "now"},
    )
    found = outcome(body)["json"]
    [candidate] = found["candidates"]
    assert [one["token"] for one in candidate["logprobsResult"]["chosenCandidates"]] == ["He", "llo"]
    assert (candidate["avgLogprobs"], found["createTime"]) == (-0.5, "now")
