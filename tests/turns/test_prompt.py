"""What a prompt becomes: messages, in the promised order."""

from __future__ import annotations

from typing import Any

import pydantic
import pytest

import llm_notebook as llm

MODEL = "m"


def prompt(text: str | None = None, **arguments: Any) -> llm.Prompt:
    return llm.Prompt(text, MODEL, **arguments)


def test_text_alone() -> None:
    assert prompt("Hi").messages == [llm.user("Hi")]


def test_fragments_come_before_the_text() -> None:
    made = prompt("Hi", fragments=["a", "b"], system="S", system_fragments=["x", "y"])
    assert made.prompt == "a\nb\nHi"
    assert made.system == "x\n\ny\n\nS"
    assert made.messages == [llm.system("x\n\ny\n\nS"), llm.user("a\nb\nHi")]
    assert prompt(fragments=["a"]).messages == [llm.user("a")]


def test_attachments_follow_the_text() -> None:
    picture = llm.Attachment("image/png", content=b"x")
    assert prompt("See", attachments=[picture]).messages == [llm.user("See", picture)]
    assert prompt(attachments=[picture]).messages == [llm.user(picture)]


def test_given_messages_are_the_history_and_the_rest_is_the_new_turn() -> None:
    history = [llm.system("S"), llm.user("Hi"), llm.assistant("Yo")]
    assert prompt(messages=history).messages == history
    assert prompt("And?", messages=history).messages == [*history, llm.user("And?")]
    assert prompt("And?", messages=history[1:], system="S").messages == [*history, llm.user("And?")]


def test_given_messages_win_over_the_conversation() -> None:
    made = prompt("And?", messages=[llm.user("a")], history=lambda: [llm.user("b")])
    assert made.messages == [llm.user("a"), llm.user("And?")]


def test_two_system_prompts_are_refused() -> None:
    with pytest.raises(ValueError, match="already holds a system message"):
        prompt(messages=[llm.system("S")], system="T")


def test_the_newest_system_prompt_governs_a_conversation() -> None:
    made = prompt("And?", system="T", history=lambda: [llm.system("S"), llm.user("Hi"), llm.assistant("Yo")])
    assert made.messages == [llm.system("T"), llm.user("Hi"), llm.assistant("Yo"), llm.user("And?")]


def test_tool_results_come_before_the_new_message() -> None:
    history = [llm.user("?"), llm.assistant(llm.ToolCallPart("f", {}, "1"))]
    result = llm.ToolResult("f", "Error: no", tool_call_id="1", exception=OSError("no"))
    expected = llm.tool_message(llm.ToolResultPart("f", "Error: no", "1", exception="OSError: no"))
    assert prompt(messages=history, tool_results=[result]).messages == [*history, expected]
    assert prompt("And?", messages=history, tool_results=[result]).messages == [*history, expected, llm.user("And?")]


def test_frozen_messages_do_not_change() -> None:
    history = [llm.user("a"), llm.assistant("b")]
    made = prompt("c", history=lambda: list(history))
    history.append(llm.user("d"))
    assert llm.user("d") in made.messages
    made.freeze()
    history.append(llm.assistant("e"))
    assert llm.assistant("e") not in made.messages
    made.messages.clear()
    assert made.messages


def test_a_pydantic_class_is_a_schema() -> None:
    class Dog(pydantic.BaseModel):
        name: str

    assert prompt("?", schema=Dog).schema == Dog.model_json_schema()
    assert prompt("?", schema=Dog).schema_class is Dog
    assert prompt("?", schema={"type": "object"}).schema == {"type": "object"}


def test_repr() -> None:
    assert repr(prompt("Hi")) == "Prompt('Hi', model=None)"


@pytest.mark.parametrize("schema", ["name, age int", llm.schema_dsl("name, age int")])
def test_a_schema_can_be_given_as_its_fields(schema: Any) -> None:
    made = prompt("A dog", schema=schema).schema
    assert made is not None
    assert made["properties"] == {"name": {"type": "string"}, "age": {"type": "integer"}}


def test_tools_are_given_as_a_list() -> None:
    def upper(text: str) -> str:
        return text.upper()

    for single in (upper, llm.Tool.function(upper), "upper"):
        with pytest.raises(TypeError, match=r"^Give tools as a list: \["):
            prompt("Hi", tools=single)


def test_nothing_is_hidden_unless_it_is_asked_for() -> None:
    assert prompt("Hi").hide_reasoning is False
    assert prompt("Hi", hide_reasoning=True).hide_reasoning is True


def test_the_rounds_of_a_chain_share_what_they_have_encoded() -> None:
    def read(path: str) -> str:
        return path

    first = llm.Prompt("Hi", "m", tools=[read])  # type: ignore[arg-type]
    first.freeze()
    known = first.known_texts("chat", first.messages)
    known[id(first.messages[0])] = (first.messages[0], "{}")
    following = first.next_round([llm.user("Hi")], [])
    assert following.known_texts("chat", following.messages) == known


def test_a_prompt_that_has_one_round_keeps_nothing_that_was_encoded() -> None:
    alone = llm.Prompt("Hi", "m")  # type: ignore[arg-type]
    alone.known_texts("chat", alone.messages)[0] = (llm.user("Hi"), "{}")
    assert alone.known_texts("chat", alone.messages) == {}
