"""The requests of Messages: the server is sent what Anthropic's own library accepts."""

from __future__ import annotations

import base64
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.anthropic.schemas import strict_schema
from llm_notebook.providers.anthropic.tools import AnthropicCodeExecution, AnthropicWebFetch, AnthropicWebSearch
from tests.contract.anthropic_types import assert_messages_request
from tests.fakes.anthropic_answers import TRANSCRIPTS, call_answer, text_answer
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply

PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89"
WEATHER = llm.Tool("weather", "The weather in a city", {"type": "object", "properties": {"city": {"type": "string"}}})
EPHEMERAL = {"type": "ephemeral"}


@pytest.fixture
def sent(face: Face, openai_server: OpenAIServer) -> Any:
    """Return a function that prompts a model which can do everything, and returns the body that the server got after checking its types."""

    def send(*arguments: Any, model: dict[str, Any] | None = None, **keywords: Any) -> Any:
        openai_server.play(text_answer() if keywords.get("stream", True) else Reply.of_json(ANSWER))
        able = {"vision": True, "thinking": "default", "max_output": 900} | (model or {})
        made = face.of("AnthropicMessages", openai_server.base_url, "m", model_name="claude-1", **able)
        face.text(made.prompt(*arguments, **keywords))
        body = openai_server.requests[-1].json()
        assert_messages_request(body)
        return body

    return send


ANSWER = {"type": "message", "role": "assistant", "content": [], "stop_reason": "end_turn"}


def test_a_plain_prompt(sent: Any) -> None:
    assert sent("Hi 🦤", system="Be kind", model={"thinking": ""}) == {
        "model": "claude-1",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi 🦤"}]}],
        "max_tokens": 900,
        "stream": True,
        "system": "Be kind",
    }


def test_an_answer_that_is_not_streamed_is_limited_to_what_takes_ten_minutes(sent: Any) -> None:
    assert sent("Hi", model={"max_output": 128_000})["max_tokens"] == 128_000
    body = sent("Hi", model={"max_output": 128_000}, stream=False)
    assert body["max_tokens"] == 21_000
    assert "stream" not in body
    assert sent("Hi", model={"max_output": 128_000}, stream=False, max_tokens=64_000)["max_tokens"] == 64_000


def test_options_are_sent_under_the_servers_names(sent: Any) -> None:
    body = sent(
        "Hi", max_tokens=5, stop_sequences='["a", "b"]', user_id="u1", service_tier="auto", tool_choice="any",
        parallel_tool_calls=False, tools=[WEATHER], extra_body='{"container": "c1"}',
    )  # fmt: skip
    assert body["max_tokens"] == 5
    assert body["stop_sequences"] == ["a", "b"]
    assert body["metadata"] == {"user_id": "u1"}
    assert body["service_tier"] == "auto"
    assert body["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}
    assert body["container"] == "c1"
    assert sent("Hi", stop_sequences="END")["stop_sequences"] == ["END"]
    assert sent("Hi", tool_choice='{"type": "tool", "name": "f"}')["tool_choice"] == {"type": "tool", "name": "f"}


def test_sampling_options(face: Face, openai_server: OpenAIServer) -> None:
    # Older models take these options. The official types do not have them, since newer models take none.
    openai_server.play(text_answer())
    model = face.of("AnthropicMessages", openai_server.base_url, "m")
    face.text(model.prompt("Hi", temperature=0, top_p=0.5, top_k=4))
    body = openai_server.requests[0].json()
    assert (body["temperature"], body["top_p"], body["top_k"]) == (0, 0.5, 4)


@pytest.mark.parametrize(
    ("kind", "options", "thinking"),
    [
        ("budget", {}, None),
        ("budget", {"thinking": True}, {"type": "enabled", "budget_tokens": 1024}),
        ("budget", {"thinking_budget": 2000, "max_tokens": 3000}, {"type": "enabled", "budget_tokens": 2000}),
        ("adaptive", {}, None),
        ("adaptive", {"thinking": True}, {"type": "adaptive", "display": "summarized"}),
        ("adaptive", {"thinking_effort": "low"}, {"type": "adaptive", "display": "summarized"}),
        ("default", {}, {"type": "adaptive", "display": "summarized"}),
        ("default", {"hide_reasoning": True}, {"type": "adaptive", "display": "omitted"}),
        ("default", {"thinking": False}, {"type": "disabled"}),
        ("between_tools", {"thinking": False}, {"type": "between_tools"}),
        ("always", {}, {"type": "adaptive", "display": "summarized"}),
    ],
)
def test_how_a_model_is_asked_to_reason(sent: Any, kind: str, options: Any, thinking: Any) -> None:
    body = sent("Hi", model={"thinking": kind}, **options)
    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == options.get("thinking_effort")


@pytest.mark.parametrize(
    ("options", "budget", "limit"),
    [
        ({"max_tokens": 2000, "thinking": True}, 1024, 2000),
        ({"max_tokens": 20_000, "thinking": True}, 4096, 20_000),
        ({"max_tokens": 5000, "thinking": True}, 2500, 5000),
        ({"extra_body": {"max_tokens": 5000}, "thinking": True}, 2500, 5000),
        ({"thinking_budget": 9000}, 9000, 10_024),
    ],
)
def test_reasoning_leaves_room_for_the_answer(sent: Any, options: Any, budget: int, limit: int) -> None:
    body = sent("Hi", model={"thinking": "budget"}, **options)
    assert (body["thinking"]["budget_tokens"], body["max_tokens"]) == (budget, limit)


def test_a_limit_without_room_for_reasoning_is_kept_and_said(sent: Any) -> None:
    with pytest.warns(UserWarning, match="max_tokens=500 leaves no room for reasoning"):
        body = sent("Hi", model={"thinking": "budget"}, thinking=True, max_tokens=500)
    assert "thinking" not in body
    assert body["max_tokens"] == 500


def test_a_budget_that_takes_the_whole_answer_is_refused(face: Face, openai_server: OpenAIServer) -> None:
    model = face.of("AnthropicMessages", openai_server.base_url, "m", thinking="budget")
    with pytest.raises(llm.ModelError, match="thinking_budget=2000 must be less than max_tokens=2000"):
        face.text(model.prompt("Hi", thinking_budget=2000, max_tokens=2000))
    assert openai_server.requests == []


def test_a_model_that_always_reasons_cannot_be_asked_not_to(face: Face, openai_server: OpenAIServer) -> None:
    model = face.of("AnthropicMessages", openai_server.base_url, "m", thinking="always")
    with pytest.raises(llm.ModelError, match="thinking_effort=low"):
        face.text(model.prompt("Hi", thinking=False))
    assert openai_server.requests == []


def test_a_schema_becomes_an_output_format(sent: Any) -> None:
    schema = {
        "title": "Dog",
        "type": "object",
        "properties": {"age": {"type": "integer", "minimum": 0, "description": "In years"}},
        "required": ["age"],
    }
    body = sent("Hi", schema=schema, thinking_effort="low")
    assert body["output_config"] == {
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "title": "Dog",
                "type": "object",
                "properties": {"age": {"type": "integer", "description": "In years\n\nminimum: 0"}},
                "required": ["age"],
                "additionalProperties": False,
            },
        },
    }


def test_schemas_are_closed_all_the_way_down() -> None:
    schema = {
        "$defs": {"Leg": {"type": "object", "properties": {"n": {"type": "string", "format": "x-y", "pattern": "^a"}}}},
        "type": "object",
        "additionalProperties": True,
        "properties": {
            "legs": {"type": "array", "items": {"$ref": "#/$defs/Leg"}, "minItems": 1, "maxItems": 4},
            "tail": {"oneOf": [{"type": "object"}, {"type": "null"}]},
            "when": {"type": "string", "format": "date", "default": "now"},
        },
    }
    assert strict_schema(schema) == {
        "$defs": {
            "Leg": {
                "type": "object",
                "properties": {"n": {"type": "string", "description": 'format: "x-y", pattern: "^a"'}},
                "additionalProperties": False,
            }
        },
        "type": "object",
        "properties": {
            "legs": {
                "type": "array",
                "items": {"$ref": "#/$defs/Leg"},
                "minItems": 1,
                "description": "maxItems: 4",
            },
            "tail": {"anyOf": [{"properties": {}, "type": "object", "additionalProperties": False}, {"type": "null"}]},
            "when": {"type": "string", "format": "date"},
        },
        "additionalProperties": False,
    }


def test_attachments(sent: Any) -> None:
    data = base64.b64encode(PNG).decode()
    attachments = [
        llm.Attachment(content=PNG),
        llm.Attachment(url="https://example.org/a.jpg?x=1"),
        llm.Attachment("application/pdf", content=b"%PDF-"),
        llm.Attachment("text/plain", content="Fünf".encode()),
    ]
    assert sent("See", attachments=attachments)["messages"][0]["content"] == [
        {"type": "text", "text": "See"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.jpg?x=1"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Fünf"}},
    ]


def test_tool_calls_and_their_results_go_back(sent: Any) -> None:
    picture = llm.Attachment("image/png", content=b"x")
    messages = [
        llm.user("Weather?"),
        llm.assistant(
            llm.ReasoningPart("From another provider"),
            llm.TextPart(" "),
            llm.ToolCallPart("weather", {"city": "Zürich"}, "functions.weather:0"),
            llm.ToolCallPart("search", {}, "call_s", server_executed=True),
            llm.ToolResultPart("search", "x", "call_s", server_executed=True),
            llm.ToolCallPart("weather", {}),
        ),
        llm.tool_message(
            llm.ToolResultPart("weather", "rain", "functions.weather:0", attachments=[picture]),
            llm.ToolResultPart("weather", "Error: no city", exception="KeyError: 'city'"),
        ),
        llm.user("And now?"),
    ]
    body = sent(messages=messages, tools=[WEATHER])
    assert body["tools"] == [
        {"name": "weather", "description": "The weather in a city", "input_schema": WEATHER.input_schema}
    ]
    assert body["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {"type": "tool_use", "id": "functions_weather_0", "name": "weather", "input": {"city": "Zürich"}},
                {"type": "tool_use", "id": "call_0", "name": "weather", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "functions_weather_0",
                    "content": [
                        {"type": "text", "text": "rain"},
                        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "eA=="}},
                    ],
                },
                {"type": "tool_result", "tool_use_id": "call_0", "content": "Error: no city", "is_error": True},
                {"type": "text", "text": "And now?"},
            ],
        },
    ]


def test_system_messages_are_joined(sent: Any) -> None:
    body = sent(messages=[llm.system("A"), llm.user("x"), llm.system("B"), llm.user("y")])
    assert body["system"] == "A\n\nB"
    assert [message["role"] for message in body["messages"]] == ["user"]


@pytest.mark.parametrize("name", ["reasoning and a call", "web search"])
def test_what_the_model_said_goes_back_unchanged_and_in_order(
    face: Face, openai_server: OpenAIServer, name: str
) -> None:
    openai_server.play(Reply([TRANSCRIPTS[name]]), text_answer("fine"))
    model = face.of("AnthropicMessages", openai_server.base_url, "m", model_name="claude-1")
    response = model.prompt("Go")
    face.text(response)
    content = face.do(response.json())["content"]
    results = [
        llm.ToolResult(call.name, "ok", tool_call_id=call.tool_call_id) for call in face.do(response.tool_calls())
    ]
    reply = response.reply("On", tool_results=results)
    face.text(face.do(reply) if face.is_async else reply)
    body = openai_server.requests[1].json()
    assert_messages_request(body)
    assert body["messages"][1] == {"role": "assistant", "content": content}


def test_reasoning_of_another_model_stays_away(sent: Any) -> None:
    def thought(model: str) -> llm.Message:
        kept = {"anthropic": {"signature": "s", "model": model}}
        return llm.assistant(llm.ReasoningPart("Hm", provider_metadata=kept), "ok")

    body = sent(messages=[llm.user("a"), thought("claude-1"), llm.user("b"), thought("claude-2"), llm.user("c")])
    kinds = [[block["type"] for block in message["content"]] for message in body["messages"]]
    assert kinds == [["text"], ["thinking", "text"], ["text"], ["text"], ["text"]]


def test_tools_system_prompt_and_conversation_are_cached_when_asked_for(
    face: Face, openai_server: OpenAIServer
) -> None:
    openai_server.play(call_answer("weather", {"city": "Oslo"}), text_answer("Rain."))

    def weather(city: str) -> str:
        return "rain"

    def now() -> str:
        return "noon"

    model = face.of("AnthropicMessages", openai_server.base_url, "m")
    chain = model.chain("Weather?", system_fragments=["Long"], system="Be kind", tools=[weather, now], cache=True)
    assert face.text(chain) == "Rain."
    first, second = (request.json() for request in openai_server.requests)
    for body in (first, second):
        assert_messages_request(body)
        assert body["system"] == [{"type": "text", "text": "Long\n\nBe kind", "cache_control": EPHEMERAL}]
        assert [tool.get("cache_control") for tool in body["tools"]] == [None, EPHEMERAL]
        marked = [block.get("cache_control") for message in body["messages"] for block in message["content"]]
        assert marked == [None] * (len(marked) - 1) + [EPHEMERAL]


def test_the_providers_own_tools(sent: Any) -> None:
    tools = [
        AnthropicWebSearch(max_uses=3, allowed_domains=["example.org"], user_location={"city": "Oslo"}),
        AnthropicWebFetch(citations=True),
        AnthropicCodeExecution(container="c1"),
        llm.ServerSideTool({"type": "bash_20250124", "name": "bash"}),
        WEATHER,
    ]
    body = sent("Hi", tools=tools)
    assert [tool.get("type") for tool in body["tools"]] == [
        "web_search_20260318",
        "web_fetch_20260318",
        "code_execution_20260521",
        "bash_20250124",
        None,
    ]
    assert body["tools"][0]["user_location"] == {"type": "approximate", "city": "Oslo"}
    assert body["tools"][1]["citations"] == {"enabled": True}
    assert body["container"] == "c1"
    older = sent("Hi", tools=tools, model={"thinking": "budget"})
    assert [tool.get("type") for tool in older["tools"]][:3] == [
        "web_search_20250305",
        "web_fetch_20250910",
        "code_execution_20250825",
    ]
    with pytest.raises(ValueError, match="not both"):
        AnthropicWebSearch(allowed_domains=["a"], blocked_domains=["b"])


def test_key_and_headers(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_answer(), text_answer())
    keyed = face.of("AnthropicMessages", openai_server.base_url, "m", key=" sk-1 ", headers={"X-Team": "blue"})
    face.text(keyed.prompt("Hi"))
    plain = face.of("AnthropicMessages", openai_server.base_url, "m")
    face.text(plain.prompt("Hi", extra_body={"betas": ["a-1", "b-2"]}))
    first, second = openai_server.requests
    assert first.path == "/v1/messages"
    assert first.headers["x-api-key"] == "sk-1"
    assert first.headers["anthropic-version"] == "2023-06-01"
    assert first.headers["x-team"] == "blue"
    assert "authorization" not in first.headers
    assert second.headers["anthropic-beta"] == "a-1,b-2"
    assert "betas" not in second.json()
    assert "x-api-key" not in second.headers


def test_a_round_is_sent_the_same_whether_or_not_earlier_messages_were_encoded_before(
    face: Face, openai_server: OpenAIServer
) -> None:
    def weather(city: str) -> str:
        return "rain"

    openai_server.play(*[call_answer("weather", {"city": "Oslo"}, f"toolu_{n}") for n in range(3)], text_answer("ok"))
    model = face.of("AnthropicMessages", openai_server.base_url, "m")
    chain = model.chain("Weather?", system="S", tools=[weather])
    assert face.text(chain) == "ok"
    *_, before, last = (request.json()["messages"] for request in openai_server.requests)
    assert last[: len(before)] == before
    openai_server.play(text_answer("ok"))
    history = [*(response for response in face.responses(chain))][-1].prompt.messages
    face.text(model.prompt(messages=history, tools=[weather]))
    assert openai_server.requests[-1].json()["messages"] == last
