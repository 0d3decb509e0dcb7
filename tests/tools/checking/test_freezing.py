"""Checked arguments as JSON: what is written gives the function the same values again, in every process."""

from __future__ import annotations

import datetime
import decimal
import enum
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
import pytest
from pydantic import BaseModel, Field, SecretStr

from llm_notebook.tools.calls import ToolCall
from llm_notebook.tools.tool import Tool


class Colour(enum.Enum):
    RED = "red"


class Inner(BaseModel):
    n: int
    tags: frozenset[str] = frozenset()


def tool_of(annotation: Any) -> Tool:
    def tool(x: Any) -> None: ...

    tool.__annotations__ = {"x": annotation}
    return Tool.function(tool)


def written(tool: Tool, **arguments: Any) -> dict[str, Any]:
    return tool.json_arguments_for(ToolCall(tool.name, arguments))


@pytest.mark.parametrize(
    ("annotation", "given", "expected"),
    [
        (int, "5", 5),
        (int, 5.0, 5),
        (float, "1e3", 1000.0),
        (bool, "true", True),
        (str, 7, "7"),
        (set, [1, 1, 2], [1, 2]),
        (set[int], ["3", 1, 3, 10, 2], [1, 2, 3, 10]),
        (list[set[str]], [["b", "a", "b"], ["c"]], [["a", "b"], ["c"]]),
        (dict[str, set[int]], {"k": [2, 1, 2]}, {"k": [1, 2]}),
        (tuple[int, str], ["1", 2], [1, "2"]),
        (datetime.date, 1704067200, "2024-01-01"),
        (datetime.datetime, "2024-01-01 10:00", "2024-01-01T10:00:00"),
        (datetime.timedelta, 90, "PT1M30S"),
        (decimal.Decimal, 1.5, "1.5"),
        (Path, "/a/../b", "/a/../b"),
        (Colour, "red", "red"),
        (Literal["a", 1], 1, 1),
        (Inner, {"n": "1", "tags": ["b", "a", "a"]}, {"n": 1, "tags": ["a", "b"]}),
        (int | str, "5", "5"),
        (int | None, None, None),
        (bytes, "é", "é"),
        (Any, {"a": [1, "1", None]}, {"a": [1, "1", None]}),
        # What is written must give the same value again. Where it would not, what the model wrote is kept.
        (SecretStr, "s3cret", "s3cret"),
        (Annotated[str, pydantic.AfterValidator(str.upper)], "a", "A"),
        (Annotated[str, pydantic.AfterValidator(lambda text: text + "!")], "a", "a"),
        (Annotated[object, pydantic.BeforeValidator(lambda _: object())], "a", "a"),
        (float, "inf", "inf"),
        (int, str(10**5000 // 10**4000), 10**1000),
    ],
)
def test_arguments_are_written_as_what_runs(annotation: Any, given: Any, expected: Any) -> None:
    tool = tool_of(annotation)
    once = written(tool, x=given)
    assert once == {"x": expected}
    assert type(once["x"]) is type(expected)
    assert written(tool, **once) == once
    if annotation not in (SecretStr,) and not hasattr(annotation, "__metadata__"):
        again = tool.arguments_for(ToolCall(tool.name, once))
        assert again == tool.arguments_for(ToolCall(tool.name, {"x": given}))


def test_what_was_not_given_is_not_written() -> None:
    def tool(a: int, b: int = 2, c: int = Field(3)) -> None: ...

    assert written(Tool.function(tool), a="1") == {"a": 1}


def test_further_arguments_are_written_too() -> None:
    def tool(**more: int) -> None: ...

    assert written(Tool.function(tool), a="1", p0="2") == {"a": 1, "p0": 2}


def test_a_tool_with_a_schema_alone_is_coerced_by_it() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert written(Tool("f", None, schema), n="5", other="x") == {"n": 5, "other": "x"}


def test_the_order_of_a_set_is_the_same_in_every_process() -> None:
    code = (
        "from llm_notebook.tools.tool import Tool; from llm_notebook.tools.calls import ToolCall\n"
        "def f(x: set[str], y: set[frozenset[str]]): ...\n"
        "y = [['b', 'a'], ['zz', 'c', 'd']]\n"
        "print(Tool.function(f).json_arguments_for(ToolCall('f', {'x': list('hgfedcba'), 'y': y})))"
    )

    def run(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout

    assert (
        run("1") == run("2") == "{'x': ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], 'y': [['a', 'b'], ['c', 'd', 'zz']]}\n"
    )


def test_an_argument_whose_type_raises_when_it_is_compared_is_kept_as_given() -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError

        __hash__ = None  # type: ignore[assignment]

    convert: Callable[[Any], Any] = lambda _: Odd()  # noqa: E731
    tool = tool_of(Annotated[Any, pydantic.AfterValidator(convert)])
    assert written(tool, x={"a": 1}) == {"x": {"a": 1}}
