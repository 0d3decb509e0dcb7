"""Calls that are run by hand: in a model's own `execute()`, and those that are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.approvals.policy import ChainPolicy
from tests.fakes.faces import Face, asks

Call = llm.ToolCall


def upper(text: str) -> str:
    """Convert text to uppercase."""
    return text.upper()


class Files(llm.Toolbox):
    """A toolbox that has to be prepared."""

    def prepare(self) -> None:
        self.add_tool(upper)


def running(face: Face, got: list[Any], *calls: Call, **given: Any) -> Callable[[Any], Any]:
    """Return a step of a script in which the model runs calls itself, and adds their results to a list."""

    def step(response: Any) -> Any:
        outcomes = [response.execute_tool_call(call, **given) for call in calls]
        if not face.is_async:
            got.extend(outcomes)
            return None

        async def later() -> None:
            for outcome in outcomes:
                got.append(await outcome)

        return later()

    return step


@pytest.fixture(params=["no journal", "a journal"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    if request.param == "a journal":
        llm.open_journal(tmp_path / "journal.db")


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize("kind", ["prompt", "chain", "conversation"])
def test_a_model_may_run_calls_while_it_answers(face: Face, kind: str) -> None:
    got: list[Any] = []
    seen: list[str] = []

    def before(tool: Any, call: Call) -> None:
        seen.append(f"before {call.name}")
        call.arguments["text"] += "!"

    def after(tool: Any, call: Call, result: llm.ToolResult) -> None:
        seen.append(f"after {result.output}")

    steps = running(face, got, Call("upper", {"text": "a"}, "1"), Call("gone", {"text": ""}))
    model = face.rounds(["x", steps, "y"])
    hooks: dict[str, Any] = {"before_call": before, "after_call": after}
    if kind == "prompt":
        hooks = {}
        response = model.prompt("Hi", tools=[Files()])
    elif kind == "chain":
        response = model.chain("Hi", tools=[Files()], **hooks)
    else:
        response = model.conversation(**hooks).prompt("Hi", tools=[Files()])
    assert face.text(response) == "xy"
    assert [(result.name, result.output) for result in got] == [
        ("upper", "A!" if hooks else "A"),
        ("gone", 'Error: tool "gone" does not exist'),
    ]
    assert got[0].tool_call_id == "1"
    assert got[1].tool_call_id.startswith("tc_")
    assert seen == (["before upper", "after A!", "before gone"] if hooks else [])
    assert len(model.requests) == 1


@pytest.mark.usefixtures("journal")
def test_a_call_that_a_model_runs_itself_waits_for_approval_like_any_other(face: Face) -> None:
    ran: list[str] = []

    @llm.require_approval
    def delete(path: str) -> str:
        """Delete a file."""
        ran.append(path)
        return f"deleted {path}"

    got: list[Any] = []
    model = face.rounds(["Let me see", running(face, got, Call("delete", {"path": "a"}, "1"))], "Gone.")
    pause = face.pause_of(model.chain("Hi", tools=[delete]))
    assert (got, ran, pause.request.arguments) == ([], [], {"path": "a"})
    assert pause.messages[-1].parts[-1] == llm.ToolCallPart("delete", {"path": "a"}, "1")
    assert face.text(pause.approve()) == "Gone."
    assert ran == ["a"]
    result = model.requests[1].messages[-1].parts[0]
    assert (result.name, result.output, result.tool_call_id) == ("delete", "deleted a", "1")


def test_what_a_model_has_run_itself_is_known_when_a_later_process_continues(face: Face, tmp_path: Path) -> None:
    ran: list[str] = []

    @llm.require_approval
    def delete(path: str) -> str:
        """Delete a file."""
        ran.append(path)
        return f"deleted {path}"

    llm.open_journal(tmp_path / "journal.db")
    steps = running(face, [], Call("upper", {"text": "a"}, "1"), Call("delete", {"path": "b"}, "2"))
    model = face.rounds(["x", steps], "Gone.")
    face.pause_of(model.chain("Hi", tools=[upper, delete]))
    # The journal is all that a later process has.
    (waiting,) = llm.pending()
    pause = llm.load_pause(waiting.to_dict(), model=model, tools=[upper, delete])
    assert face.text(pause.approve()) == "Gone."
    assert ran == ["b"]
    *_, asked, answered = model.requests[1].messages
    assert [(part.name, part.tool_call_id) for part in asked.parts] == [("upper", "1"), ("delete", "2")]
    assert [part.output for part in answered.parts] == ["A", "deleted b"]


def test_a_call_that_a_model_runs_itself_is_asked_about_as_the_chain_says(face: Face) -> None:
    got: list[Any] = []
    model = face.rounds([running(face, got, Call("upper", {"text": "a"}, "1"))], "done")
    chain = model.chain("Hi", tools=[upper])
    chain._chain.plan.policy = ChainPolicy(named=frozenset(["upper"]))
    pause = face.pause_of(chain)
    assert (got, pause.request.tool_name) == ([], "upper")
    assert face.text(pause.deny("no")) == "done"


def test_calls_can_be_named_and_are_run_without_reading_the_response(face: Face) -> None:
    model = face.rounds(asks(Call("upper", {"text": "own"}, "1")))
    response = model.prompt("Hi", tools=[upper])
    named = [Call("upper", {"text": "b"}, "2"), Call("gone", {}, "3"), Call("upper", {"text": "a"})]
    results = face.do(response.execute_tool_calls(tool_calls_list=named))
    assert [result.output for result in results] == ["B", 'Error: tool "gone" does not exist', "A"]
    assert [result.tool_call_id for result in results[:2]] == ["2", "3"]
    assert model.requests == []
    assert [result.output for result in face.do(response.execute_tool_calls())] == ["OWN"]
    assert face.do(response.execute_tool_calls(tool_calls_list=[])) == []


def test_a_call_that_is_named_after_the_answer_waits_for_approval_too(face: Face) -> None:
    asking = llm.require_approval(llm.Tool.function(upper))
    steps = running(face, [], Call("gone", {}, "1"))
    model = face.rounds(["x", steps], "done")
    response = model.prompt("Hi", tools=[asking])
    face.text(response)
    with pytest.raises(llm.PauseChain) as caught:
        face.do(response.execute_tool_call(Call("upper", {"text": "b"}, "2")))
    pause = caught.value
    assert [part.tool_call_id for part in pause.messages[-1].parts] == ["2"]
    assert face.text(pause.approve()) == "done"
    assert [part.output for part in model.requests[1].messages[-1].parts] == ["B"]


def test_calls_that_are_named_are_run_again_and_with_the_tools_that_are_given(face: Face) -> None:
    ran: list[str] = []

    def counted(text: str) -> str:
        ran.append(text)
        return text

    response = face.rounds(asks(Call("counted", {"text": "a"}, "1"))).prompt("Hi", tools=[llm.Tool("counted")])
    (call,) = face.do(response.tool_calls())
    for _ in range(2):
        (result,) = face.do(response.execute_tool_calls(tool_calls_list=[call], tools=[counted]))
        assert result.output == "a"
    assert ran == ["a", "a"]
    (result,) = face.do(response.execute_tool_calls(tool_calls_list=[call]))
    assert result.output == 'Error: tool "counted" has no implementation'
