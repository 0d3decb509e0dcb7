"""Responses against llama.cpp's own server with a real model. A model this small is often wrong, so only shapes are asserted.

The server ignores schemas over this API, so structured output is tested only over Chat Completions.
"""

from __future__ import annotations

from typing import Any

import pytest

import llm_notebook as llm
from tests.contract.test_llama_cpp import WEATHER
from tests.fakes.faces import Face
from tests.peers.llama_server import LlamaServer

pytestmark = pytest.mark.model


def smollm2(face: Face, server: LlamaServer, **arguments: Any) -> Any:
    return face.of("OpenAIResponses", server.base_url, "local", model_name="smollm2", **arguments)


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_arrives_with_its_usage(face: Face, llama_server: LlamaServer, stream: bool) -> None:
    response = smollm2(face, llama_server).prompt(
        "Name three birds.", system="Be brief.", temperature=0, max_tokens=24, stream=stream
    )
    chunks = list(face.chunks(response))
    assert (len(chunks) > 3) is stream
    usage = face.do(response.usage())
    assert usage.input > 0
    assert 0 < usage.output <= 24
    assert response.resolved_model == "smollm2"
    assert face.do(response.json())["status"] == "completed"


def test_a_conversation_is_sent_with_the_turns_before_it(face: Face, llama_server: LlamaServer) -> None:
    conversation = smollm2(face, llama_server).conversation()
    first = conversation.prompt("Say hello.", max_tokens=8, temperature=0)
    face.text(first)
    second = conversation.prompt("Again.", max_tokens=8, temperature=0)
    face.text(second)
    assert face.do(second.usage()).input > face.do(first.usage()).input


@pytest.mark.parametrize("stream", [True, False])
def test_reasoning_is_kept_apart_from_the_answer(face: Face, reasoning_server: LlamaServer, stream: bool) -> None:
    options = {"max_tokens": 60, "temperature": 0, "extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}
    response = smollm2(face, reasoning_server, reasoning=True).prompt("What is 2+2?", options=options, stream=stream)
    events = list(face.events(response))
    text = "".join(event.chunk for event in events if event.type == "text")
    assert "".join(event.chunk for event in events if event.type == "reasoning")
    assert face.text(response) == text
    assert isinstance(face.do(response.messages())[0].parts[0], llm.ReasoningPart)


@pytest.mark.parametrize("stream", [True, False])
def test_a_real_model_calls_a_tool(face: Face, tool_server: LlamaServer, stream: bool) -> None:
    response = smollm2(face, tool_server).prompt(
        "What is the weather in Paris?",
        tools=[WEATHER],
        stream=stream,
        temperature=0,
        max_tokens=80,
        tool_choice="required",
        extra_body={"logit_bias": {"107": 9, "39428": 9}},
    )
    [call] = face.do(response.tool_calls())
    assert call.name == "get_weather"
    assert isinstance(call.arguments["city"], str)
    assert call.tool_call_id


def test_the_error_for_a_prompt_that_is_too_long_says_by_how_much(face: Face, llama_server: LlamaServer) -> None:
    with pytest.raises(llm.ProviderError, match=r"That is [\d,]+ tokens too many: send less") as caught:
        face.text(smollm2(face, llama_server).prompt("word " * 6000))
    assert caught.value.status == 400
