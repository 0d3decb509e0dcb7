"""The arguments that a model writes: JSON text becomes arguments, and any other text stays with the call and is never run."""

from __future__ import annotations

import json

import pytest

import llm_notebook as llm
from llm_notebook.tools.checking.written import keep_arguments, parse_arguments


def test_no_text_means_no_arguments() -> None:
    assert parse_arguments("f", "") == parse_arguments("f", " \n") == {}


def test_arguments_may_be_encoded_twice() -> None:
    assert keep_arguments('"{\\"x\\": 1}"') == {"x": 1}
    assert keep_arguments('"{x"') == {"_raw": '"{x"'}


@pytest.mark.parametrize("text", ['{"a": 1}\n "pelican"}', '["a",\r\n\u2028 "b"]', "not\n\njson", "[" * 100_000])
def test_what_is_wrong_with_arguments_is_said_in_one_line(text: str) -> None:
    with pytest.raises(
        llm.ToolArgumentError, match=r"^The model called de lete with arguments that are not "
    ) as caught:
        parse_arguments("de\nlete", text)
    assert len(str(caught.value).splitlines()) == 1
    assert len(str(caught.value)) < 500
    assert (caught.value.raw, caught.value.tool_name) == (text, "de\nlete")


@pytest.mark.parametrize("text", ["null", "[1]", '"x"', "3", '{"x":"2\n"}', '{"x": '])
def test_a_tool_refuses_what_is_no_object_whatever_it_takes(text: str) -> None:
    kept = keep_arguments(text)
    for tool in (llm.Tool.function(lambda **kw: kw, name="f"), llm.Tool("f", "", {"type": "object"}, lambda **kw: kw)):
        with pytest.raises(llm.ToolArgumentError, match="called f with arguments that are not"):
            tool.arguments_for(llm.ToolCall("f", kept, "1"))
        with pytest.raises(llm.ToolArgumentError):
            tool.json_arguments_for(llm.ToolCall("f", kept, "1"))


def test_an_argument_of_that_name_is_an_argument() -> None:
    tool = llm.Tool.function(lambda _raw: _raw, name="f")
    assert tool.arguments_for(llm.ToolCall("f", {"_raw": "{}"}, "1")) == {"_raw": "{}"}


@pytest.mark.parametrize("value", [10**5000, [[10**5000]], {"deep": 10**5000}], ids=["alone", "list", "object"])
def test_an_integer_of_thousands_of_digits_that_a_plugin_gives_is_told_to_the_model(value: object) -> None:
    ran: list[int] = []

    def count(n: int) -> str:
        ran.append(n)
        return "counted"

    class Careless(llm.Model):
        model_id = "careless"
        supports_tools = True

        def execute(self, prompt, stream, response, conversation):
            if prompt.tool_results:
                yield prompt.tool_results[0].output
            else:
                response.add_tool_call(llm.ToolCall("count", {"n": value}))

    for tool in (count, llm.require_approval(count)):
        chain = Careless().chain("Count", tools=[tool])
        assert "arguments that are not valid JSON" in chain.text()
        json.dumps([response.to_dict() for response in chain.responses()])
    assert ran == []
