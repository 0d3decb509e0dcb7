"""The deltas of tool calls find their calls, however a server numbers and names them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.providers.openai.chat_call_answers import CallDeltas

names = st.sampled_from(["read", "write"])
arguments = st.dictionaries(st.text(max_size=3), st.text(max_size=6) | st.integers() | st.just({}), max_size=2)
calls = st.lists(st.tuples(names, arguments), min_size=1, max_size=4)


def split(text: str, at: int) -> list[str]:
    cut = at % (len(text) + 1)
    return [text[:cut], text[cut:]]


def usual(number: int, position: int) -> dict[str, Any]:
    return {"index": number, **({"id": f"call_{number}"} if position == 0 else {})}


def id_in_each(number: int, position: int) -> dict[str, Any]:
    return {"index": number, "id": f"call_{number}"}


def id_that_changes(number: int, position: int) -> dict[str, Any]:
    return {"index": number, "id": f"call_{number}_{position}"}


def no_id(number: int, position: int) -> dict[str, Any]:
    return {"index": number}


def no_index(number: int, position: int) -> dict[str, Any]:
    return {"id": f"call_{number}"} if position == 0 else {}


def one_index(number: int, position: int) -> dict[str, Any]:
    return {"index": 0, **({"id": f"call_{number}"} if position == 0 else {})}


def one_id(number: int, position: int) -> dict[str, Any]:
    return {"index": number, "id": "call"}


def neither(number: int, position: int) -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    "numbered", [usual, id_in_each, id_that_changes, no_id, no_index, one_index, one_id, neither], ids=lambda way: way.__name__
)  # fmt: skip
@given(calls, st.integers(0, 50), st.booleans())
def test_calls_are_told_apart(numbered: Any, wanted: list[Any], at: int, repeats: bool) -> None:
    deltas = CallDeltas()
    repeats = repeats and numbered in (usual, id_in_each, no_id)
    for number, (name, given_arguments) in enumerate(wanted):
        for position, piece in enumerate(["", *split(json.dumps(given_arguments), at)]):
            named = {"name": name} if position == 0 or repeats else {}
            deltas.take([{**numbered(number, position), "function": {**named, "arguments": piece}}])
    found = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in deltas.to_list()]
    assert found == wanted
    assert len({call.id for call in deltas.calls}) == len(wanted)
    assert deltas.are_whole
    assert not deltas.has_nameless


@given(calls, st.booleans())
def test_whole_calls_are_as_many_as_were_sent(wanted: list[Any], in_one: bool) -> None:
    deltas = CallDeltas()
    sent = [{"index": 0, "id": "a", "function": {"name": name, "arguments": json.dumps(given_arguments)}} for name, given_arguments in wanted]  # fmt: skip
    for chunk in [sent] if in_one else [[one] for one in sent]:
        deltas.take(chunk, whole=True)
    assert [call.name for call in deltas.calls] == [name for name, _ in wanted]


def test_a_delta_without_a_name_begins_nothing() -> None:
    deltas = CallDeltas()
    assert deltas.take([{"index": 0, "id": "a", "function": {"arguments": '{"x":'}}]) == []
    assert deltas.has_nameless
    events = deltas.take([{"index": 0, "function": {"name": "read", "arguments": "1}"}}])
    assert [(event.type, event.chunk, event.tool_call_id) for event in events if not isinstance(event, str)] == [
        ("tool_call_name", "read", "a"),
        ("tool_call_args", '{"x":', "a"),
        ("tool_call_args", "1}", "a"),
    ]
    assert not deltas.has_nameless
