"""Anthropic Messages against llama.cpp's own server with a real model. A model this small is often wrong, so only shapes are asserted.

Some features are not tested here: the server ignores `output_config`, and its model calls no tools over this API.
"""

from __future__ import annotations

from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.peers.llama_server import LlamaServer

pytestmark = pytest.mark.model


def smollm2(face: Face, server: LlamaServer, **arguments: Any) -> Any:
    return face.of("AnthropicMessages", server.base_url, "local", model_name="smollm2", **arguments)


def test_a_streamed_answer_arrives_in_pieces_with_its_usage(face: Face, llama_server: LlamaServer) -> None:
    response = smollm2(face, llama_server).prompt("Name three birds.", temperature=0, max_tokens=24)
    chunks = list(face.chunks(response))
    assert len(chunks) > 3
    assert face.text(response) == "".join(chunks)
    usage = face.do(response.usage())
    assert usage.input > 0
    assert 0 < usage.output <= 24
    assert response.resolved_model == "smollm2"
    assert face.do(response.json())["content"][0]["text"] == "".join(chunks)


def test_an_answer_in_one_piece_is_the_same_answer(face: Face, llama_server: LlamaServer) -> None:
    model = smollm2(face, llama_server)
    options = {"temperature": 0, "max_tokens": 16, "top_k": 1}
    whole = model.prompt("Name a bird.", stream=False, options=options)
    assert len(list(face.chunks(whole))) == 1
    assert face.text(whole) == face.text(model.prompt("Name a bird.", options=options))
    assert face.do(whole.usage()).output > 0


def test_a_conversation_is_sent_with_the_turns_before_it(face: Face, llama_server: LlamaServer) -> None:
    conversation = smollm2(face, llama_server).conversation()
    first = conversation.prompt("Say hello.", system="Be brief.", max_tokens=8, temperature=0)
    face.text(first)
    second = conversation.prompt("Again.", max_tokens=8, temperature=0)
    face.text(second)
    assert face.do(second.usage()).input > face.do(first.usage()).input


def test_the_answer_ends_at_a_stop_sequence(face: Face, llama_server: LlamaServer) -> None:
    response = smollm2(face, llama_server).prompt(
        "Count from 1 to 9.", stop_sequences=[" "], temperature=0, max_tokens=40
    )
    assert " " not in face.text(response).strip()
    assert face.do(response.json())["stop_reason"] in ("stop_sequence", "end_turn")


@pytest.mark.parametrize("stream", [True, False])
def test_reasoning_is_kept_apart_and_goes_back(face: Face, reasoning_server: LlamaServer, stream: bool) -> None:
    conversation = smollm2(face, reasoning_server, reasoning=True).conversation()
    response = conversation.prompt("What is 2+2?", thinking=True, max_tokens=60, temperature=0, stream=stream)
    text = face.text(response)
    [message] = face.do(response.messages())
    thought = message.parts[0]
    assert isinstance(thought, llm.ReasoningPart)
    assert thought.text
    assert "".join(part.text for part in message.parts if isinstance(part, llm.TextPart)) == text
    assert face.text(conversation.prompt("And 3+3?", max_tokens=4)) is not None


def test_tools_are_accepted_and_their_results_read(face: Face, llama_server: LlamaServer) -> None:
    tool = llm.Tool("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
    history = [
        llm.user("What is the weather in Paris?"),
        llm.assistant(llm.ToolCallPart("weather", {"city": "Paris"}, "toolu_1")),
        llm.tool_message(llm.ToolResultPart("weather", "Sunny.", "toolu_1")),
    ]
    response = smollm2(face, llama_server).prompt(messages=history, tools=[tool], max_tokens=12, temperature=0)
    face.text(response)
    assert face.do(response.usage()).input > 20


def test_a_context_that_is_too_small_is_told_as_the_server_tells_it(face: Face, llama_server: LlamaServer) -> None:
    with pytest.raises(llm.ProviderError, match="exceeds the available context size") as caught:
        face.text(smollm2(face, llama_server).prompt("word " * 6000))
    assert caught.value.status == 400


def test_a_key_is_sent_where_the_server_wants_one(face: Face, weights: Any) -> None:
    with LlamaServer(weights, api_key="right-key") as server:
        assert face.text(smollm2(face, server, key="right-key").prompt("Hi", max_tokens=4))
        error = face.error_of(smollm2(face, server, key="wrong-key"))
    assert isinstance(error, llm.ProviderError)
    assert error.status == 401
    assert "wrong-key" not in str(error)
