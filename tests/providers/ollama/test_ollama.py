"""Ollama: answers decode to the same however they are split, a cut one never passes for complete, and prompts become what the server accepts."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llm_notebook as llm
from llm_notebook.providers.ollama.answers import OllamaDecoder
from llm_notebook.providers.ollama.models import server_address
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, OpenAIServer, Reply
from tests.providers.outcomes import outcome, parts_of

NDJSON = "application/x-ndjson"
LAST = {"done": True, "done_reason": "stop", "total_duration": 7, "prompt_eval_count": 9, "eval_count": 3}


def line(message: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Return one line of an answer, as Ollama sends it."""
    said = {"role": "assistant", "content": "", **(message or {})}
    return {"model": "qwen3:latest", "created_at": "2026-11-24T12:00:00Z", "message": said, "done": False, **more}


def lines(*items: dict[str, Any]) -> bytes:
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items).encode()


def call(name: str, arguments: Any, **more: Any) -> dict[str, Any]:
    return {"tool_calls": [{"function": {"name": name, "arguments": arguments}, **more}]}


TRANSCRIPTS = {
    "text": lines(line({"content": "Fünf "}), line({"content": "🦤s\n"}), line({"content": '"quoted"'}), line(**LAST)),
    "thinking, then a call": lines(
        line({"thinking": "Let me "}),
        line({"thinking": "look."}),
        line(call("weather", {"city": "Zürich"})),
        line(call("weather", {})),
        line(**LAST),
    ),
    "text in the last line": lines(line({"content": "a"}), line({"content": "b"}, **LAST)),
    "ids": lines(line(call("f", {"x": 1}, id="call_a")), line(call("f", {"x": 2}, id="call_a")), line(**LAST)),
    "crlf": lines(line({"content": "a"}), line(**LAST)).replace(b"\n", b"\r\n"),
    "error": lines(line({"content": "Hello"}), {"error": "the model runner has unexpectedly stopped"}),
}
COMPLETE = [name for name in TRANSCRIPTS if name != "error"]


def decoder(stream: bool = True) -> OllamaDecoder:
    return OllamaDecoder("gpt-test", stream=stream)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_any_split_gives_the_same_as_the_whole(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    whole = outcome(decoder(), transcript)
    assert whole["parts"]
    for cut in range(len(transcript)):
        assert outcome(decoder(), transcript[:cut], transcript[cut:]) == whole
    assert outcome(decoder(), *(transcript[at : at + 1] for at in range(len(transcript)))) == whole


@pytest.mark.parametrize("name", COMPLETE)
def test_a_cut_at_any_byte_never_passes_for_complete(name: str) -> None:
    transcript = TRANSCRIPTS[name]
    end = len(transcript.rstrip())
    for cut in range(1, end):
        found = decoder()
        found.feed(transcript[:cut])
        with pytest.raises(llm.IncompleteResponse, match=r"^gpt-test: the stream broke off before its end"):
            found.close()
    assert outcome(decoder(), transcript[:end]) == outcome(decoder(), transcript)


def test_a_cut_answer_raises_with_the_part_that_arrived_and_no_call_surfaces(
    face: Face, openai_server: OpenAIServer
) -> None:
    transcript = lines(line({"content": "I look."}), line(call("delete", {"path": "/tmp"})), line(**LAST))
    model = face.of("Ollama", openai_server.base_url)
    cuts = [*range(0, len(transcript) - 2, 61), len(transcript) - 2]
    for ends in ([], [Cut()]):
        for cut in cuts:
            openai_server.play(Reply([transcript[:cut], *ends] if cut else ends, content_type=NDJSON))
            response = model.prompt("Go")
            with pytest.raises(llm.IncompleteResponse):
                face.text(response)
            assert not [part for message in response.partial for part in message.parts if "Call" in type(part).__name__]
            with pytest.raises(llm.IncompleteResponse):
                face.do(response.tool_calls())


def test_text_usage_model_and_json() -> None:
    seen = outcome(decoder(), TRANSCRIPTS["text"])
    assert [part["text"] for part in seen["parts"]] == ['Fünf 🦤s\n"quoted"']
    assert seen["usage"] == llm.Usage(9, 3)
    assert seen["model"] == "qwen3:latest"
    assert seen["json"]["message"] == {"role": "assistant", "content": 'Fünf 🦤s\n"quoted"'}
    assert seen["json"]["done_reason"] == "stop"


def test_thinking_comes_before_the_calls_which_get_ids() -> None:
    thought, first, second = parts_of(decoder(), TRANSCRIPTS["thinking, then a call"])
    assert thought == {"type": "reasoning", "text": "Let me look."}
    assert (first["name"], first["arguments"], first["tool_call_id"]) == ("weather", {"city": "Zürich"}, "made 1")
    assert (second.get("arguments", {}), second["tool_call_id"]) == ({}, "made 2")


def test_an_id_that_is_given_twice_is_given_once() -> None:
    assert [part["tool_call_id"] for part in parts_of(decoder(), TRANSCRIPTS["ids"])] == ["call_a", "call_a-2"]


@pytest.mark.parametrize("name", COMPLETE)
def test_a_whole_answer_says_what_the_streamed_one_says(name: str) -> None:
    streamed = outcome(decoder(), TRANSCRIPTS[name])
    whole = outcome(decoder(stream=False), json.dumps(streamed["json"]).encode())
    assert {**whole, "json": None} == {**streamed, "json": None}


def test_an_error_in_a_line_is_raised_after_the_items_before_it(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([TRANSCRIPTS["error"]], content_type=NDJSON))
    response = face.of("Ollama", openai_server.base_url).prompt("Hi")
    chunks = []
    with pytest.raises(llm.ProviderError, match="the model runner has unexpectedly stopped"):
        for chunk in face.chunks(response):
            chunks.append(chunk)
    assert chunks == ["Hello"]


@pytest.mark.parametrize("content_type", [NDJSON, "application/json", "text/plain"])
def test_lines_are_lines_whatever_a_proxy_calls_them(
    face: Face, openai_server: OpenAIServer, content_type: str
) -> None:
    openai_server.play(
        Reply([TRANSCRIPTS["text"]], content_type=content_type),
        Reply([b'{"error": "no such thing"}'], content_type=content_type),
    )
    model = face.of("Ollama", openai_server.base_url)
    assert face.text(model.prompt("Hi")).startswith("Fünf")
    assert "no such thing" in str(face.error_of(model))


@pytest.mark.parametrize("body", [b"html\n", b"[1]\n", b'{"no": "message"}\n', b'{"message": {"tool_calls": 5}}\n'])
def test_a_strange_answer_is_reported_in_one_sentence(body: bytes) -> None:
    error = outcome(decoder(), body)["error"]
    assert error is not None
    assert error[0] == "ProviderError"
    assert "not an answer of Ollama's" in error[1]


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}"


def test_a_chain_sends_calls_and_results_by_name(face: Face, openai_server: OpenAIServer) -> None:
    asked = lines(line({"thinking": "Look"}), line(call("weather", {"city": "Oslo"})), line(**LAST))
    openai_server.play(Reply([asked], content_type=NDJSON), Reply([TRANSCRIPTS["text"]], content_type=NDJSON))
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "mine", model_name="qwen3")
    chain = model.chain("Weather?", system="Be brief.", tools=[weather])
    assert face.text(chain).startswith("Fünf")
    assert openai_server.requests[0].path == "/api/chat"
    first, second = (request.json() for request in openai_server.requests)
    assert first["model"] == "qwen3"
    assert first["stream"] is True
    assert first["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Weather?"},
    ]
    assert first["tools"][0]["function"]["name"] == "weather"
    assert second["messages"][2:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"function": {"name": "weather", "arguments": {"city": "Oslo"}}}],
            "thinking": "Look",
        },
        {"role": "tool", "tool_name": "weather", "content": "Sunny in Oslo"},
    ]


def test_options_schemas_and_images_go_where_the_server_expects_them(openai_server: OpenAIServer) -> None:
    model = llm.Ollama("m", base_url=openai_server.base_url, vision=True)
    picture = llm.Attachment(content=b"\x89PNG\r\n\x1a\n", type="image/png")
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    openai_server.play(
        Reply([TRANSCRIPTS["text"]], content_type=NDJSON), Reply.of_json(line({"content": "ok"}, **LAST))
    )
    model.prompt(
        "What?",
        attachments=[picture],
        schema=schema,
        options={
            "temperature": 0.5,
            "max_tokens": 9,
            "num_ctx": 4096,
            "stop": "x",
            "think": "false",
            "keep_alive": "5m",
        },
        timeout=3,
    ).text()
    model.prompt("What?", json_object=True, think="high", stream=False, extra_body={"logprobs": True}).text()
    first, second = (request.json() for request in openai_server.requests)
    assert first["messages"] == [
        {"role": "user", "content": "What?", "images": [base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()]}
    ]
    assert first["format"] == schema
    assert first["options"] == {"temperature": 0.5, "num_ctx": 4096, "stop": ["x"], "num_predict": 9}
    assert (first["think"], first["keep_alive"], first["stream"]) == (False, "5m", True)
    assert (second["format"], second["think"], second["stream"], second["logprobs"]) == ("json", "high", False, True)
    assert "options" not in second


@pytest.mark.parametrize(
    ("configured", "address"),
    [
        (None, "http://127.0.0.1:11434"),
        ("", "http://127.0.0.1:11434"),
        (" example.com ", "http://example.com:11434"),
        ("example.com:1234", "http://example.com:1234"),
        (":1234", "http://127.0.0.1:1234"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("http://example.com", "http://example.com:80"),
        ("https://example.com", "https://example.com:443"),
        ("https://example.com/ollama/", "https://example.com:443/ollama"),
        ("http://example.com:1234/", "http://example.com:1234"),
        ("[::1]", "http://[::1]:11434"),
        ("[::1]:1234", "http://[::1]:1234"),
        ('"example.com"', "http://example.com:11434"),
    ],
)
def test_the_server_that_the_environment_names(configured: str | None, address: str) -> None:
    assert server_address(configured) == address


@given(st.text(max_size=40))
def test_any_name_of_a_server_gives_an_address(configured: str) -> None:
    assert "://" in server_address(configured)


def test_the_environment_is_read_when_the_request_is_sent(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = face.of("Ollama", None, "m")
    monkeypatch.setenv("OLLAMA_HOST", openai_server.base_url.removesuffix("/v1"))
    openai_server.play(Reply([TRANSCRIPTS["text"]], content_type=NDJSON))
    assert face.text(model.prompt("Hi")).startswith("Fünf")
    assert "authorization" not in openai_server.requests[0].headers


def test_the_error_for_a_missing_model_says_how_to_pull_it(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json({"error": "model 'qwen9' not found"}, 404))
    error = face.error_of(face.of("Ollama", openai_server.base_url, "mine", model_name="qwen9"))
    assert str(error) == (
        "mine: the server answered with HTTP 404: model 'qwen9' not found. `ollama pull qwen9` fetches a model of that name."
    )
