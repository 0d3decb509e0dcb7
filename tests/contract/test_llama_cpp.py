"""Chat Completions against llama.cpp's own server with a real model. A model this small is often wrong, so only shapes are asserted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.http.retries import Retry
from tests.fakes.faces import Face
from tests.peers.llama_server import LlamaServer

pytestmark = pytest.mark.model

DOG = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}
WEATHER = llm.Tool(
    "get_weather",
    "The weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def smollm2(face: Face, server: LlamaServer, **arguments: Any) -> Any:
    return face.openai(server.base_url, "local", model_name="smollm2", **arguments)


def test_a_streamed_answer_arrives_in_pieces_with_its_usage(face: Face, llama_server: LlamaServer) -> None:
    response = smollm2(face, llama_server).prompt("Name three birds.", temperature=0, max_tokens=24)
    chunks = list(face.chunks(response))
    assert len(chunks) > 3
    assert face.text(response) == "".join(chunks)
    usage = face.do(response.usage())
    assert usage.input > 0
    assert 0 < usage.output <= 24
    assert response.resolved_model == "smollm2"
    assert face.do(response.json())["choices"][0]["message"]["content"] == "".join(chunks)


def test_an_answer_in_one_piece_is_the_same_answer(face: Face, llama_server: LlamaServer) -> None:
    model = smollm2(face, llama_server)
    options = {"temperature": 0, "max_tokens": 16, "seed": 1}
    whole = model.prompt("Name a bird.", stream=False, options=options)
    assert len(list(face.chunks(whole))) == 1
    assert face.text(whole) == face.text(model.prompt("Name a bird.", options=options))
    assert face.do(whole.usage()).output > 0


@pytest.mark.parametrize("stream", [True, False])
def test_a_schema_shapes_the_answer(face: Face, llama_server: LlamaServer, stream: bool) -> None:
    response = smollm2(face, llama_server).prompt("A dog.", schema=DOG, stream=stream, temperature=0, max_tokens=80)
    dog = json.loads(face.text(response))
    assert isinstance(dog["name"], str)
    assert isinstance(dog["age"], int)


def test_a_conversation_is_sent_with_the_turns_before_it(face: Face, llama_server: LlamaServer) -> None:
    conversation = smollm2(face, llama_server).conversation()
    first = conversation.prompt("Say hello.", max_tokens=8, temperature=0)
    face.text(first)
    second = conversation.prompt("Again.", max_tokens=8, temperature=0)
    face.text(second)
    assert face.do(second.usage()).input > face.do(first.usage()).input
    assert [message.role for message in second.prompt.messages] == ["user", "assistant", "user"]


def test_reasoning_is_kept_apart_from_the_answer(face: Face, reasoning_server: LlamaServer) -> None:
    options = {"max_tokens": 60, "temperature": 0, "extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}
    response = smollm2(face, reasoning_server, reasoning=True).prompt("What is 2+2?", options=options)
    events = list(face.events(response))
    reasoning = "".join(event.chunk for event in events if event.type == "reasoning")
    text = "".join(event.chunk for event in events if event.type == "text")
    assert reasoning
    assert face.text(response) == text
    parts = face.do(response.messages())[0].parts
    assert isinstance(parts[0], llm.ReasoningPart)
    assert parts[0].text == reasoning


@pytest.mark.parametrize("stream", [True, False])
def test_a_real_model_calls_a_tool(face: Face, tool_server: LlamaServer, stream: bool) -> None:
    response = smollm2(face, tool_server).prompt(
        "What is the weather in Paris?",
        tools=[WEATHER],
        stream=stream,
        temperature=0,
        max_tokens=80,
        tool_choice="required",
        logit_bias={"107": 9, "39428": 9},
    )
    calls = face.do(response.tool_calls())
    assert [call.name for call in calls] == ["get_weather"]
    assert isinstance(calls[0].arguments["city"], str)
    assert calls[0].tool_call_id


def test_a_context_that_is_too_small_is_told_as_the_server_tells_it(face: Face, llama_server: LlamaServer) -> None:
    with pytest.raises(llm.ProviderError, match="exceeds the available context size") as caught:
        face.text(smollm2(face, llama_server).prompt("word " * 6000))
    assert caught.value.status == 400


def test_a_wrong_path_says_what_to_check(face: Face, llama_server: LlamaServer) -> None:
    error = face.error_of(face.openai(f"{llama_server.url}/nowhere", "local"))
    assert isinstance(error, llm.ProviderError)
    assert error.status == 404
    assert "Check the model's name and the address." in str(error)


def test_a_server_that_still_loads_its_model_is_waited_for(face: Face, weights: Path) -> None:
    with LlamaServer(weights, wait=False) as server:
        waited: list[Retry] = []
        response = smollm2(face, server).prompt("Hi", max_tokens=4)
        response._turn.on_retry = waited.append
        assert face.text(response)
    assert all(retry.reason == "The server is loading the model" for retry in waited)


def test_a_key_is_sent_where_the_server_wants_one(face: Face, weights: Path) -> None:
    with LlamaServer(weights, api_key="right-key") as server:
        assert face.text(smollm2(face, server, key="right-key").prompt("Hi", max_tokens=4))
        error = face.error_of(smollm2(face, server, key="wrong-key"))
        assert isinstance(error, llm.ProviderError)
        assert error.status == 401
        assert "wrong-key" not in str(error)
        assert "Check the key: it is the one that the model was made with." in str(error)
