"""Chains over HTTP against aimock, which plays a model that calls tools, reasons, refuses, and answers in JSON.

aimock stands in for the paid APIs. It answers only requests that match a fixture in `aimock/`, such as one with the right result of the right call.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pydantic
import pytest

import llm_notebook as llm
from llm_notebook.providers.http.retries import Retry
from tests.contract.scripted import INHABITANTS, Scripted, population, results_in, roles_in

TOGETHER = "How many people live in Oslo and Bergen together?"

streamed_or_not = pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])


async def population_async(city: str) -> int:
    """How many people live in a city."""
    return INHABITANTS[city]


class City(pydantic.BaseModel):
    name: str
    inhabitants: int


@streamed_or_not
@pytest.mark.parametrize(
    "tool", [population, llm.Tool.function(population_async, name="population")], ids=["sync", "async"]
)
@pytest.mark.parametrize("parallel_tools", [None, 2])
def test_a_chain_runs_two_calls_and_answers_from_their_results(
    scripted: Scripted, tool: Any, stream: bool, parallel_tools: int | None
) -> None:
    chain = scripted.model.chain(
        TOGETHER, system="Be brief.", tools=[tool], stream=stream, parallel_tools=parallel_tools, temperature=0.5
    )
    assert scripted.face.text(chain) == "Together they have 1,009,545 inhabitants."
    first, second = scripted.requests
    assert roles_in(first) == ["system", "user"]
    assert roles_in(second) == ["system", "user", "assistant", "tool", "tool"]
    assert second["messages"][:2] == first["messages"]
    assert results_in(second) == {"call_oslo": "717605", "call_bergen": "291940"}
    for body in (first, second):
        assert body["temperature"] == 0.5
        assert bool(body.get("stream")) is stream
        (described,) = body["tools"]
        assert described["function"]["name"] == "population"
        assert described["function"]["parameters"]["required"] == ["city"]


def test_hooks_see_every_call_and_what_came_of_it(scripted: Scripted) -> None:
    seen: list[tuple[str, Any]] = []

    def before(tool: llm.Tool | None, call: llm.ToolCall) -> None:
        assert tool is not None
        seen.append(("before", call.arguments["city"]))
        if call.arguments["city"] == "Bergen":
            raise llm.CancelToolCall("one city only")

    def after(tool: llm.Tool | None, call: llm.ToolCall, result: llm.ToolResult) -> None:
        seen.append(("after", result.output))

    chain = scripted.model.chain(TOGETHER, tools=[population], before_call=before, after_call=after)
    assert scripted.face.text(chain) == "I could look up Oslo only: 717,605."
    assert seen == [("before", "Oslo"), ("after", "717605"), ("before", "Bergen")]
    assert results_in(scripted.requests[1]) == {"call_oslo": "717605", "call_bergen": "Cancelled: one city only"}


def test_a_hook_can_change_the_arguments_that_the_tool_gets(scripted: Scripted) -> None:
    asked: list[str] = []

    def before(tool: llm.Tool | None, call: llm.ToolCall) -> None:
        call.arguments["city"] = call.arguments["city"].upper()

    def population(city: str) -> int:
        asked.append(city)
        return INHABITANTS[city.capitalize()]

    chain = scripted.model.chain(TOGETHER, tools=[population], before_call=before)
    assert scripted.face.text(chain) == "Together they have 1,009,545 inhabitants."
    assert asked == ["OSLO", "BERGEN"]
    assert results_in(scripted.requests[1]) == {"call_oslo": "717605", "call_bergen": "291940"}


@streamed_or_not
def test_calls_that_cannot_be_run_are_told_to_the_model_which_does_better(scripted: Scripted, stream: bool) -> None:
    chain = scripted.model.chain("Please look up Narvik.", tools=[population], stream=stream)
    assert scripted.face.text(chain) == "I will try. Narvik has 21,580."
    told = results_in(scripted.requests[1])
    assert '"inhabitants" does not exist' in told["call_wrong_name"]
    assert "city" in told["call_wrong_arguments"]
    assert roles_in(scripted.requests[2]) == ["user", "assistant", "tool", "tool", "assistant", "tool"]
    assert scripted.requests[2]["messages"][1]["content"] == "I will try."


@streamed_or_not
def test_text_between_two_calls_is_kept_and_both_calls_run(scripted: Scripted, stream: bool) -> None:
    chain = scripted.model.chain("Act first, talk later.", tools=[population], stream=stream)
    assert scripted.face.text(chain) == "I am looking. Found both."
    second = scripted.requests[1]
    assert second["messages"][1]["content"] == "I am looking."
    assert results_in(second) == {"call_early": "717605", "call_late": "291940"}


def test_a_stream_that_breaks_off_between_two_calls_runs_neither(scripted: Scripted) -> None:
    ran: list[str] = []

    def population(city: str) -> int:
        ran.append(city)
        return INHABITANTS[city]

    chain = scripted.model.chain("Stop in the middle.", tools=[population])
    with pytest.raises(llm.IncompleteResponse, match="broke off"):
        scripted.face.text(chain)
    assert ran == []
    assert len(scripted.requests) == 1


@streamed_or_not
def test_arguments_that_are_no_object_are_told_to_the_model_which_tries_again(scripted: Scripted, stream: bool) -> None:
    chain = scripted.model.chain("Mumble about Oslo.", tools=[population], stream=stream)
    assert scripted.face.text(chain) == "Oslo has 717,605."
    assert "called population with arguments that are not" in results_in(scripted.requests[1])["call_mumbled"]
    assert len(scripted.requests) == 3


@streamed_or_not
def test_a_conversation_sends_the_tool_calls_of_the_turns_before(scripted: Scripted, stream: bool) -> None:
    conversation = scripted.model.conversation(tools=[population])
    assert scripted.face.text(conversation.chain("What about Oslo?", stream=stream)) == "Oslo has 717,605."
    assert (
        scripted.face.text(conversation.chain("And Bergen?", stream=stream)) == "Bergen has 291,940, fewer than Oslo."
    )
    requests = scripted.requests
    for earlier, later in itertools.pairwise(requests):
        assert later["messages"][: len(earlier["messages"])] == earlier["messages"]
    turn = ["user", "assistant", "tool", "assistant"]
    assert [roles_in(body) for body in requests] == [turn[:1], turn[:3], [*turn, *turn[:1]], [*turn, *turn[:3]]]
    assert len(conversation.responses) == 4


def test_a_reply_runs_the_calls_of_its_response_first(scripted: Scripted) -> None:
    face = scripted.face
    asked = scripted.model.prompt("What about Oslo?", tools=[population])
    answered = face.do(asked.reply())
    assert face.text(answered) == "Oslo has 717,605."
    asked_again = face.do(answered.reply("And Bergen?"))
    assert [call.arguments for call in face.do(asked_again.tool_calls())] == [{"city": "Bergen"}]
    results = face.do(asked_again.execute_tool_calls())
    assert face.text(face.do(asked_again.reply(tool_results=results))) == "Bergen has 291,940, fewer than Oslo."
    assert results_in(scripted.requests[-1]) == {"call_first": "717605", "call_second": "291940"}


@streamed_or_not
def test_events_tell_calls_results_and_text_in_order(scripted: Scripted, stream: bool) -> None:
    chain = scripted.model.chain(TOGETHER, tools=[population], stream=stream)
    events = list(scripted.face.events(chain))
    order = list(dict.fromkeys((event.type, event.tool_call_id) for event in events))
    assert order == [
        ("tool_call_name", "call_oslo"),
        ("tool_call_args", "call_oslo"),
        ("tool_call_name", "call_bergen"),
        ("tool_call_args", "call_bergen"),
        ("tool_result", "call_oslo"),
        ("tool_result", "call_bergen"),
        ("text", None),
    ]
    of_parts: dict[int | None, set[tuple[str, str | None]]] = {}
    for event in events:
        kind = "call" if event.type.startswith("tool_call") else event.type
        of_parts.setdefault(event.part_index, set()).add((kind, event.tool_call_id))
    assert all(len(sources) == 1 for sources in of_parts.values())
    assert len(of_parts) == 5
    arguments = "".join(event.chunk for event in events if (event.type, event.tool_call_id) == order[1])
    assert json.loads(arguments) == {"city": "Oslo"}
    assert [event.chunk for event in events if event.type == "tool_result"] == ["717605", "291940"]
    assert list(scripted.face.events(chain)) == events
    assert len(scripted.requests) == 2


def test_a_model_that_never_stops_asking_meets_the_limit(scripted: Scripted) -> None:
    ran: list[str] = []

    def population(city: str) -> int:
        ran.append(city)
        return INHABITANTS[city]

    chain = scripted.model.chain("Tell me of every city there is.", tools=[population], chain_limit=3)
    with pytest.raises(ValueError, match="its limit of 3 responses while the model still asked for population"):
        scripted.face.text(chain)
    assert ran == ["Oslo", "Oslo"]
    assert len(scripted.requests) == 3


@streamed_or_not
def test_reasoning_is_kept_apart_and_not_sent_back_as_an_answer(scripted: Scripted, stream: bool) -> None:
    face = scripted.face
    plain = scripted.model.prompt("Which is larger, Oslo or Bergen?", stream=stream)
    assert face.text(plain) == "Oslo is larger."
    thought = [part for part in face.do(plain.messages())[0].parts if isinstance(part, llm.ReasoningPart)]
    assert [part.text for part in thought] == ["Oslo is the capital. Capitals are often large."]

    chain = scripted.model.chain("Think, then look up Oslo.", tools=[population], stream=stream)
    events = list(face.events(chain))
    kinds = list(dict.fromkeys((event.type, event.message_index) for event in events))
    first, results, last = kinds[0][1], kinds[3][1], kinds[-1][1]
    assert kinds == [
        ("reasoning", first),
        ("tool_call_name", first),
        ("tool_call_args", first),
        ("tool_result", results),
        ("reasoning", last),
        ("text", last),
    ]
    assert first < results < last
    assert face.text(chain) == "717,605."
    assert "by heart" not in json.dumps(scripted.requests[-1]["messages"])


@streamed_or_not
def test_a_schema_class_gives_its_objects_also_after_a_tool_call(scripted: Scripted, stream: bool) -> None:
    face = scripted.face
    plain = scripted.model.prompt("Describe Oslo.", schema=City, stream=stream)
    face.text(plain)
    assert plain.parsed == City(name="Oslo", inhabitants=717605)

    chain = scripted.model.chain("Describe Oslo.", schema=City, tools=[population], stream=stream)
    asked, answered = face.responses(chain)
    face.text(answered)
    assert [call.name for call in face.do(asked.tool_calls())] == ["population"]
    assert answered.parsed == City(name="Oslo", inhabitants=717605)
    formats = [body["response_format"] for body in scripted.requests]
    assert len(formats) == 3
    assert formats[0] == formats[1] == formats[2]
    assert formats[0]["json_schema"]["schema"]["required"] == ["name", "inhabitants"]


@streamed_or_not
def test_a_refused_round_is_asked_again_when_the_server_said_and_no_tool_runs_twice(
    scripted: Scripted, stream: bool
) -> None:
    ran: list[str] = []
    retries: list[Retry] = []

    def population(city: str) -> int:
        ran.append(city)
        return INHABITANTS[city]

    chain = scripted.model.chain("Are you busy for a moment?", tools=[population], stream=stream)
    for response in scripted.face.responses(chain):
        response._turn.on_retry = retries.append
    assert scripted.face.text(chain) == "Here it is."
    assert ran == ["Oslo"]
    assert [(retry.delay, retry.attempt, retry.of) for retry in retries] == [(1.0, 2, 3)]
    assert retries[0].reason == "Too many requests (429)"
    assert scripted.statuses == [200, 429, 200]
    assert scripted.requests[1] == scripted.requests[2]


@streamed_or_not
def test_a_server_that_always_refuses_is_told_with_its_own_words(scripted: Scripted, stream: bool) -> None:
    with pytest.raises(llm.ProviderError, match="Come back tomorrow") as caught:
        scripted.face.text(scripted.model.chain("Are you busy all day?", tools=[population], stream=stream))
    assert caught.value.status == 429
    assert scripted.statuses == [429, 429, 429]


def test_what_nobody_scripted_is_an_error_that_a_test_sees(scripted: Scripted) -> None:
    with pytest.raises(llm.ProviderError) as caught:
        scripted.face.text(scripted.model.prompt("Tell me a secret."))
    assert caught.value.status == 404
