"""The rules by which stream events become messages."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llm_notebook as llm
from llm_notebook.parts.messages import EventType, events_of
from llm_notebook.turns.assembly import Assembler
from tests.fakes.faces import Face

Event = llm.StreamEvent


def assembled(*events: Event, calls: list[llm.ToolCall] | None = None) -> list[llm.Message]:
    assembler = Assembler()
    for event in events:
        assembler.feed(copy.copy(event))
    return assembler.messages(calls)


def parts(*events: Event, calls: list[llm.ToolCall] | None = None) -> list[Any]:
    [message] = assembled(*events, calls=calls)
    assert message.role == "assistant"
    return list(message.parts)


def indices(*events: Event) -> list[int | None]:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return [event.part_index for event in events]


def test_nothing_is_nothing() -> None:
    assert assembled() == []
    assert assembled(Event("text", "")) == []


def test_consecutive_text_shares_a_part() -> None:
    assert parts(Event("text", "a"), Event("text", ""), Event("text", "b")) == [llm.TextPart("ab")]


def test_consecutive_reasoning_shares_a_part_and_text_ends_it() -> None:
    events = [Event("reasoning", "a"), Event("reasoning", "b"), Event("text", "c"), Event("reasoning", "d")]
    assert parts(*events) == [llm.ReasoningPart("ab"), llm.TextPart("c"), llm.ReasoningPart("d")]


def test_tool_call_events_group_by_id_however_they_are_interleaved() -> None:
    events = [
        Event("tool_call_name", "f", tool_call_id="1"),
        Event("tool_call_name", "g", tool_call_id="2"),
        Event("tool_call_args", '{"a"', tool_call_id="1"),
        Event("tool_call_args", "{}", tool_call_id="2"),
        Event("tool_call_args", ":1}", tool_call_id="1"),
    ]
    assert parts(*events) == [llm.ToolCallPart("f", {"a": 1}, "1"), llm.ToolCallPart("g", {}, "2")]


def test_without_an_id_a_name_starts_a_call_and_arguments_belong_to_the_last_one() -> None:
    events = [
        Event("tool_call_name", "f"),
        Event("tool_call_args", '{"a":'),
        Event("text", "Wait"),
        Event("tool_call_args", "1}"),
        Event("tool_call_name", "f"),
        Event("tool_call_args", '{"a":2}'),
    ]
    found = parts(*events)
    assert [(part.name, part.arguments) for part in found if isinstance(part, llm.ToolCallPart)] == [
        ("f", {"a": 1}),
        ("f", {"a": 2}),
    ]
    assert llm.TextPart("Wait") in found


def test_arguments_without_an_id_belong_to_a_call_that_has_one() -> None:
    events = [Event("tool_call_name", "f", tool_call_id="1"), Event("tool_call_args", '{"a":1}')]
    assert parts(*events) == [llm.ToolCallPart("f", {"a": 1}, "1")]


def test_arguments_may_bring_the_id_that_the_name_lacked() -> None:
    events = [Event("tool_call_name", "f"), Event("tool_call_args", '{"a":1}', tool_call_id="1")]
    assert parts(*events) == [llm.ToolCallPart("f", {"a": 1}, "1")]


def test_every_call_has_an_id() -> None:
    found = parts(Event("tool_call_name", "f"), Event("tool_call_name", "f"), calls=[llm.ToolCall("g", {})])
    ids = [part.tool_call_id for part in found]
    assert all(call_id.startswith("tc_") for call_id in ids)
    assert len(set(ids)) == 3


def test_ids_that_are_made_up_sort_by_age() -> None:
    ids = []
    for _ in range(3):
        (call,) = parts(Event("tool_call_name", "f"))
        ids.append(call.tool_call_id)
        time.sleep(0.002)
    assert ids == sorted(ids)


def test_each_tool_result_is_a_part_of_its_own() -> None:
    events = [Event("tool_result", "a", tool_name="f", tool_call_id="1"), Event("tool_result", "b", tool_name="f")]
    assert parts(*events) == [llm.ToolResultPart("f", "a", "1"), llm.ToolResultPart("f", "b")]


def test_a_new_message_index_starts_a_new_part_and_message() -> None:
    events = [Event("text", "a"), Event("text", "b", message_index=1), Event("text", "c", message_index=1)]
    assert assembled(*events) == [llm.assistant("a"), llm.assistant("bc")]
    assert assembled(Event("text", "a", 0), Event("text", "b", 0, message_index=1)) == [
        llm.assistant("a"),
        llm.assistant("b"),
    ]


def test_explicit_indices_are_kept_and_group() -> None:
    events = [Event("text", "a", 5), Event("text", "x", 7), Event("text", "b", 5)]
    assert indices(*events) == [5, 7, 5]
    assert parts(*events) == [llm.TextPart("ab"), llm.TextPart("x")]


def test_allocated_indices_do_not_collide_with_explicit_ones() -> None:
    assert indices(Event("text", "a", 3), Event("reasoning", "b"), Event("text", "c", 4)) == [3, 4, 4]
    assert parts(Event("text", "a"), Event("reasoning", "b"), Event("text", "c", 0)) == [
        llm.TextPart("a"),
        llm.ReasoningPart("b"),
        llm.TextPart("c"),
    ]


def test_another_kind_or_call_at_a_taken_index_is_neither_lost_nor_joined() -> None:
    assert parts(Event("text", "a", 0), Event("reasoning", "b", 0)) == [llm.TextPart("a"), llm.ReasoningPart("b")]
    events = [
        Event("tool_call_name", "f", 0, "1"),
        Event("tool_call_name", "g", 0, "2"),
        Event("tool_call_args", '{"a":1}', 0, "1"),
        Event("tool_call_args", '{"a":2}', 0, "2"),
    ]
    assert parts(*events) == [llm.ToolCallPart("f", {"a": 1}, "1"), llm.ToolCallPart("g", {"a": 2}, "2")]


def test_withheld_reasoning_becomes_a_marker_at_the_front() -> None:
    events = [Event("text", "a"), Event("reasoning", "", redacted=True), Event("text", "b")]
    assert parts(*events) == [llm.ReasoningPart("", redacted=True), llm.TextPart("a"), llm.TextPart("b")]


def test_the_marker_goes_to_the_front_of_its_own_message() -> None:
    events = [Event("text", "a"), Event("text", "b", message_index=1)]
    marker = Event("reasoning", "", redacted=True, message_index=1)
    assert [len(message.parts) for message in assembled(*events, marker)] == [1, 2]


def test_reasoning_with_only_metadata_stays_in_place() -> None:
    events = [Event("text", "a"), Event("reasoning", "", provider_metadata={"signature": "s"})]
    assert parts(*events) == [llm.TextPart("a"), llm.ReasoningPart("", provider_metadata={"signature": "s"})]


def test_metadata_is_merged_key_by_key_and_the_later_wins() -> None:
    events = [
        Event("text", "a", provider_metadata={"x": 1, "y": 1}),
        Event("text", "b"),
        Event("text", "c", provider_metadata={"y": 2}),
    ]
    assert parts(*events) == [llm.TextPart("abc", {"x": 1, "y": 2})]
    assert events[0].provider_metadata == {"x": 1, "y": 1}


def test_registered_calls_join_those_that_were_streamed() -> None:
    streamed = [Event("text", "a"), Event("tool_call_name", "f", tool_call_id="1")]
    calls = [llm.ToolCall("f", {}, "1"), llm.ToolCall("g", {"x": 1}, "2")]
    assert parts(*streamed, calls=calls) == [
        llm.TextPart("a"),
        llm.ToolCallPart("f", {}, "1"),
        llm.ToolCallPart("g", {"x": 1}, "2"),
    ]
    assert parts(calls=calls[1:]) == [llm.ToolCallPart("g", {"x": 1}, "2")]


@pytest.mark.parametrize("text", ['{"path": "/', "[1]", "null", "{} {}", "'", "[" * 100_000])
def test_arguments_that_are_no_object_are_kept_as_they_were_written(text: str) -> None:
    assert parts(Event("tool_call_name", "delete_files", tool_call_id="1"), Event("tool_call_args", text)) == [
        llm.ToolCallPart("delete_files", {"_raw": text}, "1")
    ]


@pytest.mark.parametrize(
    "arguments", [{"_raw": "null"}, {"_raw": '{"te'}, {"_raw": "{}"}, {"_raw": 1}, {"x": "null"}, {}]
)
def test_arguments_of_any_kind_are_replayed_as_they_were_written(arguments: dict[str, Any]) -> None:
    part = llm.ToolCallPart("f", arguments, "1")
    events = list(events_of(part, 0))
    assert parts(*events) == [part]
    assert (events[1].chunk == arguments.get("_raw")) == (arguments.get("_raw") in ("null", '{"te'))


def test_a_broken_off_stream_gives_no_calls_but_those_already_answered() -> None:
    assembler = Assembler()
    for event in [
        Event("text", "Hm"),
        Event("tool_call_name", "mine", tool_call_id="1"),
        Event("tool_call_name", "search", tool_call_id="2", server_executed=True),
        Event("tool_call_args", '{"q":1}', tool_call_id="2"),
        Event("tool_result", "found", tool_call_id="2", tool_name="search", server_executed=True),
        Event("tool_call_name", "search", tool_call_id="3", server_executed=True),
        Event("tool_call_args", '{"q', tool_call_id="3"),
        Event("tool_call_name", "search", tool_call_id="4", server_executed=True),
        Event("tool_call_args", '{"q":2}', tool_call_id="4"),
        Event("tool_result", "by the provider", tool_call_id="1", tool_name="mine"),
    ]:
        assembler.feed(event)
    assert assembler.partial_messages() == [
        llm.assistant(
            "Hm",
            llm.ToolCallPart("search", {"q": 1}, "2", server_executed=True),
            llm.ToolResultPart("search", "found", "2", server_executed=True),
            llm.ToolResultPart("mine", "by the provider", "1"),
        )
    ]


def test_arguments_at_an_explicit_index_belong_to_the_call_there_without_repeating_its_id() -> None:
    events = [
        Event("tool_call_name", "f", part_index=0, tool_call_id="1"),
        Event("tool_call_name", "g", part_index=1, tool_call_id="2"),
        Event("tool_call_args", '{"x":', part_index=0),
        Event("tool_call_args", '{"y":2}', part_index=1),
        Event("tool_call_args", "1}", part_index=0),
    ]
    assert parts(*events) == [llm.ToolCallPart("f", {"x": 1}, "1"), llm.ToolCallPart("g", {"y": 2}, "2")]


@pytest.mark.parametrize(
    "events",
    [
        [Event("text", "a", part_index=0), Event("tool_call_name", "f", part_index=0, tool_call_id="1")],
        [Event("tool_call_name", "f", part_index=1, tool_call_id="1"), Event("text", "a", part_index=1)],
        ["a", Event("tool_call_name", "f", part_index=0, tool_call_id="1")],
        [Event("reasoning", "a", part_index=2), Event("text", "b", part_index=2)],
    ],
)
def test_parts_of_different_kinds_need_different_indices(face: Face, events: list[Any]) -> None:
    model = face.model(*events, supports_tools=True)
    response = model.prompt("Hi")
    # No text is lost over it.
    assert face.text(response) == "".join(
        event if isinstance(event, str) else event.chunk
        for event in events
        if isinstance(event, str) or event.type == "text"
    )
    for read in (response.messages, response.tool_calls):
        with pytest.raises(ValueError, match=r"part_index \d.* incompatible"):
            face.do(read())
    with pytest.raises(ValueError, match="incompatible"):
        response.to_dict()
    with pytest.raises(ValueError, match="incompatible"):
        face.text(model.chain("Hi"))


def test_a_call_and_its_result_or_parts_of_two_messages_may_have_one_index(face: Face) -> None:
    ran = [
        Event("tool_call_name", "f", part_index=0, tool_call_id="1", server_executed=True),
        Event("tool_result", "x", part_index=0, tool_call_id="1", tool_name="f", server_executed=True),
        Event("text", "a", part_index=0, message_index=1),
    ]
    call, said = face.do(face.model(*ran).prompt("Hi").messages())
    assert [type(part) for part in call.parts] == [llm.ToolCallPart, llm.ToolResultPart]
    assert said == llm.assistant("a")


types: list[EventType] = ["text", "reasoning", "tool_call_name", "tool_result"]
events = st.builds(
    Event,
    type=st.sampled_from(types),
    chunk=st.text(max_size=3),
    part_index=st.none() | st.integers(0, 4),
    tool_call_id=st.none() | st.sampled_from(["1", "2"]),
    redacted=st.booleans(),
    provider_metadata=st.none() | st.dictionaries(st.sampled_from("xy"), st.integers(), max_size=2),
    message_index=st.integers(0, 2),
)


def texts(messages: list[llm.Message], kind: type) -> list[str]:
    return [part.text for message in messages for part in message.parts if isinstance(part, kind)]


@given(st.lists(events, max_size=12))
def test_no_text_is_lost_and_explicit_indices_are_kept(events: list[Event]) -> None:
    fed = [copy.copy(event) for event in events]
    assembler = Assembler()
    for event in fed:
        assembler.feed(event)
    messages = assembler.messages()
    for kind, cls in (("text", llm.TextPart), ("reasoning", llm.ReasoningPart)):
        said = "".join(event.chunk for event in events if event.type == kind)
        assert sorted("".join(texts(messages, cls))) == sorted(said)
    for given_event, event in zip(events, fed, strict=True):
        assert event.part_index is not None
        assert given_event.part_index in (None, event.part_index)
    with_content = {event.message_index for event in events if event.chunk or event.type.startswith("tool")}
    assert len(messages) >= len(with_content)


@given(st.lists(st.tuples(st.sampled_from(["text", "reasoning"]), st.text(min_size=1, max_size=3)), max_size=10))
def test_text_keeps_its_order(pieces: list[tuple[EventType, str]]) -> None:
    messages = assembled(*(Event(kind, chunk) for kind, chunk in pieces))
    found = [part.text for message in messages for part in message.parts]  # type: ignore[attr-defined]
    assert "".join(found) == "".join(chunk for _, chunk in pieces)


@given(st.lists(events, max_size=10))
def test_replayed_events_give_the_same_messages(events: list[Event]) -> None:
    without_explicit = [copy.copy(event) for event in events]
    for event in without_explicit:
        event.part_index = None
        event.tool_call_id = event.tool_call_id or "3"
    first = assembled_in_place(without_explicit)
    assert assembled_in_place(without_explicit) == first


def assembled_in_place(events: list[Event]) -> list[llm.Message]:
    assembler = Assembler()
    for event in events:
        assembler.feed(event)
    return assembler.messages()
