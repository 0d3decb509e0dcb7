"""`.parsed`: the answer to a schema as the value that was asked for, for every form of a schema, sync and async."""

from __future__ import annotations

import dataclasses
import enum
import json
from typing import Annotated, Any, TypedDict

import pydantic
import pytest

import llm_notebook as llm
from tests.fakes.faces import Face


@dataclasses.dataclass
class Dog:
    name: Annotated[str, "how it is called"]
    age: int = 0


class Cat(TypedDict):
    name: str


class Colour(enum.Enum):
    RED = "red"


class Bird(pydantic.BaseModel):
    name: str
    legs: Annotated[int, "usually two"] = 2


class Tree(pydantic.BaseModel):
    value: int
    kids: list[Tree] = []


@dataclasses.dataclass
class Kennel:
    dogs: list[Dog]


def _parsed(face: Face, schema: Any, text: str) -> tuple[Any, dict[str, Any]]:
    model = face.model(text, supports_schema=True)
    response = model.prompt("Hi", schema=schema)
    face.text(response)
    sent = model.requests[0].schema
    json.dumps(sent)
    return response.parsed, sent


@pytest.mark.parametrize(
    ("schema", "text", "expected"),
    [
        (Bird, '{"name": "Robin"}', Bird(name="Robin")),
        (Dog, '{"name": "Rex", "age": 3}', Dog("Rex", 3)),
        (Cat, '{"name": "Tom"}', {"name": "Tom"}),
        (Kennel, '{"dogs": [{"name": "Rex"}]}', Kennel([Dog("Rex")])),
        (Tree, '{"value": 1, "kids": [{"value": 2}]}', Tree(value=1, kids=[Tree(value=2)])),
        (Colour, '"red"', Colour.RED),
        (Colour, "red", Colour.RED),
        (Colour, '{"value": "red"}', Colour.RED),
        (list[Dog], '{"value": [{"name": "Rex"}]}', [Dog("Rex")]),
        (list[Cat], '[{"name": "Tom"}]', [{"name": "Tom"}]),
        (Dog | Bird, '{"value": {"name": "Rex", "age": 1}}', Dog("Rex", 1)),
        ("name, age int", '{"name": "Rex", "age": 3}', {"name": "Rex", "age": 3}),
        ({"type": "object"}, '{"value": 1}', {"value": 1}),
    ],
)
def test_an_answer_becomes_what_was_asked_for(face: Face, schema: Any, text: str, expected: Any) -> None:
    parsed, sent = _parsed(face, schema, text)
    assert parsed == expected
    assert sent["type"] == "object"


@pytest.mark.parametrize(
    "text",
    [
        '```json\n{"name": "Rex"}\n```',
        '```\n{"name": "Rex"}\n```\n',
        '~~~json\n{\n"name": "Rex"\n}\n~~~',
        '```json {"name": "Rex"} ```',
        'Here you are:\n\n```JSON\n{"name": "Rex"}\n```\nAnything else?',
        'Here you are: {"name": "Rex"} I hope it helps.',
        '\ufeff {"name": "Rex"}',
        '```python\nprint(1)\n```\n```json\n{"name": "Rex"}\n```',
    ],
)
@pytest.mark.parametrize("schema", [Dog, "name"])
def test_json_is_found_in_fences_and_between_words(face: Face, schema: Any, text: str) -> None:
    parsed, _ = _parsed(face, schema, text)
    assert parsed in (Dog("Rex"), {"name": "Rex"})


@pytest.mark.parametrize("text", ["", "I cannot.", "{", '{"age": 3}', "```json\n{\n```"])
def test_an_answer_that_does_not_fit_is_an_error(face: Face, text: str) -> None:
    with pytest.raises(ValueError, match="Dog"):
        _parsed(face, Dog, text)


def test_a_long_answer_without_json_takes_no_time(face: Face) -> None:
    with pytest.raises(ValueError, match="Expecting value"):
        _parsed(face, "name", "```\n" * 100_000 + "{[" * 100_000)


def test_what_the_fields_say_about_themselves_is_told() -> None:
    for schema, name, told in ((Dog, "name", "how it is called"), (Bird, "legs", "usually two")):
        sent = llm.Tool("t", "d", schema, lambda **kw: kw).input_schema  # type: ignore[arg-type]
        assert sent["properties"][name]["description"] == told
    sent = llm.Tool("t", "d", Kennel, lambda **kw: kw).input_schema  # type: ignore[arg-type]
    assert sent["$defs"]["Dog"]["properties"]["name"]["description"] == "how it is called"


def test_what_the_parameters_say_about_themselves_is_told() -> None:
    def walk(
        far: Annotated[int, "in metres"],
        where: Annotated[str, "a place", pydantic.Field(min_length=1)],
        dog: Dog,
        ways: list[Annotated[int, "a number"]],
    ) -> int:
        return far

    schema = llm.Tool.function(walk).input_schema
    assert schema["properties"]["far"] == {"description": "in metres", "type": "integer"}
    assert schema["properties"]["where"] == {"description": "a place", "minLength": 1, "type": "string"}
    assert schema["properties"]["ways"]["items"] == {"description": "a number", "type": "integer"}
    assert schema["$defs"]["Dog"]["properties"]["name"]["description"] == "how it is called"


class _Event(pydantic.BaseModel):
    title: str


class _Told(_Event):
    """An event that is told."""


class _Retold(_Told):
    pass


@dataclasses.dataclass
class _Plain:
    title: str


@pytest.mark.parametrize(
    ("tool", "description"),
    [
        (_Event, None),
        (_Told, "An event that is told."),
        (_Retold, "An event that is told."),
        (_Plain, None),
    ],
)
def test_the_docs_of_a_library_are_no_description(tool: Any, description: str | None) -> None:
    assert llm.Tool.function(tool).description == description
