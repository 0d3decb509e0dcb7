"""What a server that breaks on purpose may never do: pass off a broken answer as a whole one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.peers.llmock import llmock

WIRES = {
    "chat": ("OpenAIChat", "v1", "gpt-4o"),
    "messages": ("AnthropicMessages", "anthropic/v1", "claude-3-5-sonnet-20241022"),
    "generate content": ("GeminiModel", "gemini/v1beta", "gemini-2.5-flash"),
}


STORY = "Tell me a long story about a pelican that flies over a wide sea to an island of other pelicans."


@pytest.fixture(params=WIRES)
def wire(request: pytest.FixtureRequest) -> str:
    """Every wire that the server speaks."""
    return str(request.param)


def model(face: Face, wire: str, base_url: str, **arguments: Any) -> Any:
    kind, path, name = WIRES[wire]
    return face.of(kind, f"{base_url.removesuffix('v1')}{path}", name, **arguments)


@pytest.fixture(scope="module", params=["truncate", "disconnect", "malformed"])
def broken(request: pytest.FixtureRequest) -> Iterator[str]:
    # The fault hits one of the first six events; an answer that echoes the story below has more.
    with llmock("--response-style", "echo", "--stream-fault", f"{request.param}=1.0") as base_url:
        yield base_url


@pytest.fixture(scope="module")
def sound() -> Iterator[str]:
    with llmock("--response-style", "varied") as base_url:
        yield base_url


def test_a_sound_stream_is_whole(face: Face, wire: str, sound: str) -> None:
    response = model(face, wire, sound).prompt("Tell me a story about a pelican.")
    assert len(list(face.chunks(response))) > 1
    assert face.do(response.usage()).output > 0


def test_a_broken_stream_is_an_error_that_keeps_what_arrived(face: Face, wire: str, broken: str) -> None:
    response = model(face, wire, broken).prompt(STORY)
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


# A call of Gemini's is one event with the end of the answer in it: none that is broken holds a call.
@pytest.mark.parametrize("wire", ["chat", "messages"])
def test_a_tool_call_in_a_broken_stream_never_surfaces(face: Face, wire: str, broken: str) -> None:
    tool = llm.Tool(
        "wipe", "Delete everything under a path.", {"type": "object", "properties": {"path": {"type": "string"}}}
    )
    response = model(face, wire, broken).prompt("Clean up.", tools=[tool])
    with pytest.raises((llm.IncompleteResponse, llm.ProviderError)):
        face.do(response.tool_calls())
    assert not any(isinstance(part, llm.ToolCallPart) for message in response.partial for part in message.parts)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_an_error_status_is_told_in_one_sentence(face: Face, wire: str, status: int) -> None:
    with llmock("--error-rate", f"{status}=1.0") as base_url:
        error = face.error_of(model(face, wire, base_url, max_retries=0))
    assert isinstance(error, llm.ProviderError)
    assert error.status == status
    assert "\n" not in str(error)
