"""The requests of Chat Completions: what a server is sent."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pydantic
import pytest

import llm_notebook as llm
from llm_notebook.providers.openai.chat_requests import chat_body, chat_body_text, chat_messages
from llm_notebook.providers.openai.dialects import DIALECTS
from llm_notebook.turns.messages.encoded import EncodedMessages
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, text_reply

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
TOOL = llm.Tool("weather", "The weather in a city", {"type": "object", "properties": {"city": {"type": "string"}}})


class Dog(pydantic.BaseModel):
    name: str


@pytest.fixture
def sent(face: Face, openai_server: OpenAIServer) -> Any:
    """Return a function that prompts a model which can do everything, and returns the body that the server got."""

    def send(*arguments: Any, base_url: str | None = None, **keywords: Any) -> Any:
        openai_server.play(text_reply("ok"))
        model = face.openai(
            base_url or openai_server.base_url, model_name="m-1", vision=True, audio=True, reasoning=True
        )
        face.text(model.prompt(*arguments, **keywords))
        return openai_server.requests[-1].json()

    return send


def test_a_plain_prompt(sent: Any) -> None:
    assert sent("Hi 🦤", system="Be kind") == {
        "model": "m-1",
        "messages": [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Hi 🦤"}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_options_are_sent_under_the_servers_names(sent: Any) -> None:
    body = sent("Hi", temperature=0, max_tokens=5, options={"seed": 1}, stop='["a", "b"]', reasoning_effort="low")
    assert body["temperature"] == 0
    assert body["max_tokens"] == 5
    assert body["seed"] == 1
    assert body["stop"] == ["a", "b"]
    assert body["reasoning_effort"] == "low"
    assert sent("Hi", extra_body='{"top_k": 5}')["top_k"] == 5
    assert sent("Hi", json_object=True)["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("stop", "END", "END"),
        ("stop", ' ["a", "b"]', ["a", "b"]),
        ("stop", ["a"], ["a"]),
        ("tool_choice", "required", "required"),
        ("tool_choice", '{"type": "function"}', {"type": "function"}),
        ("tool_choice", {"type": "function"}, {"type": "function"}),
        ("logit_bias", '{"107": 9}', {"107": 9}),
        ("logit_bias", {"107": 9}, {"107": 9}),
    ],
)
def test_structured_options_may_be_given_as_text(sent: Any, name: str, given: Any, expected: Any) -> None:
    assert sent("Hi", **{name: given})[name] == expected


def test_a_schema_becomes_a_response_format(sent: Any) -> None:
    schema = {"title": "A dog!", "type": "object", "properties": {"name": {"type": "string"}}}
    assert sent("Hi", schema=schema)["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "A_dog_", "schema": schema},
    }
    assert sent("Hi", schema=Dog)["response_format"]["json_schema"] == {
        "name": "Dog",
        "schema": Dog.model_json_schema(),
    }


def test_tools_are_described(sent: Any) -> None:
    assert sent("Hi", tools=[TOOL])["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "weather",
                "description": "The weather in a city",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
            },
        }
    ]


def test_an_image_is_sent_as_a_data_url_and_a_url_as_it_is(sent: Any, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(PNG)
    data_url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    attachments = [
        llm.Attachment(content=PNG),
        llm.Attachment(path=str(path)),
        llm.Attachment(url="https://example.org/a.jpg?x=1"),
    ]
    assert sent("See", attachments=attachments)["messages"][0]["content"] == [
        {"type": "text", "text": "See"},
        {"type": "image_url", "image_url": {"url": data_url}},
        {"type": "image_url", "image_url": {"url": data_url}},
        {"type": "image_url", "image_url": {"url": "https://example.org/a.jpg?x=1"}},
    ]


def test_sound_and_documents(sent: Any) -> None:
    sound, document = llm.Attachment("audio/wav", content=b"RIFF"), llm.Attachment("application/pdf", content=b"%PDF-")
    assert sent(attachments=[sound, document])["messages"][0]["content"] == [
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {
            "type": "file",
            "file": {"filename": f"{document.id()[:16]}.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        },
    ]


def test_tool_calls_and_their_results_go_back() -> None:
    picture = llm.Attachment("image/png", content=b"x")
    history = [
        llm.user("Weather?"),
        llm.assistant(
            llm.ReasoningPart("Hm", provider_metadata={"reasoning_details": [{"text": "Hm"}]}),
            llm.ToolCallPart("weather", {"city": "Zürich"}, "call_a"),
            llm.ToolCallPart("search", {}, "call_s", server_executed=True),
        ),
        llm.tool_message(llm.ToolResultPart("weather", "rain", "call_a", attachments=[picture])),
    ]
    assert chat_messages(history) == [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_a",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Zürich"}'},
                }
            ],
            "reasoning_details": [{"text": "Hm"}],
        },
        {"role": "tool", "tool_call_id": "call_a", "content": "rain"},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,eA=="}}]},
    ]


def test_reasoning_of_another_provider_is_not_sent() -> None:
    thought = [llm.ReasoningPart("Hm"), llm.ReasoningPart("Hm", provider_metadata={"signature": "s"})]
    text = llm.TextPart("Yo", {"reasoning_details": ["not a thought"]})
    assert chat_messages([llm.assistant(*thought, text)]) == [{"role": "assistant", "content": "Yo"}]


def test_calls_without_ids_are_matched_with_their_results_by_name() -> None:
    encoded = chat_messages(
        [
            llm.assistant(llm.ToolCallPart("f", {"n": 1}), llm.ToolCallPart("g"), llm.ToolCallPart("f", {"n": 2})),
            llm.tool_message(llm.ToolResultPart("g", "G"), llm.ToolResultPart("f", "1"), llm.ToolResultPart("f", "2")),
        ]
    )
    ids = [call["id"] for call in encoded[0]["tool_calls"]]
    assert len(set(ids)) == 3
    assert {message["tool_call_id"]: message["content"] for message in encoded[1:]} == dict(
        zip(ids, ["1", "G", "2"], strict=True)
    )


def test_an_assistants_text_may_be_empty() -> None:
    assert chat_messages([llm.assistant("")]) == [{"role": "assistant", "content": ""}]


def test_lone_surrogates_do_not_stop_a_request(sent: Any) -> None:
    assert sent("a\ud83db")["messages"][0]["content"] == "a?b"


def test_own_headers_and_key_are_sent(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("ok"))
    face.text(face.openai(openai_server.base_url, key=" sk-1 ", headers={"X-Team": "blue"}).prompt("Hi"))
    [request] = openai_server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-1"
    assert request.headers["x-team"] == "blue"
    assert request.headers["content-type"] == "application/json"


def test_a_server_on_http_needs_no_key(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("ok"))
    assert face.text(face.openai(openai_server.base_url).prompt("Hi")) == "ok"
    assert "authorization" not in openai_server.requests[0].headers


def test_the_body_is_compact_json(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("ok"))
    face.text(face.openai(openai_server.base_url).prompt("Hi"))
    body = openai_server.requests[0].body.decode()
    assert body == json.dumps(json.loads(body), separators=(",", ":"))


def test_a_round_is_sent_the_same_whether_or_not_earlier_messages_were_encoded_before() -> None:
    history = [
        llm.system("S"),
        llm.user("é"),
        llm.assistant("Hm", llm.ToolCallPart("f", {"x": "ü"}, "1"), llm.ToolCallPart("g", {}, "2")),
        llm.tool_message(llm.ToolResultPart("f", "a", "1"), llm.ToolResultPart("g", "b", "2")),
        llm.tool_message(),
        llm.assistant(llm.ToolCallPart("f", {})),
    ]
    options = {"temperature": 0.5}
    known = EncodedMessages()
    for count in range(1, len(history) + 1):
        prompt = llm.Prompt(None, None, messages=history[:count])
        prompt.encoded = known
        whole = chat_body(prompt, "m", stream=True, options=options)
        for _ in range(2):
            assert json.loads(chat_body_text(prompt, "m", stream=True, options=options)) == whole
    assert len(known.in_form(("chat", DIALECTS[""], ""), history)) == 5
