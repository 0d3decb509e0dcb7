"""Chains against llama.cpp's own server: a real model is made to call a tool, and the server checks what it is sent back."""

from __future__ import annotations

from typing import Any, Literal

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.peers.llama_server import LlamaServer

pytestmark = pytest.mark.model

# The model is too small to call a tool by itself. These options make it call one in every round.
FORCED = {"tool_choice": "required", "logit_bias": {"107": 9, "39428": 9}, "temperature": 0, "max_tokens": 80}


# The server lets the model write only what fits, so a closed list keeps every call short.
City = Literal["Paris", "Rome", "Oslo"]


class Weather:
    """A tool that records the cities that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def get_weather(self, city: City) -> str:
        """The weather in a city."""
        self.asked.append(city)
        return f"18 degrees and sunny in {city}"


@pytest.fixture
def weather() -> Weather:
    return Weather()


def chain_of(face: Face, server: LlamaServer, tool: Any, **arguments: Any) -> Any:
    model = face.openai(server.base_url, "local", model_name="smollm2")
    return model.chain("What is the weather in Paris?", tools=[tool], options=FORCED, **arguments)


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_tool_runs_and_its_result_is_accepted_by_the_server(
    face: Face, tool_server: LlamaServer, weather: Weather, stream: bool
) -> None:
    responses = face.responses(chain_of(face, tool_server, weather.get_weather, stream=stream))
    first, second = next(responses), next(responses)
    (call,) = face.do(first.tool_calls())
    assert weather.asked == [call.arguments["city"]]
    assert weather.asked[0] in {"Paris", "Rome", "Oslo"}
    assert face.do(second.usage()).input > face.do(first.usage()).input
    assert [message.role for message in second.prompt.messages] == ["user", "assistant", "tool"]
    (result,) = second.prompt.messages[-1].parts
    assert isinstance(result, llm.ToolResultPart)
    assert result.output == f"18 degrees and sunny in {weather.asked[0]}"
    assert result.tool_call_id == call.tool_call_id


def test_a_model_made_to_call_for_ever_meets_the_limit(face: Face, tool_server: LlamaServer, weather: Weather) -> None:
    with pytest.raises(ValueError, match="its limit of 2 responses while the model still asked for get_weather"):
        face.text(chain_of(face, tool_server, weather.get_weather, chain_limit=2))
    assert len(weather.asked) == 1


def test_a_paused_call_is_approved_and_the_server_accepts_the_continuation(
    face: Face, tool_server: LlamaServer, weather: Weather
) -> None:
    guarded = llm.require_approval(weather.get_weather)
    with pytest.raises(llm.PauseChain) as caught:
        face.text(chain_of(face, tool_server, guarded))
    assert weather.asked == []
    continued = next(face.responses(caught.value.approve()))
    assert face.do(continued.usage()).input > 0
    assert weather.asked == [caught.value.request.arguments["city"]]


def test_a_call_that_failed_is_told_and_the_server_accepts_that(face: Face, tool_server: LlamaServer) -> None:
    def get_weather(city: City) -> str:
        """The weather in a city."""
        raise RuntimeError("The weather station does not answer")

    responses = face.responses(chain_of(face, tool_server, get_weather))
    next(responses)
    second = next(responses)
    (result,) = second.prompt.messages[-1].parts
    assert isinstance(result, llm.ToolResultPart)
    assert result.output == "Error: The weather station does not answer"
    assert face.do(second.usage()).output > 0
