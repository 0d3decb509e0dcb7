"""Messages and parts are values that survive a round trip through JSON."""

from __future__ import annotations

import json
from typing import Any, NotRequired, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import is_typeddict

import llm_notebook as llm
from llm_notebook.parts.messages import Part
from llm_notebook.serialization import MessageDict, PartDict, ResponseDict
from tests.fakes.faces import Face

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(st.text(max_size=4), json_values, max_size=3)
metadata = st.none() | objects
names = st.text(max_size=5)
ids = st.none() | st.text(max_size=5)
attachments = st.builds(
    llm.Attachment, type=names | st.none(), path=names | st.none(), url=ids, content=st.none() | st.binary(max_size=9)
)
parts = st.one_of(
    st.builds(llm.TextPart, names, metadata),
    st.builds(llm.ReasoningPart, names, st.booleans(), metadata),
    st.builds(llm.ToolCallPart, names, objects, ids, st.booleans(), metadata),
    st.builds(llm.ToolResultPart, names, names, ids, st.booleans(), st.lists(attachments, max_size=2), ids, metadata),
    st.builds(llm.AttachmentPart, st.none() | attachments, metadata),
)
messages = st.builds(
    llm.Message, st.sampled_from(["system", "user", "assistant", "tool"]), st.lists(parts, max_size=3), metadata
)


@given(messages)
def test_a_message_survives_json(message: llm.Message) -> None:
    again = llm.Message.from_dict(json.loads(json.dumps(message.to_dict())))
    assert again == message
    assert again.to_dict() == message.to_dict()


@given(parts)
def test_absent_fields_are_left_out(part: Part) -> None:
    written: Any = part.to_dict()
    assert written["type"] in ("text", "reasoning", "tool_call", "tool_result", "attachment")
    assert None not in written.values()
    assert False not in [value for value in written.values() if isinstance(value, bool)]
    assert Part.from_dict(written) == part


@given(messages, messages)
def test_equal_means_equal_content(one: llm.Message, other: llm.Message) -> None:
    assert (one == other) == (one.to_dict() == other.to_dict())


@pytest.mark.parametrize(
    "make", [llm.TextPart, llm.ReasoningPart, llm.ToolCallPart, llm.ToolResultPart, llm.AttachmentPart, llm.user]
)
def test_empty_metadata_are_none(make: Any) -> None:
    given = make(provider_metadata={})
    assert given == make() == make(provider_metadata=None)
    assert given.provider_metadata is None
    given.provider_metadata = {}
    assert given.to_dict() == make().to_dict()
    assert type(given).from_dict({**make().to_dict(), "provider_metadata": {}}) == make()


def test_the_written_form() -> None:
    message = llm.assistant(
        "Hi",
        llm.ToolCallPart("f", {"x": 1}, "tc_1"),
        llm.ToolResultPart("f", "1", "tc_1", attachments=[llm.Attachment("image/png", content=b"x")]),
    )
    assert message.to_dict() == {
        "role": "assistant",
        "parts": [
            {"type": "text", "text": "Hi"},
            {"type": "tool_call", "name": "f", "arguments": {"x": 1}, "tool_call_id": "tc_1"},
            {
                "type": "tool_result",
                "name": "f",
                "output": "1",
                "tool_call_id": "tc_1",
                "attachments": [{"type": "image/png", "content": "eA=="}],
            },
        ],
    }


def misfits(value: Any, shape: Any) -> list[str]:
    """Return the differences between a dict and its TypedDict, including those of nested dicts."""
    if get_origin(shape) is list:
        return [found for item in value for found in misfits(item, get_args(shape)[0])]
    if shape == PartDict:
        (shape,) = [one for one in get_args(shape) if get_args(get_type_hints(one)["type"]) == (value["type"],)]
    if not is_typeddict(shape):
        return []
    hints = get_type_hints(shape, include_extras=True)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired or not shape.__total__}
    found = [f"{shape.__name__} has no {name}" for name in value.keys() - hints.keys()]
    found += [f"{shape.__name__} lacks {name}" for name in hints.keys() - optional - value.keys()]
    for name in value.keys() & hints.keys():
        hint = get_args(hints[name])[0] if get_origin(hints[name]) is NotRequired else hints[name]
        found += misfits(value[name], hint)
    return found


@given(messages)
def test_the_written_form_is_that_of_the_typed_dicts(message: llm.Message) -> None:
    assert misfits(message.to_dict(), MessageDict) == []


def test_a_written_response_is_that_of_the_typed_dicts(face: Face) -> None:
    def spend(response: Any) -> None:
        response.set_usage(input=1, output=2, details={"cached": 1})

    model = face.model("Hello", spend)
    response = model.prompt("Hi", system="S", attachments=[])
    face.text(response)
    written = response.to_dict()
    assert misfits(written, ResponseDict) == []
    assert set(get_type_hints(ResponseDict)) == set(written)
    assert misfits({**written, "colour": "red", "prompt": {}}, ResponseDict) == [
        "ResponseDict has no colour",
        "PromptDict lacks messages",
    ]


def test_fields_of_a_later_version_are_passed_over() -> None:
    assert Part.from_dict({"type": "text", "text": "Hi", "colour": "red"}) == llm.TextPart("Hi")  # type: ignore[typeddict-unknown-key]


def test_an_unknown_type_is_said() -> None:
    with pytest.raises(ValueError, match=r"^Unknown part type 'hologram'; known are text, "):
        Part.from_dict({"type": "hologram"})  # type: ignore[typeddict-item]


def test_helpers_take_strings_attachments_parts_and_lists() -> None:
    picture = llm.Attachment("image/png", content=b"x")
    assert llm.user("a", picture, [llm.TextPart("b"), ["c"]]) == llm.Message(
        "user", [llm.TextPart("a"), llm.AttachmentPart(picture), llm.TextPart("b"), llm.TextPart("c")]
    )
    assert [make("x").role for make in (llm.system, llm.user, llm.assistant, llm.tool_message)] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    assert llm.user("x", provider_metadata={"a": 1}).provider_metadata == {"a": 1}


def test_helpers_say_what_they_take() -> None:
    with pytest.raises(TypeError, match="A message takes strings, Attachments, Parts or lists of them, not int"):
        llm.user(5)  # type: ignore[arg-type]
