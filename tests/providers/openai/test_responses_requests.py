"""The requests of Responses: the official SDK's types accept them, and history is sent back as it came."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.openai.responses_answers import ResponsesDecoder
from tests.contract.openai_types import assert_responses_request
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.responses import call_item, message_item, reasoning_item, response_reply

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.4\n%%EOF"
SEARCH = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "pelicans", "queries": ["pelicans"]},
}


def weather(city: str) -> str:
    """The weather in a city."""
    return f"Sunny in {city}"


def body_of(prompt: llm.Response | llm.AsyncResponse) -> Any:
    """Return the body that would be sent for a prompt, after checking it against the SDK's types."""
    prompt.prompt.freeze()
    model: Any = prompt.model
    request, _, _ = model._exchange(prompt.prompt, prompt.stream, None)
    body = json.loads(request.body)
    assert_responses_request(body)
    return body


def model(**arguments: Any) -> llm.OpenAIResponses:
    return llm.OpenAIResponses("gpt-test", **{"reasoning": True, "vision": True, **arguments})


def test_a_prompt_is_sent_without_being_stored() -> None:
    body = body_of(model().prompt("Hi", system="Be brief."))
    assert body == {
        "model": "gpt-test",
        "input": [
            {"type": "message", "role": "system", "content": "Be brief."},
            {"type": "message", "role": "user", "content": "Hi"},
        ],
        "store": False,
        "stream": True,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"summary": "auto"},
    }


def test_a_model_that_does_not_reason_is_not_asked_for_reasoning() -> None:
    body = body_of(model(reasoning=False).prompt("Hi", stream=False))
    assert body.keys() == {"model", "input", "store"}


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ({"hide_reasoning": True}, None),
        ({"reasoning_summary": "none"}, None),
        ({"reasoning_summary": "detailed", "reasoning_effort": "low"}, {"effort": "low", "summary": "detailed"}),
        ({"hide_reasoning": True, "reasoning_effort": "high"}, {"effort": "high"}),
    ],
)
def test_how_reasoning_is_asked_for(asked: dict[str, Any], sent: dict[str, str] | None) -> None:
    assert body_of(model().prompt("Hi", **asked)).get("reasoning") == sent


def test_options_go_where_the_api_wants_them() -> None:
    body = body_of(
        model().prompt(
            "Hi",
            temperature=0.5,
            max_tokens=99,
            verbosity="low",
            json_object=True,
            parallel_tool_calls=False,
            truncation="auto",
            service_tier="flex",
            tool_choice={"type": "function", "function": {"name": "weather"}},
            tools=[weather],
            extra_body={"user": "me"},
            timeout=5,
            max_retries=0,
        )
    )
    assert body["max_output_tokens"] == 99
    assert body["text"] == {"verbosity": "low", "format": {"type": "json_object"}}
    assert body["tool_choice"] == {"type": "function", "name": "weather"}
    assert (body["user"], body["truncation"], body["service_tier"]) == ("me", "auto", "flex")
    assert not {"timeout", "max_retries", "json_object", "verbosity", "max_tokens"} & body.keys()


def test_tools_are_flat_and_not_strict_by_accident() -> None:
    [tool] = body_of(model().prompt("Hi", tools=[weather]))["tools"]
    assert tool == {
        "type": "function",
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": False,
    }


def test_a_schema_is_the_format_of_the_text() -> None:
    schema = {"title": "A dog!", "type": "object", "properties": {"name": {"type": "string"}}}
    text = body_of(model().prompt("A dog", schema=schema, verbosity="high"))["text"]
    assert text == {"verbosity": "high", "format": {"type": "json_schema", "name": "A_dog_", "schema": schema}}


def test_attachments_are_sent_beside_the_text() -> None:
    attachments = [
        llm.Attachment(content=PNG, type="image/png"),
        llm.Attachment(url="https://a.example/b.png", type="image/png"),
        llm.Attachment(content=PDF, type="application/pdf"),
        llm.Attachment(url="https://a.example/b.pdf", type="application/pdf"),
    ]
    [message] = body_of(model().prompt("What is this?", attachments=attachments))["input"]
    text, png, png_url, pdf, pdf_url = message["content"]
    assert text == {"type": "input_text", "text": "What is this?"}
    assert png["image_url"] == "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert png_url == {"type": "input_image", "image_url": "https://a.example/b.png", "detail": "auto"}
    assert pdf["file_data"] == "data:application/pdf;base64," + base64.b64encode(PDF).decode()
    assert pdf["filename"].endswith(".pdf")
    assert pdf_url == {"type": "input_file", "file_url": "https://a.example/b.pdf"}


def test_a_tool_result_may_hold_pictures() -> None:
    picture = llm.Attachment(content=PNG, type="image/png")
    history = [
        llm.user("Look"),
        llm.assistant(llm.ToolCallPart("look", {}, "call_a")),
        llm.tool_message(llm.ToolResultPart("look", "Here", "call_a", attachments=[picture])),
    ]
    result = body_of(model().prompt(messages=history))["input"][-1]
    assert result["call_id"] == "call_a"
    assert [block["type"] for block in result["output"]] == ["input_text", "input_image"]


def test_calls_without_ids_are_given_some_that_match() -> None:
    history = [
        llm.user("Weather?"),
        llm.assistant(llm.ToolCallPart("weather", {"city": "Oslo"}), llm.ToolCallPart("weather", {"city": "Rome"})),
        llm.tool_message(llm.ToolResultPart("weather", "Rain"), llm.ToolResultPart("weather", "Sun")),
    ]
    calls = body_of(model().prompt(messages=history))["input"][1:]
    assert [item["call_id"] for item in calls] == ["call_0", "call_1", "call_0", "call_1"]


def test_an_answer_goes_back_item_for_item_in_its_order(face: Face, openai_server: OpenAIServer) -> None:
    said = message_item("Let me look.") | {"phase": "commentary"}
    items = [reasoning_item("Hm."), SEARCH, said, call_item("call_a", "weather", '{"city": "Oslo"}')]
    openai_server.play(response_reply(*items), response_reply(message_item("Sunny.")))
    asked = face.of("OpenAIResponses", openai_server.base_url, reasoning=True).prompt("Weather?", tools=[weather])
    assert face.text(face.do(asked.reply())) == "Sunny."
    body = openai_server.requests[1].json()
    assert_responses_request(body)
    _, *back, result = body["input"]
    assert [item["type"] for item in back] == ["reasoning", "web_search_call", "message", "function_call"]
    assert back[0] == reasoning_item("Hm.")
    assert back[1] == SEARCH
    assert (back[2]["id"], back[2]["phase"], back[2]["content"][0]["text"]) == ("msg_1", "commentary", "Let me look.")
    assert (back[3]["id"], back[3]["call_id"]) == ("fc_call_a", "call_a")
    assert result == {"type": "function_call_output", "call_id": "call_a", "output": "Sunny in Oslo"}


def test_the_rounds_of_a_chain_encode_what_is_new(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(
        response_reply(reasoning_item(), call_item("call_a", "weather", '{"city": "Oslo"}')),
        response_reply(reasoning_item(), call_item("call_b", "weather", '{"city": "Rome"}')),
        response_reply(message_item("Both sunny.")),
    )
    chain = face.of("OpenAIResponses", openai_server.base_url, reasoning=True).chain("Weather?", tools=[weather])
    assert face.text(chain) == "Both sunny."
    inputs = [request.json()["input"] for request in openai_server.requests]
    assert inputs[1][:1] == inputs[0]
    assert inputs[2][:4] == inputs[1]
    assert [item["type"] for item in inputs[2][4:]] == ["reasoning", "function_call", "function_call_output"]


def test_reasoning_of_others_is_not_sent() -> None:
    history = [
        llm.user("Hi"),
        llm.assistant(
            llm.ReasoningPart("Hm", provider_metadata={"anthropic": {"signature": "x"}}),
            llm.ReasoningPart("", provider_metadata={"openai": {"item": {"type": "reasoning", "id": "rs_9"}}}),
            llm.TextPart("Hello"),
        ),
        llm.user("And now?"),
    ]
    kinds = [(item["type"], item.get("role")) for item in body_of(model().prompt(messages=history))["input"]]
    assert kinds == [("message", "user"), ("message", "assistant"), ("message", "user")]


def test_the_providers_own_tools_are_sent_as_they_describe_themselves() -> None:
    tools = [
        llm.OpenAIWebSearch(search_context_size="low", allowed_domains=["a.example"], country="NO"),
        llm.OpenAICodeInterpreter(),
        llm.OpenAIFileSearch("vs_1", max_num_results=3),
        llm.ServerSideTool({"type": "image_generation"}),
        weather,
    ]
    body = body_of(model().prompt("Hi", tools=tools))
    search, code, files, picture, function = body["tools"]
    assert search == {
        "type": "web_search",
        "search_context_size": "low",
        "filters": {"allowed_domains": ["a.example"]},
        "user_location": {"type": "approximate", "country": "NO"},
    }
    assert code == {"type": "code_interpreter", "container": {"type": "auto"}}
    assert files == {"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3}
    assert (picture["type"], function["type"]) == ("image_generation", "function")
    assert body["include"] == [
        "reasoning.encrypted_content",
        "web_search_call.action.sources",
        "code_interpreter_call.outputs",
        "file_search_call.results",
    ]


def test_an_option_of_chat_completions_sends_one(face: Face, openai_server: OpenAIServer) -> None:
    subject = face.of("OpenAIResponses", openai_server.base_url)
    face.error_of(subject)
    with pytest.raises(llm.ModelError):
        face.text(subject.prompt("Hi", seed=1, stop="x", max_tokens=5))
    assert [request.path for request in openai_server.requests] == ["/v1/responses", "/v1/chat/completions"]
    assert openai_server.requests[1].json()["seed"] == 1
    with pytest.raises(llm.ModelError, match="web_search does not go together with the options that only Chat"):
        face.text(subject.prompt("Hi", seed=1, tools=[llm.OpenAIWebSearch()]))
    assert len(openai_server.requests) == 2


def test_what_a_decoder_keeps_can_be_stored_and_read_again() -> None:
    decoder = ResponsesDecoder("m", stream=False)
    decoder.feed(response_reply(reasoning_item("Hm."), SEARCH, message_item("Hi"), stream=False).pieces[0])  # type: ignore[arg-type]
    events = [item for item in decoder.close() if isinstance(item, llm.StreamEvent)]
    kept = [event.provider_metadata for event in events if event.provider_metadata]
    assert json.loads(json.dumps(kept)) == kept
