"""A key may be a function, which is asked for each request; that of an async model may have to be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, call_reply, refusal, text_reply

pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


def renewing() -> Callable[[], str]:
    """Return a function that gives another token each time."""
    given: list[str] = []

    def token() -> str:
        given.append(f"token-number-{len(given) + 1}")
        return given[-1]

    return token


def sent(server: OpenAIServer) -> list[str]:
    return [request.headers["authorization"] for request in server.requests]


def test_a_function_is_asked_for_each_request(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("a"), call_reply("look", "{}"), text_reply("b"))
    model = face.openai(openai_server.base_url, key=renewing())
    assert face.text(model.prompt("x")) == "a"

    def look() -> str:
        return "seen"

    assert face.text(model.chain("x", tools=[face.tool(look)])) == "b"
    assert sent(openai_server) == [f"Bearer token-number-{number}" for number in (1, 2, 3)]


def test_a_prompt_may_bring_the_function(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("a"))
    face.text(face.openai(openai_server.base_url).prompt("x", key=renewing()))
    assert sent(openai_server) == ["Bearer token-number-1"]


def test_what_it_gives_is_a_secret(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(refusal(401, "Who is token-number-1?"))
    error = face.error_of(face.openai(openai_server.base_url, key=renewing()))
    assert "token-number-1" not in str(error)
    assert "it is what the function returned that was given as key=" in str(error)


def test_embeddings_ask_it_too(openai_server: OpenAIServer) -> None:
    vectors = {"data": [{"index": 0, "embedding": [1.0]}]}
    openai_server.play(Reply.of_json(vectors), Reply.of_json(vectors))
    token = renewing()
    assert llm.OpenAIEmbedding("m", base_url=openai_server.base_url, key=token).embed("a") == [1.0]
    assert llm.OpenAIEmbedding("m", base_url=openai_server.base_url).embed("a", key=token) == [1.0]
    assert sent(openai_server) == ["Bearer token-number-1", "Bearer token-number-2"]


async def awaited() -> str:
    await asyncio.sleep(0)
    return "token-awaited"


async def failing() -> str:
    raise OSError("secret-of-theirs")


def test_a_coroutine_function_is_awaited_by_async_models_only(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("a"))
    model = face.openai(openai_server.base_url, key=awaited)
    if face.is_async:
        assert face.text(model.prompt("x")) == "a"
        assert sent(openai_server) == ["Bearer token-awaited"]
        return
    assert "has to be awaited: use the async model" in str(face.error_of(model))
    assert openai_server.requests == []


def breaking() -> str:
    raise OSError("secret-of-theirs")


@pytest.mark.parametrize("source", [lambda: "", lambda: None, lambda: 5, breaking])
def test_a_function_that_gives_no_key_is_one_sentence(face: Face, openai_server: OpenAIServer, source: Any) -> None:
    error = face.error_of(face.openai(openai_server.base_url, key=source))
    assert str(error).startswith("gpt-test: the function that was given as key= ")
    assert str(error).endswith(" Nothing was sent.")
    assert "secret-of-theirs" not in str(error)
    assert openai_server.requests == []


def test_a_coroutine_function_that_fails_is_one_sentence(openai_server: OpenAIServer) -> None:
    async def ask() -> None:
        await llm.AsyncOpenAIChat("m", base_url=openai_server.base_url, key=failing).prompt("x")

    with pytest.raises(llm.ModelError, match=r"key= failed \(OSError\)\. Nothing was sent\."):
        asyncio.run(ask())
