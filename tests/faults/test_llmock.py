"""What a server that breaks on purpose may never do: pass off a broken answer as a whole one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.peers.llmock import llmock


@pytest.fixture(scope="module", params=["truncate", "disconnect", "malformed"])
def broken(request: pytest.FixtureRequest) -> Iterator[str]:
    with llmock("--response-style", "varied", "--stream-fault", f"{request.param}=1.0") as base_url:
        yield base_url


@pytest.fixture(scope="module")
def sound() -> Iterator[str]:
    with llmock("--response-style", "varied") as base_url:
        yield base_url


def test_a_sound_stream_is_whole(face: Face, sound: str) -> None:
    response = face.openai(sound, "gpt-4o").prompt("Tell me a story about a pelican.")
    assert len(list(face.chunks(response))) > 1
    assert face.do(response.usage()).output > 0


def test_a_broken_stream_is_an_error_that_keeps_what_arrived(face: Face, broken: str) -> None:
    response = face.openai(broken, "gpt-4o").prompt("Tell me a story about a pelican.")
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


def test_a_tool_call_in_a_broken_stream_never_surfaces(face: Face, broken: str) -> None:
    tool = llm.Tool(
        "wipe", "Delete everything under a path.", {"type": "object", "properties": {"path": {"type": "string"}}}
    )
    response = face.openai(broken, "gpt-4o").prompt("Clean up.", tools=[tool])
    with pytest.raises((llm.IncompleteResponse, llm.ProviderError)):
        face.do(response.tool_calls())
    assert not any(isinstance(part, llm.ToolCallPart) for message in response.partial for part in message.parts)


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_an_error_status_is_told_in_one_sentence(face: Face, status: int) -> None:
    with llmock("--error-rate", f"{status}=1.0") as base_url:
        error = face.error_of(face.openai(base_url, "gpt-4o", max_retries=0))
    assert isinstance(error, llm.ProviderError)
    assert error.status == status
    assert "\n" not in str(error)
