"""The TypedDicts: they say what `to_dict()` returns, and check JSON that comes from elsewhere."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import typing
from collections.abc import Iterator
from typing import Any

import llm.serialization as theirs
import pydantic
import pytest

import llm_notebook as llm
from llm_notebook import serialization

PICTURE = llm.Attachment("image/png", content=b"\x89PNG\r\n\x1a\n")
MESSAGES = [
    llm.system("Be brief."),
    llm.user("Look", PICTURE, llm.Attachment(url="https://example.com/a.png")),
    llm.assistant(
        llm.ReasoningPart("Hm", provider_metadata={"signature": "x"}),
        llm.TextPart("Yes", citations=[llm.Citation("https://example.com")]),
        llm.ToolCallPart("look", {"at": {"x": [1, None]}}, "1", server_executed=True),
    ),
    llm.tool_message(llm.ToolResultPart("look", "seen", "1", exception="E: e", attachments=[PICTURE])),
]


def with_a_dict_form() -> Iterator[type[Any]]:
    """Every class of ours with `to_dict()` or `from_dict()`."""
    found = dict.fromkeys(
        value
        for module in pkgutil.walk_packages(llm.__path__, "llm_notebook.")
        if not module.name.startswith("llm_notebook.notebook")
        for value in vars(importlib.import_module(module.name)).values()
        if inspect.isclass(value) and value.__module__.startswith("llm_notebook.")
    )
    yield from (cls for cls in found if hasattr(cls, "to_dict") or hasattr(cls, "from_dict"))


@pytest.mark.parametrize("name", theirs.__all__)
def test_they_require_the_keys_that_llms_require(name: str) -> None:
    own, other = getattr(serialization, name), getattr(theirs, name)
    for key in ("__required_keys__", "__total__"):
        assert getattr(own, key, None) == getattr(other, key, None)
    assert getattr(other, "__optional_keys__", frozenset()) <= getattr(own, "__optional_keys__", frozenset())
    assert pydantic.TypeAdapter(own).json_schema()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.role)
def test_they_take_what_to_dict_returns(message: llm.Message) -> None:
    data = json.loads(json.dumps(message.to_dict()))
    assert pydantic.TypeAdapter(serialization.MessageDict).validate_python(data) == data
    for part in message.parts:
        assert pydantic.TypeAdapter(serialization.PartDict).validate_python(part.to_dict()) == part.to_dict()


def test_they_take_a_response() -> None:
    response = llm.Response.fake(llm.get_model("gpt-4o"), "Hi", PICTURE, system="S", response="Yo")
    response.set_usage(input=3, output=4, details={"cached": 1})
    data = json.loads(json.dumps(response.to_dict()))
    assert pydantic.TypeAdapter(serialization.ResponseDict).validate_python(data) == data


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("PartDict", {"type": "text"}),
        ("PartDict", {"type": "unknown", "text": "a"}),
        ("ToolCallPartDict", {"type": "tool_call", "name": "f"}),
        ("MessageDict", {"role": "user"}),
        ("ResponseDict", {"model": "m", "messages": []}),
        ("UsageDict", {"input": "many"}),
    ],
)
def test_they_refuse_what_is_not_whole(kind: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        pydantic.TypeAdapter(getattr(serialization, kind)).validate_python(wrong)


@pytest.mark.parametrize("cls", [*with_a_dict_form()], ids=lambda cls: cls.__name__)
def test_what_is_given_and_taken_is_typed(cls: type[Any]) -> None:
    for name in ("to_dict", "from_dict"):
        if hasattr(cls, name):
            assert typing.get_type_hints(getattr(cls, name))["return"]


def test_each_part_says_which_dict_it_gives() -> None:
    for kind in ("Text", "Reasoning", "ToolCall", "ToolResult", "Attachment"):
        hints = typing.get_type_hints(getattr(llm, f"{kind}Part").to_dict)
        assert hints["return"] is getattr(serialization, f"{kind}PartDict")
    assert typing.get_type_hints(llm.Response.to_dict)["return"] is serialization.ResponseDict
    assert typing.get_type_hints(llm.Message.from_dict)["d"] is serialization.MessageDict
