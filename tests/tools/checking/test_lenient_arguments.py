"""What models write in place of what was asked for, and is understood: null for a default of None, and lists and objects as JSON text."""

from __future__ import annotations

import dataclasses
import enum
import subprocess
import sys
from typing import Any, Literal, TypedDict

import pytest
from pydantic import BaseModel, Field

import llm_notebook as llm


class Place(BaseModel):
    name: str
    tags: list[str] = []


@dataclasses.dataclass
class Box:
    width: int


class Pair(TypedDict):
    a: int


class Colour(enum.Enum):
    RED = "red"


def _arguments(tool: llm.Tool, **arguments: Any) -> dict[str, Any]:
    call = llm.ToolCall(tool.name, arguments, "1")
    before = repr(arguments)
    used = tool.arguments_for(call)
    frozen = tool.json_arguments_for(call)
    assert repr(arguments) == before
    assert tool.arguments_for(llm.ToolCall(tool.name, frozen, "1")) == used
    return used


def test_null_for_a_default_of_none_is_that_default() -> None:
    def search(
        q: str,
        limit: int = None,  # type: ignore[assignment]
        tags: list[str] = None,  # type: ignore[assignment]
        lang: str | None = None,
        page: int = Field(None),
    ) -> Any:
        return q, limit, tags, lang, page

    tool = llm.Tool.function(search)
    used = _arguments(tool, q="x", limit=None, tags=None, lang=None, page=None)
    assert search(**used) == ("x", None, None, None, None)
    assert tool.json_arguments_for(llm.ToolCall("search", {"q": "x", "limit": None, "page": "3"}, "1")) == {
        "q": "x",
        "limit": None,
        "page": 3,
    }


def test_null_for_anything_else_is_refused() -> None:
    def search(limit: int = 3) -> int:
        return limit

    with pytest.raises(llm.ToolArgumentError, match="limit: expected an integer, got None"):
        _arguments(llm.Tool.function(search), limit=None)


def test_null_is_left_out_where_a_schema_has_it_as_the_default() -> None:
    schema = {
        "type": "object",
        "properties": {
            "limit": {"type": "integer", "default": None},
            "page": {"type": "integer", "default": 1},
            "where": {"type": "object", "properties": {"x": {"anyOf": [{"type": "string"}], "default": None}}},
        },
    }
    tool = llm.Tool("t", "d", schema, lambda **kw: kw)
    assert _arguments(tool, limit=None, where={"x": None}) == {"where": {}}
    with pytest.raises(llm.ToolArgumentError, match="page: expected an integer, got None"):
        _arguments(tool, page=None)


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (list[str], '["a", "b"]', ["a", "b"]),
        (list[int], "[1]", [1]),
        (set[int], "[1, 1]", {1}),
        (tuple[int, str], '[1, "a"]', (1, "a")),
        (dict[str, list[int]], '{"k": "[1]"}', {"k": [1]}),
        (Place, '{"name": "x", "tags": "[\\"a\\"]"}', Place(name="x", tags=["a"])),
        (Box, '{"width": 1}', Box(1)),
        (Pair, '{"a": 1}', {"a": 1}),
        (list[Place], '[{"name": "x"}]', [Place(name="x")]),
        (list[int] | None, "[1]", [1]),
        (int | list[int], "[1]", [1]),
        (list[int] | dict[str, int], '{"a": 1}', {"a": 1}),
        # Text that could be meant stays text.
        (str, "[1]", "[1]"),
        (str | list[int], "[1]", "[1]"),
        (Any, "[1]", "[1]"),
    ],
)
def test_json_text_is_read_where_no_text_is_wanted(annotation: Any, text: str, expected: Any) -> None:
    def use(value: Any) -> Any:
        return value

    use.__annotations__["value"] = annotation
    assert _arguments(llm.Tool.function(use), value=text) == {"value": expected}


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (list[int], "1, 2"),
        (list[int], '{"a": 1}'),
        (dict[str, int], "[1]"),
        (list[int], "[" * 100_000),
        (Colour | list[int], "[1]"),
        (Literal["a"] | list[int], "[1]"),
    ],
)
def test_other_text_is_refused(annotation: Any, text: str) -> None:
    def use(value: Any) -> Any:
        return value

    use.__annotations__["value"] = annotation
    with pytest.raises(llm.ToolArgumentError, match=r"^value: expected "):
        _arguments(llm.Tool.function(use), value=text)


def test_json_text_is_read_by_a_schema_too() -> None:
    schema = {
        "type": "object",
        "properties": {
            "l": {"type": "array", "items": {"type": "integer"}},
            "o": {"anyOf": [{"type": "object"}, {"type": "null"}]},
            "s": {"type": ["string", "array"]},
        },
    }
    tool = llm.Tool("t", "d", schema, lambda **kw: kw)
    assert _arguments(tool, l='["1"]', o='{"a": 1}', s="[1]") == {"l": [1], "o": {"a": 1}, "s": "[1]"}
    with pytest.raises(llm.ToolArgumentError, match=r"l: expected a list, got '\{\}'"):
        _arguments(tool, l="{}")


_ENDLESS = """
import llm_notebook as llm
value = "a" * 40 + "!"
for schema in (
    {"properties": {"x": {"pattern": "^(a+)+$"}}},
    {"patternProperties": {"^(a+)+$": {"type": "integer"}}},
    {"patternProperties": {"^(a+)+$": {}}, "additionalProperties": False},
    {"patternProperties": {"^(a+)+$": {}}, "unevaluatedProperties": False},
    {"propertyNames": {"pattern": "^(a+)+$"}},
    {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"x": {"pattern": "^(a|a)*$"}}},
):
    tool = llm.Tool("t", "d", {"type": "object", **schema}, lambda **kw: kw)
    try:
        tool.arguments_for(llm.ToolCall("t", {"x": value, value: 1}, "1"))
    except llm.ToolArgumentError:
        pass
print("ended")
"""


def test_no_pattern_of_a_stranger_hangs() -> None:
    """The engine of `re` holds the lock of the interpreter, so that only another process can end the check."""
    done = subprocess.run([sys.executable, "-c", _ENDLESS], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "ended\n"


@pytest.mark.parametrize(
    ("pattern", "value", "fits"),
    [("^a", "ab", True), ("^a", "b", False), (r"^\p{L}+$", "é", True), ("(?=a)b", "c", True), ("b$", "ab", True)],
)
def test_a_pattern_is_a_search_and_one_that_is_not_known_is_left_to_the_server(
    pattern: str, value: str, fits: bool
) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": pattern}}}
    tool = llm.Tool("t", "d", schema, lambda **kw: kw)
    if fits:
        assert _arguments(tool, x=value) == {"x": value}
    else:
        with pytest.raises(llm.ToolArgumentError, match=r"x: 'b' does not match '\^a'"):
            _arguments(tool, x=value)


def test_properties_are_matched_by_their_patterns() -> None:
    schema = {
        "type": "object",
        "properties": {"known": {}},
        "patternProperties": {"^n_": {"type": "integer"}},
        "additionalProperties": False,
    }
    tool = llm.Tool("t", "d", schema, lambda **kw: kw)
    assert _arguments(tool, known="x", n_a="1") == {"known": "x", "n_a": 1}
    with pytest.raises(llm.ToolArgumentError, match="other"):
        _arguments(tool, other=1)
