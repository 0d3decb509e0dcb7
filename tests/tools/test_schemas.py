"""Schemas: what a model reads about a function's arguments, and the concise syntax of the `llm` command."""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import functools
import json
import subprocess
import sys
import typing
from collections.abc import Callable
from typing import Annotated, Any, Literal, Optional, Union

import llm as original
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm.utils import schema_dsl as original_dsl
from pydantic import BaseModel, Field

from llm_notebook.tools.schemas import multi_schema, schema_dsl, schema_of
from llm_notebook.tools.signatures import read_signature
from llm_notebook.tools.tool import Tool


def function_schema(function: Callable[..., Any], name: str = "function") -> dict[str, Any]:
    return read_signature(function, name).schema


class Place(BaseModel):
    title: str
    floor: int = 0


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Point(typing.TypedDict, total=False):
    x: int
    label: typing.Required[str]


@dataclasses.dataclass
class Box:
    width: int
    height: float = 1.5


class Connection:
    """An object without a JSON form."""


def simple(a: int, b: str = "x", *, c: Optional[float] = None) -> str: ...  # type: ignore[empty-body]
def untyped(a, b=1, c=None): ...  # type: ignore[no-untyped-def]
def nothing() -> None: ...
def rich(place: Place, colour: Colour, box: Box, kind: Literal["a", "b"]) -> None: ...
def collections(a: list[int], b: dict[str, int], c: Union[int, str], d: set[str], e: tuple[int, str]) -> None: ...
def loose(a: Any, b: object, c: list, d: dict) -> None: ...  # type: ignore[type-arg]
def defaults(a: list[int] = [1], b: Place = Place(title="t"), c: Colour = Colour.RED, d: bool = False) -> None: ...
def titled(title: str, place: Place) -> None: ...
def with_call(llm_tool_call: Any, query: str) -> None: ...
async def awaited(query: str, limit: int = 3) -> None: ...


class Speaker:
    def say(self, word: str, times: int = 1) -> None: ...


@pytest.mark.parametrize(
    "function",
    [simple, untyped, nothing, rich, collections, loose, titled, with_call, awaited, Speaker().say, lambda x: x],
)
def test_ordinary_functions_give_the_schema_that_llm_gives(function: Callable[..., Any]) -> None:
    assert function_schema(function) == original.Tool.function(function, name="f").input_schema  # type: ignore[no-untyped-call]


def test_defaults_are_in_the_schema() -> None:
    properties = function_schema(defaults)["properties"]
    assert properties["a"]["default"] == [1]
    assert properties["b"]["default"] == {"title": "t", "floor": 0}
    assert properties["c"]["default"] == "red"
    assert properties["d"] == {"type": "boolean", "default": False}
    assert "required" not in function_schema(defaults)


_TYPES = st.sampled_from(
    [int, str, float, bool, list[int], dict[str, float], int | None, Literal["a", "b"], Colour, Place, Any]
)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True), _TYPES, max_size=5))
def test_any_annotations_give_the_schema_that_llm_gives(annotations: dict[str, Any]) -> None:
    names = [name for name in annotations if name.isidentifier()]
    scope: dict[str, Any] = {}
    try:
        exec(f"def function({', '.join(names)}): pass", scope)  # names such as `if` are no parameters
    except SyntaxError:
        return
    function = scope["function"]
    function.__annotations__ = {name: annotations[name] for name in names}
    try:
        expected = original.Tool.function(function).input_schema  # type: ignore[no-untyped-call]
    except NameError:  # names that pydantic reserves for itself, which llm refuses
        return
    if "self" not in names and "llm_tool_call" not in names:
        assert function_schema(function) == expected


def test_signatures_that_python_takes_for_equal_are_told_apart() -> None:
    def one(a: int | str, b: bool = True) -> None: ...
    def two(a: str | int, b: bool = 1) -> None: ...  # type: ignore[assignment]
    def three(a: int | str, b: bool = True, *, llm_tool_call: Any = None) -> None: ...

    kinds = [
        [kind["type"] for kind in function_schema(function)["properties"]["a"]["anyOf"]] for function in (one, two)
    ]
    assert kinds == [["integer", "string"], ["string", "integer"]]
    assert [repr(function_schema(function)["properties"]["b"]["default"]) for function in (one, two)] == ["True", "1"]
    assert [Tool.function(function).accepts_tool_call for function in (one, three)] == [False, True]


def test_a_class_that_is_defined_again_is_read_again() -> None:
    seen = []
    for field in ("name", "title"):
        namespace: dict[str, Any] = {}
        exec(f"import pydantic\nclass City(pydantic.BaseModel):\n    {field}: str\ndef f(city: City): ...", namespace)
        seen += function_schema(namespace["f"])["$defs"]["City"]["properties"]
    assert seen == ["name", "title"]


def test_default_without_json_form_is_left_out() -> None:
    def function(a: float = float("inf"), b: Any = object()) -> None: ...

    assert function_schema(function) == {"type": "object", "properties": {"a": {"type": "number"}, "b": {}}}


def test_typed_dict_is_an_object_on_every_python() -> None:
    def function(points: list[Point], at: Point | None = None) -> None: ...

    point = function_schema(function)["$defs"]["Point"]
    assert point["properties"] == {"x": {"type": "integer"}, "label": {"type": "string"}}
    assert point["required"] == ["label"]


def test_field_describes_an_argument_in_the_annotation_and_as_default() -> None:
    def function(
        a: Annotated[int, Field(description="how many", ge=1)], b: str = Field("x", description="which")
    ) -> None: ...

    assert function_schema(function) == {
        "type": "object",
        "properties": {
            "a": {"type": "integer", "description": "how many", "minimum": 1},
            "b": {"type": "string", "default": "x", "description": "which"},
        },
        "required": ["a"],
    }


def test_names_that_pydantic_reserves_are_ordinary_arguments() -> None:
    def function(_private: int, model_config: str, json: bool, schema: int = 1) -> None: ...

    assert list(function_schema(function)["properties"]) == ["_private", "model_config", "json", "schema"]


def test_annotation_that_cannot_be_evaluated_is_a_string_and_spoils_no_other() -> None:
    def function(a: NoSuchName, b: int) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    assert function_schema(function)["properties"] == {"a": {"type": "string"}, "b": {"type": "integer"}}


def test_star_arguments() -> None:
    def any_more(a: int, *rest: int, **more: Any) -> None: ...
    def typed_more(**more: int) -> None: ...

    assert list(function_schema(any_more)["properties"]) == ["a"]
    assert function_schema(any_more)["required"] == ["a"]
    assert function_schema(any_more)["additionalProperties"] in (True, {})
    assert function_schema(typed_more)["additionalProperties"] == {"type": "integer"}


def test_what_a_partial_has_bound_is_hidden_from_the_model() -> None:
    def search(query: str, api_key: str, limit: int = 3) -> None: ...

    told = json.dumps(function_schema(functools.partial(search, api_key="secret-value")))
    assert "query" in told
    assert "limit" in told
    assert "secret-value" not in told
    assert "api_key" not in told


def test_types_without_json_form() -> None:
    def optional(query: str, connection: Connection | None = None) -> None: ...
    def required(connection: Connection) -> None: ...

    assert list(function_schema(optional)["properties"]) == ["query"]
    with pytest.raises(
        ValueError, match=r"Tool 'required': a model cannot write the argument 'connection'.*give it a default"
    ):
        function_schema(required, "required")


@pytest.mark.parametrize("function", [len, max, str.upper])
def test_functions_that_cannot_be_called_by_name_say_so(function: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="wrap it in a function of your own"):
        function_schema(function)


@pytest.mark.parametrize("multi", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        "name, age int: in years, bio: one sentence",
        "name\nage int: in years\nbio: a, b, c",
        "name",
        "name,",
        "name str, ok bool, ratio float",
        "a:b:c",
        "a int : x",
        " a  int ,b",
        "a\tint: x",
        "a\n\nb",
        "a\r\nb",
        "a :: x",
        "name: , b",
        "first-name, 1a, int, größe float: in m",
    ],
)
def test_concise_syntax_means_what_it_means_to_llm(text: str, multi: bool) -> None:
    assert schema_dsl(schema_dsl=text, multi=multi) == original_dsl(schema_dsl=text, multi=multi)


_WORDS = st.sampled_from(["a", "b", "name", "int", "float", "str", "bool", ":", ",", "\n", " ", "x y"])


@given(st.lists(_WORDS, max_size=12).map("".join))
def test_concise_syntax_agrees_with_llm_wherever_that_makes_sense_of_it(text: str) -> None:
    expected = None
    with contextlib.suppress(ValueError):
        expected = original_dsl(text)
    if expected is None or not expected["properties"] or any("," in name for name in expected["required"]):
        return
    assert schema_dsl(text) == expected


def test_lines_may_end_in_commas() -> None:
    assert schema_dsl("\nname,\nage int: in years, whole,\n")["properties"] == {
        "name": {"type": "string"},
        "age": {"type": "integer", "description": "in years, whole,"},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no fields"),
        (" ,\n", "no fields"),
        ("a list", "'a' has the unknown type 'list'; use str, int, float, bool, date or datetime"),
        ("a, a int", "the field 'a' twice"),
        (": in years", "has no name before its colon"),
    ],
)
def test_bad_concise_syntax_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        schema_dsl(text)


def test_multi_keeps_references_valid() -> None:
    class House(BaseModel):
        rooms: list[Place]

    schema = multi_schema(schema_of(House))
    assert schema["required"] == ["items"]
    assert schema["properties"]["items"]["items"]["properties"]["rooms"]["items"] == {"$ref": "#/$defs/Place"}
    assert schema["$defs"]["Place"]["properties"]["floor"]["type"] == "integer"


def test_schema_of_takes_every_form_of_a_schema() -> None:
    given_schema = {"type": "object"}
    assert schema_of(given_schema) is given_schema
    assert schema_of(Place) == Place.model_json_schema()
    assert schema_of("name, age int") == schema_dsl("name, age int")
    assert schema_of('{"type": "object"}') == given_schema
    assert schema_of(Box)["properties"]["width"]["type"] == "integer"
    with pytest.raises(ValueError, match="not valid JSON"):
        schema_of('{"type": ')
    with pytest.raises(TypeError, match="A schema is a dict, a pydantic class or text"):
        schema_of(3)  # type: ignore[arg-type]


def test_importing_loads_nothing_heavy() -> None:
    code = (
        "import sys, llm_notebook.tools.tool, llm_notebook.tools.schemas\n"
        "print([name for name in ('pydantic', 'jsonschema', 'asyncio', 'ssl', 'httpx', 'IPython') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


class Login(BaseModel):
    user: str = "ana"
    password: str = "correct"


@dataclasses.dataclass
class Server:
    login: Login = dataclasses.field(default_factory=Login)
    address: str = "postgres://ana:correct@db/prices"
    retries: int = 3


def connect(host: str, *, api_key: str = "correct", login: Login = Login()) -> str:
    return host + api_key


def test_defaults_that_are_secrets_do_not_reach_a_model() -> None:
    for schema in (schema_of(Server), schema_of(Login), multi_schema(schema_of(Server)), function_schema(connect)):
        assert "correct" not in json.dumps(schema)
    assert schema_of(Server)["properties"]["retries"]["default"] == 3
    assert schema_of(Login)["properties"]["user"]["default"] == "ana"
    tool = Tool.function(connect)
    assert tool.input_schema["required"] == ["host"]
    assert tool.implementation is not None
    assert tool.implementation(host="h") == "hcorrect"
