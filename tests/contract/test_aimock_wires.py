"""Chains over Messages and generateContent against aimock, which plays a model that calls tools, reasons and refuses.

aimock stands for the paid APIs. Where it is not faithful: it counts no tokens on these wires, every signature it gives is the same
placeholder and Gemini's has none, Gemini's finish reason for tool calls is `FUNCTION_CALL`, which the API does not know, and it
gives Gemini's calls ids. What it remembers of a request is its own translation to Chat Completions, in which schemas of answers, and
of the arguments of Gemini's tools, are lost.
"""

from __future__ import annotations

from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.http.retries import Retry
from tests.contract.scripted import INHABITANTS, Scripted, population, results_in, roles_in
from tests.fakes.faces import Face
from tests.peers.aimock import AIMock

TOGETHER = "How many people live in Oslo and Bergen together?"
MESSAGES, GENERATE = ("AnthropicMessages", "v1"), ("GeminiModel", "v1beta")
streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


@pytest.fixture(params=[MESSAGES, GENERATE], ids=["messages", "generate content"])
def wired(request: pytest.FixtureRequest, face: Face, aimock_server: AIMock) -> Scripted:
    """Return the scripted model behind each of the two wire formats. The requests of other tests do not count."""
    kind, version = request.param
    test_id = request.node.nodeid
    base_url = f"http://127.0.0.1:{aimock_server.port}/{version}"
    model = face.of(kind, base_url, "scripted", reasoning=True, headers={"x-test-id": test_id})
    return Scripted(face, model, aimock_server, test_id)


def results(body: dict[str, Any]) -> list[str]:
    """Return the tool results in a request. Gemini wraps each of them in an object."""
    return [text.removeprefix('{"output":"').removesuffix('"}') for text in results_in(body).values()]


@streamed_or_not
def test_a_chain_runs_two_calls_and_answers_from_their_results(wired: Scripted, stream: bool) -> None:
    chain = wired.model.chain(TOGETHER, system="Be brief.", tools=[population], stream=stream)
    assert wired.face.text(chain) == "Together they have 1,009,545 inhabitants."
    first, second = wired.requests
    assert roles_in(first) == ["system", "user"]
    assert roles_in(second) == ["system", "user", "assistant", "tool", "tool"]
    assert second["messages"][:2] == first["messages"]
    assert results(second) == ["717605", "291940"]
    assert [bool(body.get("stream")) for body in (first, second)] == [stream, stream]


@streamed_or_not
def test_calls_that_cannot_be_run_are_told_to_the_model_which_does_better(wired: Scripted, stream: bool) -> None:
    chain = wired.model.chain("Please look up Narvik.", tools=[population], stream=stream)
    assert wired.face.text(chain) == "I will try. Narvik has 21,580."
    assert roles_in(wired.requests[2]) == ["user", "assistant", "tool", "tool", "assistant", "tool"]


@streamed_or_not
def test_text_between_two_calls_is_kept_in_its_place(wired: Scripted, stream: bool) -> None:
    chain = wired.model.chain("Act first, talk later.", tools=[population], stream=stream)
    assert wired.face.text(chain) == "I am looking. Found both."
    asked = next(iter(wired.face.responses(chain)))
    [message] = wired.face.do(asked.messages())
    assert [type(part).__name__ for part in message.parts] == ["ToolCallPart", "TextPart", "ToolCallPart"]
    assert results(wired.requests[1]) == ["717605", "291940"]


@streamed_or_not
def test_reasoning_is_kept_apart(wired: Scripted, stream: bool) -> None:
    chain = wired.model.chain("Think, then look up Oslo.", tools=[population], stream=stream)
    assert wired.face.text(chain) == "717,605."
    thoughts = [
        part.text
        for response in wired.face.responses(chain)
        for message in wired.face.do(response.messages())
        for part in message.parts
        if isinstance(part, llm.ReasoningPart)
    ]
    assert thoughts == ["I do not know this by heart.", "The tool told me."]


@streamed_or_not
def test_a_conversation_sends_the_tool_calls_of_the_turns_before(wired: Scripted, stream: bool) -> None:
    conversation = wired.model.conversation(tools=[population])
    assert wired.face.text(conversation.chain("What about Oslo?", stream=stream)) == "Oslo has 717,605."
    second = conversation.chain("And Bergen?", stream=stream)
    assert wired.face.text(second) == "Bergen has 291,940, fewer than Oslo."
    turn = ["user", "assistant", "tool", "assistant"]
    assert [roles_in(body) for body in wired.requests] == [turn[:1], turn[:3], [*turn, *turn[:1]], [*turn, *turn[:3]]]


@streamed_or_not
def test_a_refused_round_is_asked_again_when_the_server_said_and_no_tool_runs_twice(
    wired: Scripted, stream: bool
) -> None:
    ran: list[str] = []
    retries: list[Retry] = []

    def population(city: str) -> int:
        ran.append(city)
        return INHABITANTS[city]

    chain = wired.model.chain("Are you busy for a moment?", tools=[population], stream=stream)
    for response in wired.face.responses(chain):
        response._turn.on_retry = retries.append
    assert wired.face.text(chain) == "Here it is."
    assert ran == ["Oslo"]
    assert [(retry.delay, retry.attempt, retry.of) for retry in retries] == [(1.0, 2, 3)]
    assert wired.statuses == [200, 429, 200]


@streamed_or_not
def test_a_server_that_always_refuses_is_told_with_its_own_words(wired: Scripted, stream: bool) -> None:
    with pytest.raises(llm.ProviderError, match="Come back tomorrow") as caught:
        wired.face.text(wired.model.chain("Are you busy all day?", tools=[population], stream=stream))
    assert caught.value.status == 429
    assert wired.statuses == [429, 429, 429]
