"""Pausing and resuming, sync and async: what has run, what has not, and where a chain goes on."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face, asks

Call = llm.ToolCall
KINDS = ("good", "bad", "slow", "wait")


class Tools:
    """Tools of every kind, and what was run of them."""

    def __init__(self, face: Face) -> None:
        self.ran: list[str] = []
        self.face = face

    def all(self) -> list[Any]:
        def good() -> str:
            self.ran.append("good")
            return "fine"

        def bad() -> str:
            self.ran.append("bad")
            raise OSError("disk full")

        def slow() -> str:
            self.ran.append("slow")
            threading.Event().wait(0.01)
            return "late"

        def wait() -> str:
            self.ran.append("wait")
            if llm.approved():
                return "allowed"
            raise llm.PauseChain("please")

        return [self.face.tool(function) for function in (good, bad, slow, wait)]


OUTPUTS = {"good": "fine", "bad": "Error: disk full", "slow": "late", "wait": "allowed"}


def calls_of(kinds: tuple[str, ...]) -> list[Any]:
    return asks(*[Call(kind, {}, f"id_{kind}") for kind in kinds])


def outputs(message: llm.Message) -> dict[str, str]:
    return {part.name: part.output for part in message.parts if isinstance(part, llm.ToolResultPart)}


@pytest.mark.parametrize("parallel", [None, 4])
@pytest.mark.parametrize("kinds", list(itertools.permutations(KINDS)), ids="-".join)
def test_a_pause_among_siblings_in_every_order(face: Face, kinds: tuple[str, ...], parallel: int | None) -> None:
    tools = Tools(face)
    seen: list[str] = []
    model = face.rounds(calls_of(kinds), "done")
    chain = model.chain(
        "Hi",
        tools=tools.all(),
        parallel_tools=parallel,
        after_call=lambda tool, call, result: seen.append(tool.name),
    )
    pause = face.pause_of(chain)
    assert pause is face.pause_of(chain)
    assert pause.tool_call == Call("wait", {}, "id_wait")
    before = list(kinds[: kinds.index("wait")])
    finished = [result.name for result in pause.tool_results]
    assert finished == sorted(finished, key=kinds.index)
    assert "wait" not in seen
    assert sorted(seen) == sorted(finished) == sorted(set(tools.ran) - {"wait"})
    if face.is_async:
        assert set(finished) == set(KINDS) - {"wait"}
    elif parallel is None:
        assert finished == before
    else:
        assert set(before) <= set(finished)
    assert outputs(pause.messages[-1]) == {name: OUTPUTS[name] for name in finished} or not finished
    assert len(model.requests) == 1

    assert face.text(pause.approve()) == "done"
    assert outputs(model.requests[1].messages[-1]) == OUTPUTS
    assert [part.name for part in model.requests[1].messages[-1].parts] == list(kinds)
    assert sorted(tools.ran) == sorted([*KINDS, "wait"])


def test_of_two_pauses_the_first_in_call_order_is_raised_and_then_the_other(face: Face) -> None:
    def first() -> str:
        if not llm.approved():
            raise llm.PauseChain("first?")
        return "1"

    def second() -> str:
        if not llm.approved():
            raise llm.PauseChain("second?")
        return "2"

    model = face.rounds(asks(Call("first", {}, "a"), Call("second", {}, "b")), "done")
    chain = model.chain("Hi", tools=[face.tool(first), face.tool(second)], parallel_tools=2)
    pause = face.pause_of(chain)
    assert str(pause) == "first?"
    other = face.pause_of(pause.approve())
    assert str(other) == "second?"
    assert [result.output for result in other.tool_results] == ["1"]
    assert face.text(other.approve()) == "done"
    assert outputs(model.requests[1].messages[-1]) == {"first": "1", "second": "2"}
    assert len(model.requests[1].messages) == 3


def test_a_resumed_tool_that_pauses_again_is_a_new_question(face: Face) -> None:
    asked: list[bool] = []

    def careful() -> str:
        asked.append(llm.approved())
        if len(asked) < 3:
            raise llm.PauseChain(f"sure {len(asked)}?")
        return "yes"

    pause = face.pause_of(face.rounds(asks(Call("careful", {}, "1")), "done").chain("Hi", tools=[face.tool(careful)]))
    again = face.pause_of(pause.approve())
    assert (str(pause), str(again)) == ("sure 1?", "sure 2?")
    assert face.text(again.approve()) == "done"
    assert asked == [False, True, True]


def test_resuming_undecided_asks_again(face: Face) -> None:
    tools = Tools(face)
    pause = face.pause_of(face.rounds(calls_of(("wait",)), "done").chain("Hi", tools=tools.all()))
    again = face.pause_of(pause.resume())
    assert again.request.digest == pause.request.digest
    assert face.text(again.approve()) == "done"


def test_a_history_that_ends_in_calls_is_resumed_through_the_hooks(face: Face) -> None:
    seen: list[str] = []
    history = [
        llm.user("Hi"),
        llm.assistant(
            llm.ToolCallPart("slow", {}, "1"), llm.ToolCallPart("good", {}, "2"), llm.ToolCallPart("bad", {}, "3")
        ),
        llm.tool_message(llm.ToolResultPart("good", "known", "2")),
    ]
    tools = Tools(face)
    model = face.rounds("done")
    chain = model.chain(messages=history, tools=tools.all(), before_call=lambda tool, call: seen.append(call.name))
    assert face.text(chain) == "done"
    assert tools.ran == seen == ["slow", "bad"]
    [request] = model.requests
    assert len(request.messages) == 3
    assert [(part.name, part.output) for part in request.messages[-1].parts] == [
        ("slow", "late"),
        ("good", "known"),
        ("bad", "Error: disk full"),
    ]
    assert [event.type for event in face.events(chain)][:2] == ["tool_result", "tool_result"]


def test_a_history_without_ids_matches_by_name_and_gets_ids_that_fit(face: Face) -> None:
    tools = Tools(face)
    model = face.rounds("done")
    asked = llm.assistant(*[llm.ToolCallPart(name, {}) for name in ("good", "good", "slow")])
    face.text(
        model.chain(
            messages=[llm.user("Hi"), asked, llm.tool_message(llm.ToolResultPart("good", "known"))], tools=tools.all()
        )
    )
    assert tools.ran == ["good", "slow"]
    _, said, told = model.requests[0].messages
    ids = [part.tool_call_id for part in said.parts]
    assert ids[0] is None
    assert all(ids[1:])
    assert [(part.tool_call_id, part.output) for part in told.parts] == [
        (None, "known"),
        (ids[1], "fine"),
        (ids[2], "late"),
    ]


Asked = llm.ToolCallPart
Told = llm.ToolResultPart


@pytest.mark.parametrize(
    ("asked", "told", "runs"),
    [
        ([Asked("good", {}), Asked("slow", {})], [Told("slow", "x")], ["good"]),
        ([Asked("good", {}, "1")], [Told("good", "x", "1")], []),
        ([Asked("good", {}, "1")], [Told("good", "x")], []),
        ([Asked("good", {})], [Told("good", "x", "1")], []),
        ([Asked("good", {}, "1")], [Told("good", "x", "2")], ["good"]),
        ([Asked("good", {}, "1"), Asked("slow", {}, "2")], [Told("slow", "x")], ["good"]),
        ([Asked("good", {}, "1"), Asked("good", {})], [Told("good", "x", "1")], ["good"]),
    ],
)
def test_which_calls_have_a_result_goes_by_id_and_only_without_ids_by_name(
    face: Face, asked: list[Any], told: list[Any], runs: list[str]
) -> None:
    tools = Tools(face)
    messages = [llm.user("Hi"), llm.assistant(*asked), llm.tool_message(*told)]
    assert face.text(face.rounds("done").chain(messages=messages, tools=tools.all())) == "done"
    assert tools.ran == runs


@pytest.mark.parametrize(
    "rest",
    [
        [llm.user("Never mind")],
        [llm.tool_message(llm.ToolResultPart("good", "known", "1"))],
        [llm.tool_message(llm.ToolResultPart("good", "known", "1")), llm.assistant("So be it")],
    ],
)
def test_a_history_that_moved_on_is_left_alone(face: Face, rest: list[llm.Message]) -> None:
    tools = Tools(face)
    model = face.rounds("done")
    history = [llm.user("Hi"), llm.assistant(llm.ToolCallPart("good", {}, "1")), *rest]
    face.text(model.chain(messages=history, tools=tools.all()))
    assert tools.ran == []
    assert model.requests[0].messages == history


def test_a_history_that_is_given_without_tools_is_left_alone(face: Face) -> None:
    model = face.rounds("done")
    history = [llm.user("Hi"), llm.assistant(llm.ToolCallPart("good", {}, "1"))]
    assert face.text(model.chain(messages=history)) == "done"
    assert (model.requests[0].messages, model.requests[0].tool_results) == (history, [])


def test_calls_that_the_provider_ran_are_left_alone(face: Face) -> None:
    tools = Tools(face)
    searched = llm.ToolCallPart("good", {}, "1", server_executed=True)
    model = face.rounds("done")
    face.text(model.chain(messages=[llm.user("Hi"), llm.assistant(searched)], tools=tools.all()))
    assert tools.ran == []


def test_a_conversation_after_a_pause_goes_on_or_resumes(face: Face) -> None:
    tools = Tools(face)
    model = face.rounds(calls_of(("good", "wait")), "done", "more")
    conversation = model.conversation(tools=tools.all())
    pause = face.pause_of(conversation.chain("Hi"))
    assert len(conversation.responses) == 1
    assert face.pause_of(conversation.chain()).tool_call == pause.tool_call
    assert tools.ran == ["good", "wait", "wait"]
    face.text(conversation.prompt("Something else"))
    sent = model.requests[1].messages
    assert [message.role for message in sent] == ["user", "assistant", "tool", "user"]
    told = outputs(sent[2])
    assert (told["good"], told["wait"].partition(":")[0]) == ("fine", "Waiting")


def test_a_resumed_chain_joins_its_conversation(face: Face) -> None:
    tools = Tools(face)
    model = face.rounds(calls_of(("wait",)), "done", "more")
    conversation = model.conversation(tools=tools.all())
    assert face.text(face.pause_of(conversation.chain("Hi")).approve()) == "done"
    face.text(conversation.prompt("And?"))
    assert [message.role for message in model.requests[2].messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


def test_a_hook_may_pause_before_the_call(face: Face) -> None:
    tools = Tools(face)

    def before(tool: Any, call: Any) -> None:
        raise llm.PauseChain("the hook asks")

    model = face.rounds(calls_of(("good",)), "done")
    pause = face.pause_of(model.chain("Hi", tools=tools.all(), before_call=before))
    assert (tools.ran, pause.request.tool_name, pause.request.reason) == ([], "good", "the hook asks")
    assert face.text(pause.approve()) == "done"
    assert tools.ran == ["good"]


def test_a_hook_may_pause_after_the_call_which_is_not_run_again(face: Face) -> None:
    tools = Tools(face)

    def after(tool: Any, call: Any, result: Any) -> None:
        raise llm.PauseChain("look at this")

    pause = face.pause_of(face.rounds(calls_of(("good",)), "done").chain("Hi", tools=tools.all(), after_call=after))
    assert [result.output for result in pause.tool_results] == ["fine"]
    with pytest.raises(ValueError, match="Nothing waits for a decision"):
        pause.approve()
    assert face.text(pause.resume()) == "done"
    assert tools.ran == ["good"]


def test_a_pause_that_came_from_no_chain_says_so() -> None:
    with pytest.raises(ValueError, match="did not come from a chain"):
        llm.PauseChain("x").approve()


def test_the_limit_of_a_chain_counts_across_pauses(face: Face) -> None:
    def good() -> str:
        return "fine"

    tool = llm.require_approval(face.tool(good))
    model = face.rounds(*[calls_of(("good",))] * 5)
    pause = face.pause_of(model.chain("Hi", tools=[tool], chain_limit=2))
    again = llm.load_pause(pause.to_dict(), model=model, tools=[tool])
    for waiting in (pause, again):
        with pytest.raises(ValueError, match="limit of 2 responses"):
            face.text(waiting.approve())
    assert len(model.requests) == 3


@pytest.mark.parametrize("decide", ["approve", "deny", "answer"])
def test_a_tool_cannot_decide_about_a_call(face: Face, decide: str) -> None:
    ran: list[str] = []

    def good() -> None:
        ran.append("good")

    tool = llm.require_approval(face.tool(good))
    pause = face.pause_of(face.rounds(calls_of(("good",))).chain("Hi", tools=[tool]))

    def sneak() -> None:
        getattr(pause, decide)(*(["yes"] if decide == "answer" else []))

    model = face.rounds(asks(Call("sneak", {}, "c1")), "done")
    assert face.text(model.chain("Hi", tools=[face.tool(sneak)])) == "done"
    assert outputs(model.requests[1].messages[-1]) == {
        "sneak": "Error: A tool cannot decide about a call: only a human can."
    }
    assert ran == []
