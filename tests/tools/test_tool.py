"""Tools: they are made of all sorts of functions, given as lists, and their results become text for a model."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import functools
import itertools
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import llm as original
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from llm_notebook.errors import ToolArgumentError
from llm_notebook.models.pauses import PauseChain
from llm_notebook.parts.attachments import Attachment
from llm_notebook.parts.messages import ToolCallPart
from llm_notebook.tools.calls import CancelToolCall, ToolCall, ToolResult
from llm_notebook.tools.collecting import as_tools
from llm_notebook.tools.outputs import ToolOutput, output_text
from llm_notebook.tools.server_side import ServerSideTool
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox


def upper(text: str) -> str:
    """Convert text to uppercase.

    All of it.
    """
    return text.upper()


async def fetch(address: str) -> str:
    """Fetch a page."""
    return address


class Counter(Toolbox):
    def count(self, by: int = 1) -> int:
        """Count on."""
        return by


class Greeter:
    """Greets."""

    def __call__(self, name: str) -> str:
        return name

    async def later(self, name: str) -> str:
        """Greet later."""
        return name


class AsyncGreeter:
    async def __call__(self, name: str) -> str:
        """Greet in time."""
        return name


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    ("function", "name", "description", "arguments", "is_async"),
    [
        (upper, "upper", "Convert text to uppercase.\n\nAll of it.", ["text"], False),
        (fetch, "fetch", "Fetch a page.", ["address"], True),
        (Greeter(), "Greeter", "Greets.", ["name"], False),
        (Greeter().later, "later", "Greet later.", ["name"], True),
        (AsyncGreeter(), "AsyncGreeter", "Greet in time.", ["name"], True),
        (functools.partial(upper), "upper", "Convert text to uppercase.\n\nAll of it.", ["text"], False),
        (functools.partial(fetch, "there"), "fetch", "Fetch a page.", [], True),
        (logged(upper), "upper", "Convert text to uppercase.\n\nAll of it.", ["text"], False),
        (logged(functools.partial(upper)), "upper", "Convert text to uppercase.\n\nAll of it.", ["text"], False),
    ],
)
def test_whatever_can_be_called_is_a_tool(
    function: Callable[..., Any], name: str, description: str, arguments: list[str], is_async: bool
) -> None:
    tool = Tool.function(function)
    assert (tool.name, tool.description, tool.is_async) == (name, description, is_async)
    assert list(tool.input_schema["properties"]) == arguments
    assert tool.implementation is function


def test_name_and_description_may_be_given() -> None:
    tool = Tool.function(lambda x: x, name="echo", description="Say it again.")
    assert (tool.name, tool.description) == ("echo", "Say it again.")
    assert Tool.function(lambda x: x, name="echo").description is None
    with pytest.raises(ValueError, match="A lambda needs a name"):
        Tool.function(lambda x: x)


def test_pydantic_class_as_schema() -> None:
    class Place(BaseModel):
        title: str
        floor: int = 0

    tool = Tool("find", input_schema=Place, implementation=lambda title, floor=0: (title, floor))  # type: ignore[arg-type]
    assert tool.input_schema == original.Tool(name="find", input_schema=Place).input_schema  # type: ignore[arg-type]
    assert tool.arguments_for(ToolCall("find", {"title": "x", "floor": "3"})) == {"title": "x", "floor": 3}


def test_arguments_are_checked_before_the_tool_runs() -> None:
    tool = Tool.function(Counter().count)
    call = ToolCall("count", {"by": "3"})
    assert tool.arguments_for(call) == {"by": 3}
    assert call.arguments == {"by": "3"}
    with pytest.raises(ToolArgumentError, match="by: expected an integer, got 'x'"):
        tool.arguments_for(ToolCall("count", {"by": "x"}))


def test_tool_call_is_passed_to_tools_that_ask_for_it() -> None:
    def ask(question: str, llm_tool_call: ToolCall) -> None: ...

    tool, call = Tool.function(ask), ToolCall("ask", {"question": "why"}, "tc_1")
    assert list(tool.input_schema["properties"]) == ["question"]
    assert tool.accepts_tool_call
    assert tool.arguments_for(call) == {"question": "why", "llm_tool_call": call}
    assert not Tool.function(upper).accepts_tool_call


def test_function_without_readable_signature_goes_by_the_schema() -> None:
    tool = Tool("largest", None, {"properties": {"n": {"type": "integer"}}}, max)
    assert tool.arguments_for(ToolCall("largest", {"n": "3"})) == {"n": 3}


def test_hash_is_the_same_in_every_process_and_changes_with_what_the_model_sees() -> None:
    code = "from tests.tools.test_tool import Tool, upper; print(Tool.function(upper).hash())"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    tool = Tool.function(upper)
    assert answer.stdout.strip() == tool.hash()
    assert len(tool.hash()) == 64
    changed = [
        dataclasses.replace(tool, name="other"),
        dataclasses.replace(tool, description="other"),
        dataclasses.replace(tool, input_schema={}),
        dataclasses.replace(tool, plugin="other"),
    ]
    assert len({tool.hash(), *(other.hash() for other in changed)}) == 5


def test_tool_with_a_new_function_reads_the_new_signature() -> None:
    tool = dataclasses.replace(Tool.function(upper), implementation=lambda text, llm_tool_call: text)
    assert tool.accepts_tool_call
    tool.implementation = upper
    assert not tool.accepts_tool_call


def test_schema_changed_by_hand_holds() -> None:
    tool = Tool.function(Counter().count)
    tool.input_schema["properties"]["by"]["maximum"] = 3
    assert tool.arguments_for(ToolCall("count", {"by": "3"})) == {"by": 3}
    with pytest.raises(ToolArgumentError, match="greater than the maximum"):
        tool.arguments_for(ToolCall("count", {"by": 4}))


def test_call_made_of_a_part_has_an_id() -> None:
    assert ToolCall.from_part(ToolCallPart("upper", {"text": "a"}, "1")) == ToolCall("upper", {"text": "a"}, "1")
    made = ToolCall.from_part(ToolCallPart("upper", {}))
    assert made.tool_call_id is not None
    assert made.tool_call_id.startswith("tc_")


def test_results_and_signals_have_the_fields_of_llm() -> None:
    assert [field.name for field in dataclasses.fields(ToolResult)] == [
        field.name for field in dataclasses.fields(original.ToolResult)
    ]
    assert vars(original.PauseChain("why")).items() <= vars(PauseChain("why")).items()
    assert str(PauseChain("why")) == "why"
    assert str(CancelToolCall("no")) == "no"


def test_a_result_shows_what_it_holds():
    assert repr(ToolResult("f", "")) == "ToolResult(name='f', output='')"
    picture = Attachment(url="https://a/b.png")
    assert repr(ToolResult("f", "x", [picture], exception=OSError("no"))) == (
        f"ToolResult(name='f', output='x', attachments=[{picture!r}], exception=OSError('no'))"
    )


class Place(BaseModel):
    title: str


@dataclasses.dataclass
class Box:
    width: int
    made: datetime.date


class Colour(enum.Enum):
    RED = "red"


class Word(str, enum.Enum):
    YES = "yes"


class Opaque:
    def __repr__(self) -> str:
        return "<opaque>"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain\n\u00e9", "plain\n\u00e9"),
        (None, "null"),
        (True, "true"),
        (3, "3"),
        ([1, "é"], '[1, "é"]'),
        ({"é": (1, 2)}, '{"é": [1, 2]}'),
        ({1: "a", (2, 3): "b"}, '{"1": "a", "2,3": "b"}'),
        (Place(title="x"), '{"title": "x"}'),
        ([Place(title="x")], '[{"title": "x"}]'),
        (Box(1, datetime.date(2020, 1, 2)), '{"width": 1, "made": "2020-01-02"}'),
        ({3}, "[3]"),
        (Colour.RED, "red"),
        (Word.YES, "yes"),
        (pathlib.Path("a"), "a"),
        (b"\xff", "bytes, 1 of them, of no known type; they begin with ff"),
        (Opaque(), "<opaque>"),
        ([Opaque()], '["<opaque>"]'),
        (itertools.count(), "count(0)"),
        ("\udcff.txt", "\\udcff.txt"),
    ],
)
def test_output_as_the_model_reads_it(value: Any, text: str) -> None:
    assert output_text(value) == (text, [])
    assert output_text(ToolOutput(value)) == (text, [])


def test_numbers_of_numpy_are_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    assert output_text(numpy.int64(3)) == ("3", [])
    assert output_text({"mean": numpy.float32(1.5)}) == ('{"mean": 1.5}', [])


def test_output_keeps_attachments_and_ten_megabytes() -> None:
    attachments: list[Any] = [Attachment(content=b"an attachment")]
    text, kept = output_text(ToolOutput("x" * 10_000_000, attachments))
    assert (len(text), kept) == (10_000_000, attachments)


def test_output_never_raises() -> None:
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (Broken(), [Broken()], loop, deep, 10**5000, {"a": {(1,): Broken()}}):
        assert isinstance(output_text(value)[0], str)
    assert "Broken" in output_text(Broken())[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_values_come_back_from_their_text(value: Any) -> None:
    text, _ = output_text(value)
    assert value == (text if isinstance(value, str) else json.loads(text))
    text.encode()


def test_list_of_tools_keeps_order_and_takes_all_kinds() -> None:
    search = ServerSideTool({"type": "web_search"})
    made = Tool.function(fetch)
    tools = as_tools([made, Counter(), upper, search])
    assert [tool.name for tool in tools] == ["fetch", "Counter_count", "upper", "server_side_tool"]
    assert tools[0] is made
    assert tools[3] is search
    assert as_tools(None) == as_tools([]) == []


def test_the_same_tool_twice_counts_once() -> None:
    counter = Counter()
    assert [tool.name for tool in as_tools([upper, counter, upper, Tool.function(upper), counter])] == [
        "upper",
        "Counter_count",
    ]


def _other_upper() -> Callable[..., Any]:
    def upper() -> None: ...

    return upper


@pytest.mark.parametrize(
    ("tools", "error", "sentence"),
    [
        (
            [upper, _other_upper()],
            ValueError,
            r"'upper': tests\.tools\.test_tool\.upper and tests\.tools\.test_tool\._other_upper.*another name",
        ),
        ([Counter(), Counter()], ValueError, "'Counter_count'.*Make a subclass of Counter"),
        ([upper, ServerSideTool({"type": "upper"})], ValueError, "'upper'.*a tool of the provider"),
        ([Counter], TypeError, r"Pass Counter\(\), not Counter"),
        (["upper"], TypeError, "'upper' is not a tool: pass a function"),
        ([lambda x: x], ValueError, "A lambda needs a name"),
        (upper, TypeError, r"Give tools as a list: \[upper\]"),
        ([Tool("größe")], ValueError, "cannot be called 'größe'"),
        ([Tool("a.b")], ValueError, "cannot be called 'a.b'"),
        ([Tool("a" * 65)], ValueError, "up to 64"),
        ([Tool("")], ValueError, "cannot be called ''"),
        ([Tool("a\n")], ValueError, "cannot be called"),
    ],
)
def test_lists_that_cannot_be_sent_say_why(tools: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        as_tools(tools)


def test_server_side_tools() -> None:
    class Search(ServerSideTool):
        """Search the web."""

        name = "search"

        def __init__(self, most: int) -> None:
            self.most = most

        def tool_spec(self, model: Any) -> dict[str, Any]:
            return {"type": "search", "max_uses": self.most, "for": model}

    class Fixed(ServerSideTool):
        name = "fixed"
        spec = {"type": "fixed_1"}

    plain = ServerSideTool({"type": "web_search", "country": "NL"})
    assert plain.tool_spec(None) == {"type": "web_search", "country": "NL"}
    assert (plain.name, plain.sent_name, plain.plugin) == ("server_side_tool", "web_search", None)
    assert plain.spec == {"type": "web_search", "country": "NL"}
    assert (Search(3).name, Search(3).sent_name) == ("search", "search")
    assert Search(3).tool_spec("m") == {"type": "search", "max_uses": 3, "for": "m"}
    assert Search(3).description == "Search the web."
    assert Fixed().tool_spec(None) == {"type": "fixed_1"}
    assert Fixed().hash() == Fixed().hash()
    assert len({plain.hash(), Search(3).hash(), Fixed().hash()}) == 3
    with pytest.raises(TypeError, match="has no specification"):
        ServerSideTool().tool_spec(None)
