"""A table of behaviours that every wire format has to have, sync and async, streamed and whole, over HTTP against aimock.

aimock stands in for the paid APIs, and for models that need a graphics card. `HOLES` names what it does not play, and why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydantic
import pytest

import llm_notebook as llm
from tests.contract.anthropic_types import assert_messages_request
from tests.contract.gemini_types import assert_gemini_request
from tests.contract.openai_types import assert_chat_request, assert_responses_request
from tests.contract.scripted import INHABITANTS, population
from tests.fakes.faces import Face
from tests.peers.aimock import AIMock

WIRES = {
    "chat": ("OpenAIChat", "/v1"),
    "responses": ("OpenAIResponses", "/v1"),
    "messages": ("AnthropicMessages", "/v1"),
    "gemini": ("GeminiModel", "/v1beta"),
    "ollama": ("Ollama", ""),
}
CHECKS = {
    "chat": assert_chat_request,
    "responses": assert_responses_request,
    "messages": assert_messages_request,
    "gemini": assert_gemini_request,
}
HOLES = {
    ("ollama", "reasoning"): "aimock sends Ollama's thinking under a name that Ollama does not use",
    ("ollama", "cut call"): "aimock ends a stream between lines, and Ollama sends calls in one line",
    ("gemini", "cut call"): "Gemini sends a call in one event, and aimock breaks off after it",
    ("messages", "usage"): "aimock counts no tokens outside Chat Completions",
    ("gemini", "usage"): "aimock counts no tokens outside Chat Completions",
    ("responses", "usage"): "aimock counts no tokens outside Chat Completions",
    ("ollama", "usage"): "aimock counts no tokens outside Chat Completions",
}
TITLES = {
    "chat": "Chat Completions",
    "responses": "Responses",
    "messages": "Messages",
    "gemini": "Gemini",
    "ollama": "Ollama",
}
ROWS = {
    "text": "text",
    "reasoning": "reasoning",
    "a_chain_of_two_calls": "a chain of tool calls",
    "structured_output": "structured output",
    "an_attachment": "an attachment",
    "usage": "usage",
    "a_conversation": "a conversation with tools",
    "a_stream_that_breaks_off": "a stream that breaks off is no answer",
    "a_call_that_breaks_off": "a call that breaks off is no call",
    "a_retry": "a retry after 429",
    "a_refusal": "an error body becomes a sentence",
}
HOLE_OF = {"a_call_that_breaks_off": "cut call"}
PNG = b"\x89PNG\r\n\x1a\n"


class City(pydantic.BaseModel):
    name: str
    inhabitants: int


@dataclass(slots=True)
class Wired:
    """A model with one wire format, and whether it streams its answer."""

    face: Face
    wire: str
    model: Any
    stream: bool

    def needs(self, behaviour: str) -> None:
        """Skip the test if the server does not play this behaviour over this wire format."""
        if (self.wire, behaviour) in HOLES:
            pytest.skip(HOLES[self.wire, behaviour])


@pytest.fixture(params=[True, False], ids=["streamed", "whole"])
def wired(
    request: pytest.FixtureRequest, face: Face, wire: str, aimock_server: AIMock, monkeypatch: pytest.MonkeyPatch
) -> Wired:
    class_name, path = WIRES[wire]
    base_url = aimock_server.base_url.removesuffix("/v1") + path
    flags = {"vision": True, "reasoning": wire in ("responses", "messages", "gemini")}
    model = face.of(class_name, base_url, "scripted", headers={"x-test-id": request.node.nodeid}, **flags)
    exchange = model._exchange

    def checked(*args: Any) -> Any:
        made = exchange(*args)
        if (check := CHECKS.get(wire)) is not None:
            check(pydantic.TypeAdapter(Any).validate_json(made[0].body))
        return made

    monkeypatch.setattr(model, "_exchange", checked)
    return Wired(face, wire, model, request.param)


@pytest.fixture(params=list(WIRES))
def wire(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def test_text(wired: Wired) -> None:
    response = wired.model.prompt("Greet me over any wire", system="Be kind.", stream=wired.stream)
    chunks = list(wired.face.chunks(response))
    assert "".join(chunks) == "Good morning! It is nice to meet you, Zoë 🦤."
    assert (len(chunks) > 1) is wired.stream
    assert wired.face.do(response.json())


def test_reasoning(wired: Wired) -> None:
    wired.needs("reasoning")
    response = wired.model.prompt("Think over any wire", stream=wired.stream)
    assert wired.face.text(response) == "Oslo."
    thought = [part for part in wired.face.do(response.messages())[0].parts if isinstance(part, llm.ReasoningPart)]
    assert "".join(part.text for part in thought) == "It is the capital, and capitals are often large."


def test_a_chain_of_two_calls(wired: Wired) -> None:
    ran: list[str] = []

    def population(city: str) -> int:
        ran.append(city)
        return INHABITANTS[city]

    chain = wired.model.chain("Count over any wire", tools=[population], stream=wired.stream)
    assert wired.face.text(chain) == "Together 1,009,545."
    assert ran == ["Oslo", "Bergen"]


def test_structured_output(wired: Wired) -> None:
    response = wired.model.prompt("Describe over any wire", schema=City, stream=wired.stream)
    wired.face.text(response)
    assert response.parsed == City(name="Oslo", inhabitants=717605)


def test_an_attachment(wired: Wired) -> None:
    picture = llm.Attachment(content=PNG, type="image/png")
    response = wired.model.prompt("Greet me over any wire", attachments=[picture], stream=wired.stream)
    assert wired.face.text(response).startswith("Good morning!")


def test_usage(wired: Wired) -> None:
    wired.needs("usage")
    usage = wired.face.do(wired.model.prompt("Greet me over any wire", stream=wired.stream).usage())
    assert usage.input > 0
    assert usage.output > 0


def test_a_conversation(wired: Wired) -> None:
    conversation = wired.model.conversation(tools=[population])
    assert wired.face.text(conversation.chain("Count over any wire", stream=wired.stream)) == "Together 1,009,545."
    second = wired.face.text(conversation.prompt("Greet me over any wire", stream=wired.stream))
    assert second.startswith("Good morning!")


def test_a_stream_that_breaks_off(wired: Wired) -> None:
    if not wired.stream:
        pytest.skip("a whole answer is not sent in chunks")
    response = wired.model.prompt("Break off over any wire")
    arrived = []
    with pytest.raises(llm.IncompleteResponse) as caught:
        for chunk in wired.face.chunks(response):
            arrived.append(chunk)
    assert arrived
    assert "This answer is never told to its end, because the connection".startswith(caught.value.partial_text)
    assert caught.value.partial_text == "".join(arrived)


def test_a_call_that_breaks_off(wired: Wired) -> None:
    if not wired.stream:
        pytest.skip("a whole answer is not sent in chunks")
    wired.needs("cut call")
    response = wired.model.prompt("Call and break off over any wire", tools=[population])
    with pytest.raises(llm.IncompleteResponse):
        wired.face.do(response.tool_calls())
    assert not any(isinstance(part, llm.ToolCallPart) for message in response.partial for part in message.parts)


def test_a_retry(wired: Wired) -> None:
    wired.needs("retry")
    told: list[Any] = []
    response = wired.model.prompt("Be busy over any wire", stream=wired.stream)
    response._turn.on_retry = told.append
    assert wired.face.text(response) == "Now."
    assert [(retry.attempt, retry.delay) for retry in told] == [(2, 0.0)]


def test_a_refusal(wired: Wired) -> None:
    with pytest.raises(llm.ProviderError, match="Not this one") as caught:
        wired.face.text(wired.model.prompt("Refuse over any wire", stream=wired.stream))
    assert caught.value.status == 400


def _table() -> str:
    """Return the table of the page on providers: a tick where a test above passes in all four ways, and otherwise the reason."""
    reasons = list(dict.fromkeys(HOLES.values()))
    lines = [f"| | {' | '.join(TITLES.values())} |", f"|---|{'---|' * len(TITLES)}"]
    for name, title in ROWS.items():
        holes = [HOLES.get((wire, HOLE_OF.get(name, name))) for wire in WIRES]
        cells = ["✓" if hole is None else f"({reasons.index(hole) + 1})" for hole in holes]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    notes = [f"({number}) {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, "", "; ".join(notes) + "."])


def test_the_page_on_providers_prints_this_table() -> None:
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert tests - {"the_page_on_providers_prints_this_table"} == set(ROWS)
    assert _table() in (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
