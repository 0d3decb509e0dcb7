"""Running a response's tool calls and replying to it, sync and async; responses as dicts; fakes; parsed answers."""

from __future__ import annotations

import json
from typing import Any

import pydantic
import pytest

import llm_notebook as llm
from tests.fakes.faces import Face, asks

Call = llm.ToolCall


class Counted:
    """A tool that counts."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def upper(self, text: str) -> str:
        """Convert text to uppercase."""
        self.ran.append(text)
        return text.upper()


def two_calls(*rest: Any) -> tuple[Any, ...]:
    return (asks(Call("upper", {"text": "a"}, "1"), Call("upper", {"text": "b"}, "2")), *(rest or ("done",)))


def test_the_spec_s_example_runs_the_tool_once(face: Face) -> None:
    counted = Counted()
    model = face.rounds(*two_calls())
    response = model.prompt("Convert", tools=[counted.upper])
    assert face.do(response.tool_calls()) == [Call("upper", {"text": "a"}, "1"), Call("upper", {"text": "b"}, "2")]
    results = face.do(response.execute_tool_calls())
    assert [(result.name, result.output, result.tool_call_id) for result in results] == [
        ("upper", "A", "1"),
        ("upper", "B", "2"),
    ]
    follow_up = face.do(response.reply())
    assert face.text(follow_up) == "done"
    assert face.do(response.execute_tool_calls()) == results
    assert counted.ran == ["a", "b"]
    assert [message.role for message in model.requests[1].messages] == ["user", "assistant", "tool"]
    assert [tool.name for tool in follow_up.prompt.tools] == ["upper"]


def test_reply_runs_the_calls_by_itself_unless_results_are_given(face: Face) -> None:
    counted = Counted()
    model = face.rounds(*two_calls())
    face.text(face.do(model.prompt("Hi", tools=[counted.upper]).reply("And?")))
    assert counted.ran == ["a", "b"]
    assert model.requests[1].messages[-1] == llm.user("And?")
    model = face.rounds(*two_calls())
    given = [llm.ToolResult("upper", "x", tool_call_id="2"), llm.ToolResult("upper", "y", tool_call_id="1")]
    face.text(face.do(model.prompt("Hi", tools=[counted.upper]).reply(tool_results=given)))
    assert counted.ran == ["a", "b"]
    assert [part.output for part in model.requests[1].messages[-1].parts] == ["y", "x"]


def test_given_results_replace_remembered_ones(face: Face) -> None:
    counted = Counted()
    model = face.rounds(*two_calls())
    response = model.prompt("Hi", tools=[counted.upper])
    face.do(response.execute_tool_calls())
    face.text(face.do(response.reply(tool_results=[llm.ToolResult("upper", "x", tool_call_id="1")])))
    assert [part.output for part in model.requests[1].messages[-1].parts] == ["x", "B"]


def test_reply_takes_what_prompt_takes(face: Face) -> None:
    model = face.rounds("a", "b", attachment_types={"image/png"})
    picture = llm.Attachment(content=b"\x89PNG\r\n\x1a\n", type="image/png")
    said = [llm.user("x"), llm.assistant("y")]
    reply = face.do(model.prompt("Hi").reply("Look", messages=said, attachments=[picture]))
    face.text(reply)
    assert reply.prompt.prompt == "Look"
    assert model.requests[1].messages == [llm.user("Hi"), llm.assistant("a"), *said, llm.user("Look", picture)]


def test_one_call_can_be_run_by_hand(face: Face) -> None:
    counted = Counted()
    response = face.rounds(*two_calls()).prompt("Hi", tools=[counted.upper])
    assert face.do(response.execute_tool_call(Call("upper", {"text": "z"}, "1"))).output == "Z"
    result = face.do(response.execute_tool_call(Call("upper", {"text": "q"})))
    assert (result.output, bool(result.tool_call_id)) == ("Q", True)
    assert [result.output for result in face.do(response.execute_tool_calls())] == ["Z", "B"]


def test_hooks_and_other_tools_for_execute_tool_calls(face: Face) -> None:
    seen: list[str] = []
    counted = Counted()
    response = face.rounds(*two_calls()).prompt("Hi", tools=[llm.Tool("upper")])
    face.do(
        response.execute_tool_calls(
            tools=[counted.upper],
            before_call=lambda tool, call: seen.append("before"),
            after_call=lambda tool, call, result: seen.append(result.output),
        )
    )
    assert seen == ["before", "A", "before", "B"]


def test_a_toolbox_given_to_execute_tool_calls_is_prepared_first(face: Face) -> None:
    counted = Counted()

    class Letters(llm.Toolbox):
        def prepare(self) -> None:
            self.add_tool(counted.upper)

    response = face.rounds(*two_calls()).prompt("Hi", tools=[llm.Tool("upper")])
    results = face.do(response.execute_tool_calls(tools=[Letters()]))
    assert [result.output for result in results] == ["A", "B"]


@pytest.mark.parametrize("way", ["execute_tool_calls", "reply"])
def test_a_pause_remembers_the_siblings_and_can_go_on(face: Face, way: str) -> None:
    counted = Counted()
    wait = llm.require_approval(llm.Tool.function(lambda: "ok", name="wait"))
    model = face.rounds(asks(Call("upper", {"text": "a"}, "1"), Call("wait", {}, "2")), "done")
    response = model.prompt("Hi", tools=[counted.upper, wait])
    for _ in range(2):
        with pytest.raises(llm.PauseChain) as caught:
            face.do(getattr(response, way)())
    pause = caught.value
    assert counted.ran == ["a"]
    assert face.text(pause.approve()) == "done"
    assert counted.ran == ["a"]
    assert [part.output for part in model.requests[1].messages[-1].parts] == ["A", "ok"]


def test_a_failing_hook_does_not_make_tools_run_twice(face: Face) -> None:
    counted = Counted()
    response = face.rounds(*two_calls()).prompt("Hi", tools=[counted.upper])

    def fail(tool: Any, call: Any, result: Any) -> None:
        raise RuntimeError("the hook")

    with pytest.raises(RuntimeError, match="the hook"):
        face.do(response.execute_tool_calls(after_call=fail))
    face.do(response.execute_tool_calls())
    assert sorted(counted.ran) == ["a", "b"]


def test_tools_run_by_hand_stay_in_the_conversation(face: Face) -> None:
    counted = Counted()
    model = face.rounds(*two_calls("x", "y"))
    conversation = model.conversation(tools=[counted.upper])
    response = conversation.prompt("Hi")
    results = face.do(response.execute_tool_calls())
    face.text(conversation.prompt("And?"))
    assert [message.role for message in model.requests[1].messages] == ["user", "assistant", "tool", "user"]
    conversation.responses[:] = [response]
    face.text(conversation.prompt(tool_results=results))
    assert len(model.requests[2].messages[-1].parts) == 2


def test_a_response_survives_as_json_and_can_be_replied_to(face: Face) -> None:
    counted = Counted()
    model = face.rounds(["Hm", *two_calls()[0]], "done")
    response = model.prompt("Hi", system="S", tools=[counted.upper])
    face.text(response)
    data = json.loads(json.dumps(response.to_dict()))
    rebuilt = face.response_class.from_dict(data, model=model)  # type: ignore[attr-defined]
    assert face.text(rebuilt) == "Hm"
    assert face.do(rebuilt.messages()) == face.do(response.messages())
    assert rebuilt.to_dict() == data
    assert face.text(face.do(rebuilt.reply("Go on", tools=[counted.upper]))) == "done"
    assert counted.ran == ["a", "b"]
    assert [message.role for message in model.requests[1].messages] == ["system", "user", "assistant", "tool", "user"]


def test_options_usage_and_time_survive_and_what_is_not_known_is_left_out(face: Face) -> None:
    class Warm(llm.Options):
        warmth: int | None = None
        colour: str | None = None

    def spend(response: Any) -> None:
        response.set_usage(input=3, details={"cached": 1})

    model = face.model("Yo", spend, Options=Warm)
    response = model.prompt("Hi", warmth=3)
    face.text(response)
    data = json.loads(json.dumps(response.to_dict()))
    assert data["prompt"]["options"] == {"warmth": 3}
    assert data["usage"] == {"input": 3, "details": {"cached": 1}}
    rebuilt = face.response_class.from_dict(data, model=model)  # type: ignore[attr-defined]
    assert rebuilt.prompt.options == Warm(warmth=3)
    assert rebuilt.id == data["id"] == response.id
    assert face.do(rebuilt.usage()) == llm.Usage(3, None, {"cached": 1})
    assert face.do(rebuilt.datetime_utc()) == face.do(response.datetime_utc()) != ""
    bare = face.response_class.fake(model, "Hi", response="Yo").to_dict()  # type: ignore[attr-defined]
    assert set(bare) == {"model", "prompt", "messages", "id"}
    assert set(bare["prompt"]) == {"messages"}


def test_without_a_model_the_one_of_that_name_goes_on(face: Face) -> None:
    data = face.response_class.fake(face.get_model("gpt-4o"), "Hi", response="Yo").to_dict()  # type: ignore[attr-defined]
    assert face.response_class.from_dict(data).model is face.get_model("gpt-4o")  # type: ignore[attr-defined]
    with pytest.raises(llm.UnknownModelError, match="gpt-99"):
        face.response_class.from_dict(data | {"model": "gpt-99"})  # type: ignore[attr-defined]


def test_calls_without_ids_are_remembered_too(face: Face) -> None:
    counted = Counted()
    model = face.rounds("done")
    data = {
        "model": "scripted",
        "prompt": {"messages": [llm.user("Hi").to_dict()]},
        "messages": [llm.assistant(llm.ToolCallPart("upper", {"text": "a"})).to_dict()],
    }
    rebuilt = face.response_class.from_dict(data, model=model)  # type: ignore[attr-defined]
    face.do(rebuilt.execute_tool_calls(tools=[counted.upper]))
    face.text(face.do(rebuilt.reply(tools=[counted.upper])))
    assert counted.ran == ["a"]
    _, said, told = model.requests[0].messages
    assert said.parts[0].tool_call_id == told.parts[0].tool_call_id is not None


def test_a_reply_uses_the_same_key(face: Face) -> None:
    model = face.rounds("a")
    assert face.do(model.prompt("Hi", key="sk-1").reply("x"))._key == "sk-1"
    assert face.do(model.prompt("Hi", key="sk-1").reply("x", key="sk-2"))._key == "sk-2"


def test_a_fake_is_finished(face: Face) -> None:
    model = face.rounds("never")
    picture = llm.Attachment(content=b"\x89PNG\r\n\x1a\n", type="image/png")
    fake = face.response_class.fake(model, "Hi", picture, system="S", response="Yo")  # type: ignore[attr-defined]
    assert (face.text(fake), fake._done, fake._chunks) == ("Yo", True, ["Yo"])
    assert fake.prompt.messages == [llm.system("S"), llm.user("Hi", picture)]
    assert model.requests == []


class Dog(pydantic.BaseModel):
    name: str
    age: int


def test_parsed_is_what_the_schema_says(face: Face) -> None:
    model = face.rounds('{"name": "Rex", "age": 3}', supports_schema=True)
    for schema, expected in [
        (Dog, Dog(name="Rex", age=3)),
        (llm.schema_dsl("name, age int"), {"name": "Rex", "age": 3}),
    ]:
        response = model.prompt("A dog", schema=schema)
        face.text(response)
        assert response.parsed == expected
    plain = model.prompt("A dog")
    face.text(plain)
    with pytest.raises(ValueError, match="no schema"):
        _ = plain.parsed
    chain = model.chain("A dog", schema=Dog)
    assert [response.parsed for response in face.responses(chain) if face.text(response)] == [Dog(name="Rex", age=3)]


def test_an_answer_that_does_not_fit_says_so(face: Face) -> None:
    response = face.rounds('{"name": 5}', supports_schema=True).prompt("A dog", schema=Dog)
    face.text(response)
    with pytest.raises(ValueError, match="age"):
        _ = response.parsed
