"""Small answers in the shapes that many hosts send, over every wire: sync and async, streamed and whole, split, cut and sent back.

The hosts cost money, so a server on loopback plays the bodies in `replay/`, which were written for these tests.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pydantic
import pytest
from anthropic.types.beta import BetaCompactionBlockParam

import llm_notebook as llm
from llm_notebook.providers.anthropic.answers import MessagesDecoder
from llm_notebook.providers.gemini.answers import GenerateContentDecoder
from llm_notebook.providers.http.answers.decoding import StreamDecoder
from llm_notebook.providers.ollama.answers import OllamaDecoder
from llm_notebook.providers.openai.chat_answers import ChatDecoder
from llm_notebook.providers.openai.responses_answers import ResponsesDecoder
from tests.contract.anthropic_types import assert_messages_request
from tests.contract.gemini_types import assert_gemini_request
from tests.contract.openai_types import assert_chat_request, assert_responses_request
from tests.contract.replay import chat, gemini, messages, ollama, responses
from tests.contract.replay.case import Case
from tests.fakes.faces import Face
from tests.fakes.openai_server import Cut, OpenAIServer, Reply, Reset
from tests.providers.outcomes import outcome

CASES = {
    "chat": chat.CASES,
    "responses": responses.CASES,
    "messages": messages.CASES,
    "gemini": gemini.CASES,
    "ollama": ollama.CASES,
}
CLASSES = {
    "chat": "OpenAIChat",
    "responses": "OpenAIResponses",
    "messages": "AnthropicMessages",
    "gemini": "GeminiModel",
    "ollama": "Ollama",
}
DECODERS: dict[str, Callable[..., StreamDecoder]] = {
    "chat": ChatDecoder,
    "responses": ResponsesDecoder,
    "messages": partial(MessagesDecoder, model_name="m"),
    "gemini": GenerateContentDecoder,
    "ollama": OllamaDecoder,
}


COMPACTION = pydantic.TypeAdapter(BetaCompactionBlockParam)


def chat_request(body: dict[str, Any]) -> None:
    for message in body["messages"]:
        # OpenRouter's own field.
        message.pop("reasoning_details", None)
    assert_chat_request(body)


def messages_request(body: dict[str, Any]) -> None:
    for message in body["messages"]:
        # The stable types do not have what a compaction leaves.
        for block in [block for block in message["content"] if block["type"] == "compaction"]:
            COMPACTION.validate_python(block)
            message["content"].remove(block)
    assert_messages_request(body)


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "chat": chat_request,
    "responses": assert_responses_request,
    "messages": messages_request,
    "gemini": assert_gemini_request,
}
ALL = [pytest.param(wire, case, id=f"{wire}: {case.name}") for wire, cases in CASES.items() for case in cases]


def read(x: str) -> str:
    return f"content of {x}"


def model_of(wire: str, face: Face, base_url: str) -> Any:
    return face.of(CLASSES[wire], base_url, "m", key="key-of-the-tests", reasoning=True, max_retries=0)


def reply(case: Case, *pieces: Any) -> Reply:
    return Reply(pieces or [case.body], content_type=case.content_type)


def texts_of(found: list[llm.Message], kind: type) -> str:
    return "".join(part.text for message in found for part in message.parts if type(part) is kind)


def test_there_are_enough_of_them() -> None:
    assert sum(map(len, CASES.values())) >= 80
    assert all({case.stream for case in cases} == {True, False} for cases in CASES.values())
    assert all(len({case.name for case in cases}) == len(cases) for cases in CASES.values())


@pytest.mark.parametrize(("wire", "case"), ALL)
def test_what_a_reader_gets(wire: str, case: Case, face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(reply(case))
    response = model_of(wire, face, openai_server.base_url).prompt("Hi", stream=case.stream)
    if case.error:
        with pytest.raises(llm.ModelError, match=case.error) as caught:
            face.text(response)
        assert isinstance(caught.value, llm.IncompleteResponse) is case.incomplete
        assert isinstance(caught.value, llm.IncompleteResponse | llm.ProviderError)
        assert (caught.value.partial, caught.value.partial_text) == (response.partial, case.text)
        found = response.partial
    else:
        assert face.text(response) == case.text
        found = face.do(response.messages())
    calls = [part for message in found for part in message.parts if isinstance(part, llm.ToolCallPart)]
    ours = [call for call in calls if not call.server_executed]
    assert texts_of(found, llm.TextPart) == case.text
    assert texts_of(found, llm.ReasoningPart) == case.reasoning
    assert tuple((call.name, call.arguments) for call in ours) == case.calls
    assert len({call.tool_call_id for call in ours}) == len(ours)
    assert response.finish_reason == case.finish
    if case.usage is not None:
        usage = face.do(response.usage())
        assert (usage.input, usage.output) == case.usage


@pytest.mark.parametrize(("wire", "case"), ALL)
def test_any_split_gives_the_same(wire: str, case: Case) -> None:
    def seen(*pieces: bytes) -> dict[str, Any]:
        return outcome(DECODERS[wire]("m", stream=case.stream), *pieces)

    whole = seen(case.body)
    for cut in range(len(case.body)):
        assert seen(case.body[:cut], case.body[cut:]) == whole
    assert seen(*(case.body[at : at + 1] for at in range(len(case.body)))) == whole


@pytest.mark.parametrize(("wire", "case"), ALL)
def test_a_cut_answer_never_passes_for_the_whole_one(wire: str, case: Case) -> None:
    def seen(body: bytes) -> dict[str, Any]:
        return outcome(DECODERS[wire]("m", stream=case.stream), body)

    whole = seen(case.body)
    for cut in range(len(case.body)):
        found = seen(case.body[:cut])
        # A body that ends cleanly after the finish reason is whole, whatever would have come in a longer one.
        if found["error"] is None and case.name != "more after the finish reason":
            assert found["parts"] == whole["parts"], case.body[:cut]
        else:
            assert not [
                part for part in found["parts"] if part["type"] == "tool_call" and "server_executed" not in part
            ]


@pytest.mark.parametrize("break_off", [Cut(), Reset()], ids=["cut", "reset"])
@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("chat", "hugging face"),
        ("chat", "stop for a call, no end"),
        ("messages", "no message_stop"),
        ("gemini", "text"),
    ],
)
def test_a_connection_that_breaks_after_the_finish_reason_is_no_end(
    wire: str, name: str, break_off: Any, face: Face, openai_server: OpenAIServer
) -> None:
    (case,) = [case for case in CASES[wire] if case.name == name]
    openai_server.play(reply(case, case.body, break_off), reply(case, case.body))
    model = model_of(wire, face, openai_server.base_url)
    with pytest.raises(llm.IncompleteResponse):
        face.text(model.prompt("Hi"))
    assert face.text(model.prompt("Hi")) == case.text


COMPLETE = [given for given in ALL if not given.values[1].error and given.values[0] in CHECKS]  # type: ignore[union-attr]


@pytest.mark.parametrize(("wire", "case"), COMPLETE)
def test_what_came_goes_back_as_the_official_types_want_it(
    wire: str, case: Case, face: Face, openai_server: OpenAIServer
) -> None:
    openai_server.play(reply(case), reply(case))
    model = model_of(wire, face, openai_server.base_url)
    response = model.prompt("Hi", tools=[read], stream=case.stream)
    said = face.do(response.messages())
    face.text(face.do(response.reply("Go on", tools=[read], tool_results=results_of(said))))
    first, second = (request.json() for request in openai_server.requests)
    CHECKS[wire](first)
    CHECKS[wire](second)
    sent = json.dumps(second, ensure_ascii=False)
    assert all(json.dumps(part.text, ensure_ascii=False)[1:-1] in sent for part in texts_in(said))


def results_of(said: list[llm.Message]) -> list[llm.ToolResult]:
    calls = [part for message in said for part in message.parts if isinstance(part, llm.ToolCallPart)]
    return [
        llm.ToolResult(call.name, "content", tool_call_id=call.tool_call_id)
        for call in calls
        if not call.server_executed
    ]


def texts_in(said: list[llm.Message]) -> list[llm.TextPart]:
    return [part for message in said for part in message.parts if isinstance(part, llm.TextPart)]


@pytest.mark.parametrize("wire", CASES)
def test_arguments_that_are_no_json_are_the_models_word_where_the_answer_has_an_end(wire: str) -> None:
    raw = '{"x": "a\n'
    body = BROKEN_ARGUMENTS[wire](raw)
    decoder = DECODERS[wire]("m")
    items = decoder.feed(body) + decoder.drain()
    decoder.close()
    written = [item.chunk for item in items if isinstance(item, llm.StreamEvent) and item.type == "tool_call_args"]
    assert "".join(written) == raw
    assert decoder.finish is not None
    assert decoder.finish.reason == "tool_calls"


def _broken_responses(raw: str) -> bytes:
    item = responses.call_item("call_a", "read", raw)
    return responses.stream_of(*responses.item_events(0, item), responses.finished(item))


BROKEN_ARGUMENTS: dict[str, Callable[[str], bytes]] = {
    "chat": lambda raw: chat.sse(chat.call(index=0, id="a", name="read", args=raw), chat.CALLS),
    "responses": _broken_responses,
    "messages": lambda raw: messages.events(
        messages.start(), *messages.call_block(0, "a", "read", raw), *messages.end("tool_use")
    ),
    # Gemini has no arguments but objects, so those that are strings come from servers that imitate it.
    "gemini": lambda raw: gemini.sse(gemini.chunk({"functionCall": {"name": "read", "args": raw}}, reason="STOP")),
    "ollama": lambda raw: ollama.lines(ollama.said(tool_calls=[ollama.called(raw)]), ollama.STOP),
}
