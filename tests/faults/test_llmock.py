"""A server that breaks on purpose: no broken answer ever passes for a complete one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.peers.llmock import llmock

WIRES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "chat": ("OpenAIChat", "/v1", {}),
    "responses": ("OpenAIResponses", "/v1", {}),
    "messages": ("AnthropicMessages", "/anthropic/v1", {"model_name": "claude-3-5-sonnet-20241022"}),
    "gemini": ("GeminiModel", "/gemini/v1beta", {"model_name": "gemini-2.5-flash"}),
    "mistral": ("OpenAIChat", "/mistral/v1", {"dialect": "mistral"}),
}


# llmock breaks one of the first six events, and some of its streams are shorter: those of Mistral, and Gemini's with a call, since
# that call is one event together with the end of the answer.
breakable = pytest.mark.parametrize("wire", ["chat", "responses", "messages", "gemini"])
breakable_in_a_call = pytest.mark.parametrize("wire", ["chat", "responses", "messages"])
# An answer that echoes this has more than six events in every wire format.
STORY = "Tell me a long story about a pelican that flies over a wide sea to an island of other pelicans."


@pytest.fixture(params=list(WIRES))
def wire(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def model_at(face: Face, wire: str, base_url: str, **arguments: Any) -> Any:
    """Return a model with this wire format or dialect, on the server at this address."""
    class_name, path, more = WIRES[wire]
    return face.of(class_name, base_url.removesuffix("/v1") + path, "gpt-4o", **more, **arguments)


@pytest.fixture(scope="module", params=["truncate", "disconnect", "malformed"])
def broken(request: pytest.FixtureRequest) -> Iterator[str]:
    with llmock("--response-style", "echo", "--stream-fault", f"{request.param}=1.0") as base_url:
        yield base_url


@pytest.fixture(scope="module")
def sound() -> Iterator[str]:
    with llmock("--response-style", "varied") as base_url:
        yield base_url


def test_a_sound_stream_is_whole(face: Face, wire: str, sound: str) -> None:
    response = model_at(face, wire, sound).prompt("Tell me a story about a pelican.")
    assert len(list(face.chunks(response))) > 1
    usage = face.do(response.usage())
    # Mistral's own server reports the usage without being asked, but llmock does not.
    assert usage.output is None if wire == "mistral" else usage.output > 0


@breakable
def test_a_broken_stream_is_an_error_that_keeps_what_arrived(face: Face, wire: str, broken: str) -> None:
    response = model_at(face, wire, broken).prompt(STORY)
    arrived: list[str] = []
    with pytest.raises((llm.IncompleteResponse, llm.ProviderError)) as caught:
        for chunk in face.chunks(response):
            arrived.append(chunk)
    kept = "".join(
        part.text for message in response.partial for part in message.parts if isinstance(part, llm.TextPart)
    )
    assert kept == "".join(arrived)
    with pytest.raises(type(caught.value)) as again:
        face.text(response)
    assert again.value is caught.value


@breakable_in_a_call
def test_a_tool_call_in_a_broken_stream_never_surfaces(face: Face, wire: str, broken: str) -> None:
    tool = llm.Tool(
        "wipe", "Delete everything under a path.", {"type": "object", "properties": {"path": {"type": "string"}}}
    )
    response = model_at(face, wire, broken).prompt("Clean up.", tools=[tool])
    try:
        calls = face.do(response.tool_calls())
    except (llm.IncompleteResponse, llm.ProviderError):
        assert not any(isinstance(part, llm.ToolCallPart) for message in response.partial for part in message.parts)
    else:
        # The call's stream is so short that it may end cleanly after the finish reason, where the call is whole.
        assert (len(calls), response.finish_reason) == (1, "tool_calls")


@pytest.mark.parametrize("stream", [True, False])
def test_a_tool_call_arrives(face: Face, wire: str, sound: str, stream: bool) -> None:
    tool = llm.Tool("weather", "The weather.", {"type": "object", "properties": {"city": {"type": "string"}}})
    response = model_at(face, wire, sound).prompt("Weather?", tools=[tool], stream=stream)
    [call] = face.do(response.tool_calls())
    assert call.name == "weather"
    assert isinstance(call.arguments["city"], str)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_an_error_status_is_told_in_one_sentence(face: Face, wire: str, status: int) -> None:
    with llmock("--error-rate", f"{status}=1.0") as base_url:
        error = face.error_of(model_at(face, wire, base_url, max_retries=0))
    assert isinstance(error, llm.ProviderError)
    assert error.status == status
    assert "\n" not in str(error)
