"""The requests of generateContent: the server is sent what Google's own library accepts."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.gemini.tools import GeminiCodeExecution, GeminiSearch, GeminiURLContext
from tests.contract.gemini_types import assert_gemini_request
from tests.fakes.faces import Face
from tests.fakes.gemini_answers import TRANSCRIPTS, WHOLE, call_answer, text_answer
from tests.fakes.openai_server import OpenAIServer, Reply

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
WEATHER = llm.Tool("weather", "The weather in a city", {"type": "object", "properties": {"city": {"type": "string"}}})


@pytest.fixture
def sent(face: Face, openai_server: OpenAIServer) -> Any:
    """Return a function that prompts a model which can do everything, and returns the body that the server got after checking its types."""

    def send(*arguments: Any, model: dict[str, Any] | None = None, **keywords: Any) -> Any:
        openai_server.play(text_answer() if keywords.get("stream", True) else Reply.of_json(WHOLE))
        able = {"vision": True, "audio": True, "video": True} | (model or {})
        made = face.of("GeminiModel", openai_server.base_url, "m", model_name="gemini-1", **able)
        face.text(made.prompt(*arguments, **keywords))
        body = openai_server.requests[-1].json()
        assert_gemini_request(body)
        return body

    return send


def test_a_plain_prompt(sent: Any) -> None:
    expected = {
        "contents": [{"role": "user", "parts": [{"text": "Hi 🦤"}]}],
        "systemInstruction": {"parts": [{"text": "Be kind"}]},
    }
    assert sent("Hi 🦤", system="Be kind") == expected
    assert sent("Hi 🦤", system="Be kind", stream=False) == expected


def test_options_are_sent_under_the_servers_names(sent: Any) -> None:
    body = sent(
        "Hi", temperature=0, max_output_tokens=5, top_p=0.5, top_k=4, seed=1, stop_sequences='["a", "b"]',
        json_object=True, media_resolution="low", tool_choice="any", tools=[WEATHER],
        extra_body='{"generationConfig": {"presencePenalty": 1}, "safetySettings": []}',
    )  # fmt: skip
    assert body["generationConfig"] == {
        "temperature": 0,
        "maxOutputTokens": 5,
        "topP": 0.5,
        "topK": 4,
        "seed": 1,
        "stopSequences": ["a", "b"],
        "responseMimeType": "application/json",
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
        "presencePenalty": 1,
    }
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert body["safetySettings"] == []
    assert sent("Hi", max_tokens=7)["generationConfig"] == {"maxOutputTokens": 7}
    only = {"mode": "ANY", "allowedFunctionNames": ["f"]}
    assert sent("Hi", tool_choice=only)["toolConfig"] == {"functionCallingConfig": only}


@pytest.mark.parametrize(
    ("kind", "options", "thinking"),
    [
        ("", {}, None),
        ("level", {}, {"includeThoughts": True}),
        ("level", {"thinking_level": "low"}, {"includeThoughts": True, "thinkingLevel": "LOW"}),
        ("budget", {"thinking_budget": 0}, {"includeThoughts": True, "thinkingBudget": 0}),
        ("level", {"hide_reasoning": True}, None),
    ],
)
def test_how_a_model_is_asked_to_reason(sent: Any, kind: str, options: Any, thinking: Any) -> None:
    assert sent("Hi", model={"thinking": kind}, **options).get("generationConfig", {}).get("thinkingConfig") == thinking


def test_a_schema_goes_as_it_is(sent: Any) -> None:
    schema = {"title": "Dog", "type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}}
    assert sent("Hi", schema=schema, temperature=1)["generationConfig"] == {
        "temperature": 1,
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }


def test_attachments(sent: Any) -> None:
    attachments = [
        llm.Attachment(content=PNG),
        llm.Attachment("audio/mpeg", content=b"x"),
        llm.Attachment("video/mp4", url="https://example.org/a"),
    ]
    assert sent("See", attachments=attachments)["contents"][0]["parts"] == [
        {"text": "See"},
        {"inlineData": {"mimeType": "image/png", "data": base64.b64encode(PNG).decode()}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": "eA=="}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "https://example.org/a"}},
    ]


def test_tool_calls_and_their_results_go_back(sent: Any) -> None:
    picture = llm.Attachment("image/png", content=b"x")
    messages = [
        llm.user("Weather?"),
        llm.assistant(
            llm.ReasoningPart("Hm"),
            llm.ToolCallPart("weather", {"city": "Zürich"}, "tc_01"),
            llm.ToolCallPart("search", {}, "call_s", server_executed=True),
            llm.ToolResultPart("search", "x", "call_s", server_executed=True),
            llm.ToolCallPart("weather", {}, "call_7"),
        ),
        llm.tool_message(
            llm.ToolResultPart("weather", "rain", "tc_01", attachments=[picture]),
            llm.ToolResultPart("weather", "Error: no city", "call_7", exception="KeyError: 'city'"),
        ),
    ]
    body = sent(messages=messages, tools=[WEATHER])
    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "The weather in a city",
                    "parametersJsonSchema": WEATHER.input_schema,
                }
            ]
        }
    ]
    assert body["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "weather", "args": {"city": "Zürich"}}},
                {"functionCall": {"id": "call_7", "name": "weather", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "response": {"output": "rain"}}},
                {"functionResponse": {"id": "call_7", "name": "weather", "response": {"error": "Error: no city"}}},
                {"inlineData": {"mimeType": "image/png", "data": "eA=="}},
            ],
        },
    ]


@pytest.mark.parametrize("name", ["signed text", "signature in between", "code", "searched", "reasoning and calls"])
def test_what_the_model_said_goes_back_on_the_parts_it_came_on(
    face: Face, openai_server: OpenAIServer, name: str
) -> None:
    openai_server.play(Reply([TRANSCRIPTS[name]]), text_answer("fine"))
    response = face.of("GeminiModel", openai_server.base_url, "m").prompt("Go")
    face.text(response)
    [candidate] = face.do(response.json())["candidates"]
    results = [
        llm.ToolResult(call.name, "ok", tool_call_id=call.tool_call_id) for call in face.do(response.tool_calls())
    ]
    reply = response.reply("On", tool_results=results)
    face.text(face.do(reply) if face.is_async else reply)
    body = openai_server.requests[1].json()
    assert_gemini_request(body)
    unsigned_thoughts = [part for part in candidate["content"]["parts"] if part.get("thought")]
    sent_back = [part for part in candidate["content"]["parts"] if part not in unsigned_thoughts]
    assert body["contents"][1] == {"role": "model", "parts": sent_back}


def test_a_chain_answers_calls_without_ids_in_their_order(face: Face, openai_server: OpenAIServer) -> None:
    def weather(city: str) -> str:
        return f"rain in {city}"

    openai_server.play(call_answer("weather", {"city": "Oslo"}), text_answer("Rain."))
    chain = face.of("GeminiModel", openai_server.base_url, "m").chain("Weather?", tools=[weather])
    assert face.text(chain) == "Rain."
    contents = openai_server.requests[1].json()["contents"]
    assert contents[1:] == [
        {
            "role": "model",
            "parts": [
                {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "CsYB"},
            ],
        },
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "weather", "response": {"output": "rain in Oslo"}}}],
        },
    ]
    assert contents[0] == openai_server.requests[0].json()["contents"][0]


def test_the_providers_own_tools(sent: Any) -> None:
    tools = [GeminiSearch(), GeminiURLContext(), GeminiCodeExecution(), llm.ServerSideTool({"googleMaps": {}}), WEATHER]
    body = sent("Hi", tools=tools, model={"thinking": "level"})
    assert [next(iter(tool)) for tool in body["tools"]] == [
        "googleSearch",
        "urlContext",
        "codeExecution",
        "googleMaps",
        "functionDeclarations",
    ]
    assert body["toolConfig"] == {
        "includeServerSideToolInvocations": True,
        "functionCallingConfig": {"mode": "VALIDATED"},
    }
    assert "toolConfig" not in sent("Hi", tools=[GeminiSearch()], model={"thinking": "budget"})


def test_key_and_path(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_answer())
    model = face.of("GeminiModel", openai_server.base_url, "m", key=" k-1 ", model_name="tuned/a?b")
    face.text(model.prompt("Hi"))
    [request] = openai_server.requests
    assert request.path == "/v1/models/tuned%2Fa%3Fb:streamGenerateContent?alt=sse"
    assert request.headers["x-goog-api-key"] == "k-1"
    assert "authorization" not in request.headers
