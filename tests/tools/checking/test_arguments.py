"""Arguments of tool calls: which are accepted, what they are converted to, and what the model reads about the others."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field

from llm_notebook.errors import ToolArgumentError
from llm_notebook.tools.checking.arguments import validate_arguments
from llm_notebook.tools.signatures import read_signature

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


class Place(BaseModel):
    name: str
    floor: int = 0


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Box:
    width: int


def positive(n: int) -> int:
    if n <= 0:
        raise ValueError("must be positive")
    return n


def checked(function: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    signature = read_signature(function, "tool")
    return validate_arguments("tool", signature, signature.schema, arguments)


def complaint(function: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ToolArgumentError) as caught:
        checked(function, **arguments)
    assert caught.value.tool_name == "tool"
    return str(caught.value)


@pytest.mark.parametrize(
    ("annotation", "value", "expected"),
    [
        (int, "5", 5),
        (int, 5.0, 5),
        (float, 5, 5.0),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (bool, "False", False),
        (str, 5, "5"),
        (str, 1.5, "1.5"),
        (int | None, "5", 5),
        (int | None, None, None),
        (list[str], [1, "a"], ["1", "a"]),
        (Colour, "red", Colour.RED),
        (Box, {"width": "3"}, Box(3)),
        (Place, {"name": "x"}, Place(name="x")),
        (datetime.date, "2024-02-29", datetime.date(2024, 2, 29)),
    ],
)
def test_values_get_the_type_that_is_asked_for(annotation: Any, value: Any, expected: Any) -> None:
    def function(a: Any) -> None: ...

    function.__annotations__["a"] = annotation
    result = checked(function, a=value)["a"]
    assert result == expected
    assert type(result) is type(expected)


def test_wrong_types_are_named_with_what_was_expected() -> None:
    def function(n: int, s: str, b: bool, k: Literal["x", "y"], p: Place, v: list[int], u: int | str) -> None: ...

    good: dict[str, Any] = {"n": 1, "s": "", "b": True, "k": "x", "p": {"name": "a"}, "v": [], "u": 1}
    assert complaint(function, **good | {"n": "rm -rf"}) == "n: expected an integer, got 'rm -rf'"
    assert complaint(function, **good | {"n": 1.5}) == "n: expected an integer, got 1.5"
    assert complaint(function, **good | {"s": ["a"]}) == "s: expected a string, got ['a']"
    assert complaint(function, **good | {"b": "perhaps"}) == "b: expected true or false, got 'perhaps'"
    assert complaint(function, **good | {"k": "z"}) == 'k: expected "x" or "y", got \'z\''
    assert complaint(function, **good | {"p": {"name": "a", "floor": "up"}}) == "p.floor: expected an integer, got 'up'"
    assert complaint(function, **good | {"p": {}}) == "p.name: required, but missing"
    assert complaint(function, **good | {"v": [1, "x"]}) == "v[1]: expected an integer, got 'x'"
    assert complaint(function, **good | {"v": "1, 2"}) == "v: expected a list, got '1, 2'"
    assert complaint(function, **good | {"u": [1]}) == "u: expected an integer or a string, got [1]"


def test_every_bad_argument_is_named_at_once() -> None:
    def function(a: int, b: str) -> None: ...

    assert complaint(function, a="x", z=1) == (
        "a: expected an integer, got 'x'; b: required, but missing; z: unknown argument, tool takes a, b"
    )


def test_long_values_and_many_errors_are_cut() -> None:
    def function(a: int, v: list[int]) -> None: ...

    text = complaint(function, a="x" * 1_000_000, v=["y"] * 1000)
    assert len(text) < 2000
    assert "a: expected an integer" in text
    assert "more" in text


def test_the_models_own_words_are_kept() -> None:
    signature = read_signature(lambda n: n, "tool")
    with pytest.raises(ToolArgumentError) as caught:
        validate_arguments("tool", signature, signature.schema, ["é"])
    assert caught.value.raw == '["é"]'
    assert "expected a JSON object of named arguments" in str(caught.value)


def test_unannotated_arguments_are_passed_as_they_come() -> None:
    def function(a, b=1):  # type: ignore[no-untyped-def]
        ...

    assert checked(function, a=[1], b={"x": 1}) == {"a": [1], "b": {"x": 1}}


def test_only_what_was_given_is_passed() -> None:
    def function(a: int, b: int = 2, c: int = Field(3, ge=0)) -> None: ...

    # A default inside of pydantic's Field would reach the function as the Field.
    assert checked(function, a=1) == {"a": 1, "c": 3}


def test_extra_arguments_go_where_the_function_takes_them() -> None:
    def anything(a: int, **more: Any) -> None: ...
    def numbers(**more: int) -> None: ...

    assert checked(anything, a=1, z=[1]) == {"a": 1, "z": [1]}
    assert checked(numbers, z="1") == {"z": 1}
    assert complaint(numbers, z="x") == "z: expected an integer, got 'x'"


def test_hidden_parameters_cannot_be_given_by_the_model() -> None:
    def function(query: str, llm_tool_call: Any = None, key: str = "", **more: Any) -> None: ...

    bound = functools.partial(function, key="mine")
    assert "llm_tool_call: unknown argument" in complaint(bound, query="q", llm_tool_call={})
    assert "key: unknown argument" in complaint(bound, query="q", key="theirs")


def test_validators_of_the_user_speak_for_themselves() -> None:
    def function(n: Annotated[int, AfterValidator(positive)]) -> None: ...

    assert complaint(function, n=-1) == "n: must be positive, got -1"


@given(st.dictionaries(st.sampled_from(["n", "s", "v", "p", "zz"]), JSON))
def test_any_arguments_are_either_used_without_loss_or_refused(arguments: dict[str, Any]) -> None:
    def function(n: int, s: str = "", v: list[int] | None = None, p: Place | None = None) -> None: ...

    try:
        used = checked(function, **arguments)
    except ToolArgumentError:
        return
    assert used.keys() == arguments.keys()
    assert isinstance(used["n"], int)
    assert used["n"] == arguments["n"] or isinstance(arguments["n"], str)
    assert isinstance(used.get("s", ""), str)


SCHEMA = {
    "type": "object",
    "properties": {
        "n": {"type": "integer"},
        "s": {"type": ["string", "null"]},
        "b": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        "v": {"type": "array", "items": {"type": "number"}},
        "e": {"enum": ["a", "b"]},
    },
    "required": ["n"],
    "additionalProperties": False,
}


def by_schema(schema: dict[str, Any], **arguments: Any) -> dict[str, Any]:
    return validate_arguments("tool", None, schema, arguments)


def test_schema_alone_coerces_without_loss() -> None:
    given_arguments = {"n": "5", "s": 4, "b": "true", "v": ["1.5", 2], "e": "a"}
    assert by_schema(SCHEMA, **given_arguments) == {"n": 5, "s": "4", "b": True, "v": [1.5, 2], "e": "a"}
    assert given_arguments["n"] == "5"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n": "rm -rf"}, "n: expected an integer, got 'rm -rf'"),
        ({"n": "1.5"}, "n: expected an integer, got '1.5'"),
        ({"n": 1, "s": []}, "s: expected a string or null, got []"),
        ({"n": 1, "b": "x"}, "b: expected true or false or null, got 'x'"),
        ({"n": 1, "v": ["NaN"]}, "v[0]: expected a number, got 'NaN'"),
        ({"n": 1, "e": "c"}, "e: expected 'a' or 'b', got 'c'"),
        ({}, "n: required, but missing"),
        ({"n": 1, "zz": 1}, "zz: unknown argument, tool takes n, s, b, v, e"),
    ],
)
def test_schema_alone_refuses_in_the_same_words(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ToolArgumentError) as caught:
        by_schema(SCHEMA, **arguments)
    assert str(caught.value) == text


def test_schema_of_ones_own_holds_beside_the_annotations() -> None:
    def function(n: int) -> None: ...

    schema = {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3}}}
    signature = read_signature(function, "tool")
    assert validate_arguments("tool", signature, schema, {"n": "2"}) == {"n": 2}
    with pytest.raises(ToolArgumentError, match="4 is greater than the maximum of 3"):
        validate_arguments("tool", signature, schema, {"n": 4})


@pytest.mark.parametrize(
    "schema", [{"type": "no such type"}, {"properties": {"a": {"$ref": "http://127.0.0.1:9/elsewhere.json"}}}]
)
def test_unusable_schema_says_so_and_fetches_nothing(schema: dict[str, Any]) -> None:
    with pytest.raises(ToolArgumentError, match="the input schema of tool is not usable"):
        by_schema(schema, a=1)
