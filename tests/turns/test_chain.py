"""Chains, sync and async: what is asked and run in which order, and how a chain ends."""

from __future__ import annotations

import asyncio
import contextvars
import math
import sys
import threading
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import AsyncFace, Face, asks

Call = llm.ToolCall
where: contextvars.ContextVar[str] = contextvars.ContextVar("where", default="nowhere")


def upper(text: str) -> str:
    """Convert text to uppercase."""
    return text.upper()


def calling(name: str, count: int = 1, **arguments: Any) -> list[Any]:
    return asks(*[Call(name, arguments, f"{name}{position}") for position in range(count)])


def results_in(prompt: llm.Prompt) -> list[str]:
    """The tool results that a request ends with."""
    return [part.output for part in prompt.messages[-1].parts if isinstance(part, llm.ToolResultPart)]


def test_tools_run_until_the_model_asks_for_none(face: Face) -> None:
    model = face.rounds(["Let me see", *calling("upper", text="panda")], calling("upper", text="b"), "PANDA it is.")
    chain = model.chain("Convert panda", system="S", tools=[upper])
    assert model.requests == []
    assert face.text(chain) == "Let me see PANDA it is."
    assert [results_in(request) for request in model.requests[1:]] == [["PANDA"], ["B"]]
    assert model.requests[1].messages[:3] == [
        llm.system("S"),
        llm.user("Convert panda"),
        llm.assistant("Let me see", llm.ToolCallPart("upper", {"text": "panda"}, "upper0")),
    ]
    assert face.text(chain) == "Let me see PANDA it is."
    assert len(model.requests) == 3
    assert face.do(chain.messages())[-1] == llm.assistant("PANDA it is.")


def test_every_round_gets_the_same_options_schema_and_tools_and_reasoning_unchanged(face: Face) -> None:
    class Warm(llm.Options):
        warmth: int | None = None

    thought = llm.StreamEvent("reasoning", "Hm", provider_metadata={"signature": "x"})
    model = face.rounds([thought, *calling("upper", text="a")], "{}", Options=Warm, supports_schema=True)
    schema = {"type": "object"}
    face.text(model.chain("Hi", tools=[upper], schema=schema, warmth=3, system="S", hide_reasoning=True))
    for request in model.requests:
        assert (request.options.warmth, request.schema, request.hide_reasoning) == (3, schema, True)
        assert [tool.name for tool in request.tools] == ["upper"]
        assert request.messages[0] == llm.system("S")
    said = model.requests[1].messages[2].parts[0]
    assert said == llm.ReasoningPart("Hm", provider_metadata={"signature": "x"})


def test_responses_are_given_out_before_they_are_read(face: Face) -> None:
    model = face.rounds(["a", *calling("upper", text="x")], "b")
    texts = [list(face.chunks(response)) for response in face.responses(model.chain("Hi", tools=[upper]))]
    assert texts == [["a"], ["b"]]
    assert len(model.requests) == 2


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [("a", "b", "a b"), ("a ", "b", "a b"), ("a", "\nb", "a\nb"), ("", "b", "b"), ("a", "", "a")],
)
def test_one_space_joins_rounds_where_neither_side_has_white_space(
    face: Face, first: str, second: str, joined: str
) -> None:
    model = face.rounds([first, *calling("upper", text="x")], [second])
    assert "".join(face.chunks(model.chain("Hi", tools=[upper]))) == joined


def test_no_space_comes_between_the_chunks_of_a_round(face: Face) -> None:
    model = face.rounds(["a", "b", *calling("upper", text="x")], ["c", "d"])
    chain = model.chain("Hi", tools=[upper])
    assert "".join(face.chunks(chain)) == face.text(chain) == "ab cd"


def test_the_text_of_the_events_is_that_of_the_chain(face: Face) -> None:
    thought = llm.StreamEvent("reasoning", "Hm")
    model = face.rounds(["a", "b", *calling("upper", text="x")], [thought, "c", "d"])
    chain = model.chain("Hi", tools=[upper])
    events = list(face.events(chain))
    assert [event.chunk for event in events if event.type == "text"] == ["a", "b", " ", "c", "d"]
    space, following = [event for event in events if event.chunk in (" ", "c")]
    assert (space.part_index, space.message_index) == (following.part_index, following.message_index)
    assert "".join(event.chunk for event in events if event.type == "text") == face.text(chain)


class Search(llm.ServerSideTool):
    """A tool that the provider runs."""

    name = "search"
    spec = {"type": "search"}


def test_a_tool_of_the_provider_is_sent_and_never_run_here(face: Face) -> None:
    ran = [
        llm.StreamEvent("tool_call_name", "search", tool_call_id="1", server_executed=True),
        llm.StreamEvent("tool_result", "found", tool_call_id="1", tool_name="search", server_executed=True),
        "a",
    ]
    model = face.rounds(ran, supported_server_side_tools=(Search,))
    search = Search()
    assert face.text(model.chain("Hi", tools=[search, upper])) == "a"
    assert model.requests[0].tools[0] is search
    assert len(model.requests) == 1
    model = face.rounds(calling("search", q="x"), "b", supported_server_side_tools=(Search,))
    assert face.text(model.chain("Hi", tools=[search])) == "b"
    assert results_in(model.requests[1]) == ['Error: tool "search" does not exist']
    with pytest.raises(ValueError, match="does not support server-side tool 'search'"):
        face.rounds("a").chain("Hi", tools=[search])


def test_the_event_stream_numbers_every_part_and_holds_results_and_replays_itself(face: Face) -> None:
    model = face.rounds(["a", *calling("upper", 2, text="x")], [llm.StreamEvent("reasoning", "Hm"), "b"])
    chain = model.chain("Hi", tools=[upper])
    live = list(face.events(chain))
    assert live == list(face.events(chain))
    kinds: dict[tuple[int, int], set[str]] = {}
    for event in live:
        assert event.part_index is not None
        kinds.setdefault((event.message_index, event.part_index), set()).add(event.type)
    indices = [index for _, index in kinds]
    assert len(set(indices)) == len(indices) == 7
    assert [event.chunk for event in live if event.type == "tool_result"] == ["X", "X"]
    assert all(names <= {"tool_call_name", "tool_call_args"} or len(names) == 1 for names in kinds.values())
    assert [event.message_index for event in live] == sorted(event.message_index for event in live)


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_ends_the_chain_before_the_next_tools_run(face: Face, limit: int) -> None:
    ran: list[str] = []
    model = face.rounds(calling("note", text="x"))

    def note(text: str) -> None:
        ran.append(text)

    chain = model.chain("Hi", tools=[note], chain_limit=limit)
    for _ in range(2):
        with pytest.raises(ValueError, match=f"limit of {limit} responses"):
            face.text(chain)
    assert (len(model.requests), len(ran)) == (limit, limit - 1)


def test_a_response_at_the_limit_that_asks_for_nothing_ends_normally(face: Face) -> None:
    model = face.rounds(calling("upper", text="x"), "done")
    assert face.text(model.chain("Hi", tools=[upper], chain_limit=2)) == "done"


def test_ten_is_the_limit_of_a_model_and_a_conversation_has_none(face: Face) -> None:
    rounds = [calling("upper", text="x")] * 12 + [["done"]]
    with pytest.raises(ValueError, match="limit of 10"):
        face.text(face.rounds(*rounds).chain("Hi", tools=[upper]))
    assert face.text(face.rounds(*rounds).chain("Hi", tools=[upper], chain_limit=0)) == "done"
    assert face.text(face.rounds(*rounds).conversation(tools=[upper]).chain("Hi")) == "done"
    limited = face.rounds(*rounds).conversation(tools=[upper], chain_limit=4)
    with pytest.raises(ValueError, match="limit of 4"):
        face.text(limited.chain("Hi"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "text: required, but missing"),
        ({"text": ["a"]}, "text: expected a string"),
        ({"text": "a", "colour": 1}, "colour: unknown argument"),
        ({"text": math.nan}, "no JSON form"),
    ],
)
def test_wrong_arguments_are_told_to_the_model(face: Face, arguments: dict[str, Any], expected: str) -> None:
    model = face.rounds(asks(Call("upper", arguments, "1")), "sorry")
    assert face.text(model.chain("Hi", tools=[upper])) == "sorry"
    [told] = results_in(model.requests[1])
    assert told.startswith("Error: ")
    assert expected in told


@pytest.mark.parametrize("text", ['{"te', "null", '{"text": "2\n"}', '["x"]'])
def test_arguments_that_are_not_json_are_told_to_the_model_which_tries_again(face: Face, text: str) -> None:
    ran: list[str] = []

    def shout(text: str) -> str:
        ran.append(text)
        return text.upper()

    wrong = [llm.StreamEvent("tool_call_name", "shout", tool_call_id="1"), llm.StreamEvent("tool_call_args", text)]
    model = face.rounds(wrong, asks(Call("shout", {"text": "x"}, "2")), "done")
    assert face.text(model.chain("Hi", tools=[llm.require_approval(shout, when=lambda text: False)])) == "done"
    [told] = results_in(model.requests[1])
    assert told.startswith("Error: The model called shout with arguments that are not ")
    assert model.requests[1].messages[1].parts == [llm.ToolCallPart("shout", {"_raw": text}, "1")]
    assert ran == ["x"]


def test_nobody_is_asked_about_arguments_that_are_not_json(face: Face) -> None:
    wrong = [llm.StreamEvent("tool_call_name", "upper", tool_call_id="1"), llm.StreamEvent("tool_call_args", "{")]
    model = face.rounds(wrong, "done")
    assert face.text(model.chain("Hi", tools=[llm.require_approval(upper)])) == "done"


def test_what_tools_return_reaches_the_model(face: Face) -> None:
    picture = llm.Attachment(content=b"\x89PNG\r\n\x1a\n", type="image/png")
    returns: list[Any] = ["x" * 10_000_000, None, {"a": [1]}, {1, 2}, llm.ToolOutput("see", [picture]), object]
    model = face.rounds(
        asks(*[Call("give", {"which": which}, str(which)) for which in range(len(returns))]),
        "done",
        attachment_types={"image/png"},
    )

    def give(which: int) -> Any:
        return returns[which]

    assert face.text(model.chain("Hi", tools=[face.tool(give)])) == "done"
    told = results_in(model.requests[1])
    assert told[0] == returns[0]
    assert told[1:5] == ["null", '{"a": [1]}', "[1, 2]", "see"]
    assert "object" in told[5]
    assert model.requests[1].messages[-1].parts[4].attachments == [picture]


def test_a_failing_tool_and_an_unknown_one_are_errors_that_the_model_reads(face: Face) -> None:
    def fail() -> None:
        raise OSError("disk full")

    def stop() -> None:
        raise StopIteration

    model = face.rounds(asks(Call("fail", {}, "1"), Call("nothing", {}, "2"), Call("stop", {}, "3")), "done")
    seen: list[Any] = []
    chain = model.chain("Hi", tools=[fail, stop], before_call=lambda tool, call: seen.append(tool))
    assert face.text(chain) == "done"
    told = results_in(model.requests[1])
    assert told[:2] == ["Error: disk full", 'Error: tool "nothing" does not exist']
    assert told[2].startswith("Error: ")
    assert model.requests[1].messages[-1].parts[0].exception == "OSError: disk full"
    assert [tool and tool.name for tool in seen] == ["fail", None, "stop"]


def test_the_model_is_told_of_a_tool_that_cannot_be_run(face: Face) -> None:
    seen: list[Any] = []
    described = llm.Tool("f")
    model = face.rounds(calling("f"), "b")
    chain = model.chain("Hi", tools=[described], before_call=lambda tool, call: seen.append(tool))
    assert face.text(chain) == "b"
    assert results_in(model.requests[1]) == ['Error: tool "f" has no implementation']
    assert seen == [described]
    assert isinstance(model.requests[1].tool_results[0].exception, KeyError)


def test_before_call_cancels_and_changes_what_runs_but_not_what_was_said(face: Face) -> None:
    seen: list[Any] = []
    kept: list[Any] = []

    def before(tool: Any, call: llm.ToolCall) -> None:
        if call.arguments["text"] == "bad":
            raise llm.CancelToolCall("not that")
        call.arguments["text"] += "!"
        kept.append(call)

    def after(tool: Any, call: llm.ToolCall, result: llm.ToolResult) -> None:
        seen.append((tool.name, call.arguments, result.output))

    def late(text: str) -> str:
        kept[-1].arguments["text"] = kept[-1].name = "changed"
        return text

    model = face.rounds(asks(Call("late", {"text": "bad"}, "1"), Call("late", {"text": "a"}, "2")), "done")
    face.text(model.chain("Hi", tools=[face.tool(late)], before_call=before, after_call=after))
    assert results_in(model.requests[1]) == ["Cancelled: not that", "a!"]
    assert seen == [("late", {"text": "a!"}, "a!")]
    assert [part.arguments["text"] for part in model.requests[1].messages[1].parts] == ["bad", "a"]
    assert [part.name for part in model.requests[1].messages[-1].parts] == ["late", "late"]


def test_before_call_may_put_other_arguments_in_place_of_the_models(face: Face) -> None:
    def before(tool: Any, call: llm.ToolCall) -> None:
        call.arguments = {"text": "instead"}

    model = face.rounds(calling("upper", text="a"), "done")
    face.text(model.chain("Hi", tools=[upper], before_call=before))
    assert results_in(model.requests[1]) == ["INSTEAD"]


def test_a_result_knows_its_toolbox_whether_or_not_the_tool_failed(face: Face) -> None:
    class Files(llm.Toolbox):
        def read(self, path: str) -> str:
            if path == "bad":
                raise OSError("no such file")
            return path

    seen: list[Any] = []
    files = Files()
    calls = asks(Call("Files_read", {"path": "bad"}, "1"), Call("Files_read", {"path": "good"}, "2"))
    chain = face.rounds(calls, "done").chain(
        "Hi", tools=[files], after_call=lambda tool, call, result: seen.append((result.output, result.instance))
    )
    face.text(chain)
    assert seen == [("Error: no such file", files), ("good", files)]


def test_a_hook_that_leaves_what_is_not_json_is_told_so(face: Face) -> None:
    def before(tool: Any, call: llm.ToolCall) -> None:
        call.arguments["text"] = object()

    with pytest.raises(TypeError, match="before_call left arguments of upper that have no JSON form"):
        face.text(face.rounds(calling("upper", text="a")).chain("Hi", tools=[upper], before_call=before))


@pytest.mark.parametrize("hook", ["before_call", "after_call"])
@pytest.mark.parametrize("parallel", [None, 4])
def test_a_failing_hook_is_raised_after_every_started_sibling_has_finished(
    face: Face, hook: str, parallel: int | None
) -> None:
    done: list[str] = []
    started = threading.Barrier(2)

    def slow(text: str) -> str:
        if parallel and not face.is_async:
            started.wait(60)
        done.append(text)
        return text

    def fail(*arguments: Any) -> None:
        if arguments[1].arguments["text"] == "b":
            if parallel and not face.is_async:
                started.wait(60)
            raise RuntimeError("the hook")

    if hook == "after_call" and parallel and not face.is_async:
        started = threading.Barrier(1)
    model = face.rounds(asks(Call("slow", {"text": "a"}, "1"), Call("slow", {"text": "b"}, "2")))
    chain = model.chain("Hi", tools=[face.tool(slow)], parallel_tools=parallel, **{hook: fail})
    for _ in range(2):
        with pytest.raises(RuntimeError, match="the hook"):
            face.text(chain)
    assert "a" in done
    assert done.count("b") == (hook == "after_call")
    assert len(model.requests) == 1


def test_async_hooks_are_for_async_chains() -> None:
    ran: list[str] = []

    async def hook(*arguments: Any) -> None:
        ran.append("hook")

    def note() -> None:
        ran.append("tool")

    with pytest.raises(TypeError, match="before_call is async"):
        Face().rounds(calling("note")).chain("Hi", tools=[note], before_call=hook).text()
    with pytest.raises(TypeError, match="after_call is async"):
        Face().rounds(calling("note")).chain("Hi", tools=[note], after_call=hook).text()

    class Hook:
        async def __call__(self, *arguments: Any) -> None:
            ran.append("hook")

    with pytest.raises(TypeError, match="after_call is async"):
        Face().rounds(calling("note")).chain("Hi", tools=[note], after_call=Hook()).text()
    assert ran == []


def test_async_hooks_are_awaited(face: Face) -> None:
    if not face.is_async:
        pytest.skip("sync chains take plain functions")
    seen: list[str] = []

    async def before(tool: Any, call: Any) -> None:
        await asyncio.sleep(0)
        seen.append(call.name)

    face.text(face.rounds(calling("upper", text="a"), "b").chain("Hi", tools=[upper], before_call=before))
    assert seen == ["upper"]


async def whereabouts() -> str:
    """Where the caller is."""
    await asyncio.sleep(0)
    return where.get()


def test_async_tools_and_sync_tools_run_in_either_chain_with_the_callers_context(face: Face) -> None:
    def plain() -> str:
        return where.get()

    token = where.set("here")
    model = face.rounds(asks(Call("whereabouts", {}, "1"), Call("plain", {}, "2")), "done")
    face.text(contextvars.copy_context().run(lambda: model.chain("Hi", tools=[whereabouts, plain])))
    where.reset(token)
    assert results_in(model.requests[1]) == ["here", "here"]


@pytest.mark.parametrize("parallel", [None, 2])
def test_an_async_tool_in_a_sync_chain_while_a_loop_is_running(parallel: int | None) -> None:
    async def cell() -> list[str]:
        where.set("in the cell")
        model = Face().rounds(calling("whereabouts", 2), "done")
        model.chain("Hi", tools=[whereabouts], parallel_tools=parallel).text()
        return results_in(model.requests[1])

    assert asyncio.run(cell()) == ["in the cell"] * 2


def test_an_async_tool_may_read_a_sync_chain_with_async_tools() -> None:
    async def outer() -> str:
        inner = Face().rounds(calling("whereabouts"), "inner")
        text: str = inner.chain("Hi", tools=[whereabouts]).text()
        return text

    model = Face().rounds(calling("outer"), "done")
    assert model.chain("Hi", tools=[outer]).text() == "done"
    assert results_in(model.requests[1]) == ["inner"]


def test_what_returns_a_future_is_awaited_too() -> None:
    def future() -> Any:
        class Later:
            def __await__(self) -> Any:
                yield from asyncio.sleep(0).__await__()
                return "later"

        return Later()

    model = Face().rounds(calling("future"), "done")
    model.chain("Hi", tools=[future]).text()
    assert results_in(model.requests[1]) == ["later"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_stop_inside_a_tool_ends_the_chain_for_good(is_async: bool) -> None:
    def plain() -> None:
        raise KeyboardInterrupt

    async def coroutine() -> None:
        raise KeyboardInterrupt

    tool = coroutine if is_async else plain
    model = Face().rounds(calling(tool.__name__))
    chain = model.chain("Hi", tools=[tool])
    with pytest.raises(KeyboardInterrupt):
        chain.text()
    with pytest.raises(llm.IncompleteResponse):
        chain.text()
    assert len(model.requests) == 1
    again = Face().rounds(calling("whereabouts"), "done")
    assert again.chain("Hi", tools=[whereabouts]).text() == "done"


@pytest.mark.parametrize("is_async", [False, True])
@pytest.mark.parametrize(("code", "said"), [(0, "0"), (None, "None"), ("no disk", "'no disk'")])
def test_a_tool_that_calls_sys_exit_has_failed(face: Face, is_async: bool, code: Any, said: str) -> None:
    def plain() -> None:
        sys.exit(code)

    async def coroutine() -> None:
        sys.exit(code)

    tool = coroutine if is_async else plain
    model = face.rounds(calling(tool.__name__), "done")
    assert face.text(model.chain("Hi", tools=[tool])) == "done"
    assert results_in(model.requests[1]) == [f"Error: the tool called sys.exit({said})"]


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no message")


def test_an_error_that_cannot_give_its_message_is_told_by_its_type(face: Face) -> None:
    def fails() -> str:
        raise Speechless

    model = face.rounds(asks(llm.ToolCall("fails", {}, "c1")), "done")
    assert face.text(model.chain("Hi", tools=[fails])) == "done"
    assert results_in(model.requests[1]) == ["Error: Speechless"]


@pytest.mark.parametrize("depth", [101, 500])
def test_arguments_that_are_nested_too_deep_are_refused_in_a_sentence(face: Face, depth: int) -> None:
    ran: list[Any] = []

    def keep(items: list[Any]) -> None:
        ran.append(items)

    text = '{"items": ' + "[" * depth + "]" * depth + "}"
    asks = [
        llm.StreamEvent("tool_call_name", "keep", tool_call_id="c1"),
        llm.StreamEvent("tool_call_args", text, tool_call_id="c1"),
    ]
    model = face.rounds(asks, "done")
    assert face.text(model.chain("Hi", tools=[llm.require_approval(keep)])) == "done"
    assert results_in(model.requests[1]) == [
        "Error: the arguments have no JSON form: they are nested more than 100 levels deep"
    ]
    assert ran == []


def test_two_calls_with_one_id_are_two_calls(face: Face) -> None:
    ran: list[str] = []

    def erase(path: str) -> str:
        ran.append(path)
        return f"erased {path}"

    def ask(response: Any) -> None:
        for path in ("/a", "/b", "/c"):
            response.add_tool_call(llm.ToolCall("erase", {"path": path}, "same"))

    model = face.rounds([ask], "done")
    assert face.text(model.chain("Hi", tools=[erase])) == "done"
    assert ran == ["/a", "/b", "/c"]
    assert results_in(model.requests[1]) == ["erased /a", "erased /b", "erased /c"]


def test_cancelling_an_async_chain_cancels_its_tools_and_ends_it() -> None:
    cancelled: list[str] = []

    async def scene() -> None:
        running = asyncio.Event()

        async def slow() -> None:
            running.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append("slow")
                raise

        chain = AsyncFace().rounds(calling("slow", 2)).chain("Hi", tools=[slow])
        task = asyncio.ensure_future(chain.text())
        await running.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(llm.IncompleteResponse):
            await chain.text()

    asyncio.run(scene())
    assert cancelled == ["slow", "slow"]


def test_a_tool_whose_own_work_was_cancelled_has_failed(face: Face) -> None:
    async def work() -> None:
        task = asyncio.ensure_future(asyncio.sleep(10))
        task.cancel()
        await task

    model = face.rounds(calling("work"), "done")
    assert face.text(model.chain("Hi", tools=[work])) == "done"
    assert results_in(model.requests[1]) == ["Error: CancelledError"]


def test_a_tool_that_reads_its_own_chain_is_told_so(face: Face) -> None:
    chains: list[Any] = []

    def sync() -> str:
        text: str = chains[0].text()
        return text

    async def awaited() -> str:
        text: str = await chains[0].text()
        return text

    tool = awaited if face.is_async else sync
    model = face.rounds(calling(tool.__name__), "done")
    chains.append(model.chain("Hi", tools=[tool]))
    assert face.text(chains[0]) == "done"
    assert "cannot read on in the chain that runs it" in results_in(model.requests[1])[0]


def test_a_chain_read_from_two_threads_asks_and_runs_once() -> None:
    ran: list[str] = []

    def note() -> str:
        ran.append("x")
        return "noted"

    model = Face().rounds(["a", *calling("note")], ["b"])
    chain = model.chain("Hi", tools=[note])
    texts: list[str] = []
    threads = [threading.Thread(target=lambda: texts.append(chain.text())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == ["a b"] * 4
    assert (len(ran), len(model.requests)) == (1, 2)


def test_sync_tools_run_in_threads_when_asked(face: Face) -> None:
    gate = threading.Barrier(3)

    def meet() -> str:
        gate.wait(60)
        return "met"

    model = face.rounds(calling("meet", 3), "done")
    face.text(model.chain("Hi", tools=[meet], parallel_tools=3))
    assert results_in(model.requests[1]) == ["met"] * 3


@pytest.mark.parametrize("parallel", [None, 1])
def test_unless_asked_sync_tools_run_in_order_one_at_a_time(face: Face, parallel: int | None) -> None:
    seen: list[str] = []

    def count(n: int) -> int:
        seen.append(f"begin {n}")
        threading.Event().wait(0.002)
        seen.append(f"end {n}")
        return n

    calls = asks(*[Call("count", {"n": n}, str(n)) for n in range(3)])
    face.text(face.rounds(calls, "done").chain("Hi", tools=[count], parallel_tools=parallel))
    assert seen == ["begin 0", "end 0", "begin 1", "end 1", "begin 2", "end 2"]


def test_async_tools_of_an_async_chain_run_together() -> None:
    face = AsyncFace()
    gate = asyncio.Barrier(3)

    async def meet() -> str:
        await asyncio.wait_for(gate.wait(), 5)
        return "met"

    model = face.rounds(calling("meet", 3), "done")
    face.text(model.chain("Hi", tools=[meet]))
    assert results_in(model.requests[1]) == ["met"] * 3
    face.close()


def test_a_tool_may_add_tools_to_its_toolbox(face: Face) -> None:
    class Box(llm.Toolbox):
        def more(self) -> str:
            self.add_tool(upper)
            return "added"

    model = face.rounds(calling("Box_more"), calling("upper", text="a"), "done")
    face.text(model.chain("Hi", tools=[Box()]))
    assert results_in(model.requests[2]) == ["A"]


def test_what_cannot_work_is_refused_before_anything_is_sent(face: Face) -> None:
    model = face.rounds("a")
    with pytest.raises(ValueError, match="cannot be called 'a b'"):
        model.chain("Hi", tools=[llm.Tool.function(upper, name="a b")])
    with pytest.raises(ValueError, match="does not support tools"):
        face.model("a").chain("Hi", tools=[upper])
    with pytest.raises(ValueError, match="does not support schemas"):
        model.chain("Hi", schema={"type": "object"})
    with pytest.raises(llm.ConversationNotSupported):
        face.rounds("a", supports_conversation=False).chain(messages=[llm.user("a"), llm.assistant("b")])
    assert model.requests == []


@pytest.mark.parametrize("arguments", [{}, {"prompt": ""}, {"messages": []}, {"prompt": None, "messages": []}])
def test_an_empty_prompt_is_no_message(face: Face, arguments: dict[str, Any]) -> None:
    model = face.rounds("a")
    for ask in (model.chain, model.prompt):
        assert face.text(ask(**arguments)) == "a"
        assert model.requests[-1].messages == []


def test_a_provider_is_not_asked_nothing(face: Face) -> None:
    for model in (face.openai("http://127.0.0.1:9/v1"), face.get_model("smollm2")):
        for ask in (model.prompt, model.chain, model.conversation().prompt):
            with pytest.raises(ValueError, match="The prompt is empty, so nothing was sent: give a text"):
                ask("")


def test_a_model_finds_the_rounds_before_in_its_conversation(face: Face) -> None:
    rounds = (["a", *calling("upper", text="x")], ["b", *calling("upper", text="y")], "c")
    model = face.rounds(*rounds)
    assert face.text(model.chain("Hi", tools=[upper])) == "a b c"
    assert model.conversations == [[], ["a"], ["a", "b"]]
    model = face.rounds("a", *rounds)
    conversation = model.conversation(tools=[upper])
    face.text(conversation.prompt("Hi"))
    face.text(conversation.chain("And?"))
    assert model.conversations == [[], ["a"], ["a", "a"], ["a", "a", "b"]]
    model = face.rounds("a", supports_conversation=False)
    face.text(model.chain("Hi"))
    face.text(model.prompt("Hi"))
    assert model.conversations == [[], None]


def test_a_model_finds_the_rounds_before_a_pause_in_its_conversation(face: Face) -> None:
    asking = llm.require_approval(llm.Tool.function(upper))
    model = face.rounds(["a", *calling("upper", text="x")], "b")
    pause = face.pause_of(model.chain("Hi", tools=[asking]))
    assert face.text(pause.approve()) == "b"
    assert model.conversations == [[], ["a"]]


def test_a_later_round_still_tells_the_system_prompt_and_what_tools_attached(face: Face) -> None:
    picture = llm.Attachment("image/png", content=b"\x89PNG\r\n\x1a\n")
    drawn = [llm.Attachment("image/png", content=b"\x89PNG\r\n\x1a\n" + bytes([number])) for number in range(2)]
    left = list(drawn)

    def draw() -> llm.ToolOutput:
        return llm.ToolOutput("drawn", [left.pop(0)])

    model = face.rounds(calling("draw"), calling("draw"), "done", attachment_types={"image/png"})
    sent = {"system": "Be brief.", "system_fragments": ["You draw."], "attachments": [picture], "fragments": ["F"]}
    face.text(model.chain("Hi", tools=[draw], **sent))
    first, second, third = model.requests
    assert {prompt.system for prompt in model.requests} == {"You draw.\n\nBe brief."}
    assert [prompt.prompt for prompt in model.requests] == ["F\nHi", "", ""]
    assert [prompt.attachments for prompt in model.requests] == [[picture], [drawn[0]], [drawn[1]]]
    roles = [message.role for message in third.messages]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "tool"]
    assert third.messages[:4] == second.messages
    assert second.messages[:2] == first.messages


def test_a_failed_request_ends_the_chain_and_is_not_repeated(face: Face) -> None:
    model = face.rounds(calling("upper", text="a"), [llm.ModelError("no")])
    chain = model.chain("Hi", tools=[upper])
    for _ in range(2):
        with pytest.raises(llm.ModelError, match="no"):
            face.text(chain)
    assert len(model.requests) == 2


def test_a_chain_in_a_conversation_joins_it_round_by_round(face: Face) -> None:
    model = face.rounds(calling("upper", text="a"), "A", "more")
    conversation = model.conversation(tools=[upper])
    assert face.text(conversation.chain("Hi")) == "A"
    assert len(conversation.responses) == 2
    face.text(conversation.prompt("And?"))
    assert [message.role for message in model.requests[-1].messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


def test_the_spec_s_memory(face: Face) -> None:
    class Memory(llm.Toolbox):
        def __init__(self) -> None:
            self.kept: dict[str, str] = {}

        def set(self, key: str, value: str) -> None:
            "Set something as a key"
            self.kept[key] = value

    memory = Memory()
    conversation = face.rounds(calling("Memory_set", key="name", value="Simon"), "Done").conversation(tools=[memory])
    assert face.text(conversation.chain("Set name to Simon")) == "Done"
    assert memory.kept == {"name": "Simon"}


def test_repr_tells_how_far_it_is(face: Face) -> None:
    chain = face.rounds("a").chain("Hi")
    name = "AsyncChainResponse" if face.is_async else "ChainResponse"
    assert repr(chain) == f"<{name} prompt='Hi' responses=0>"
    face.text(chain)
    assert repr(chain) == f"<{name} prompt='Hi' responses=1>"


def test_a_provider_that_paused_is_sent_its_answer_back(face: Face) -> None:
    def pauses(response: Any) -> None:
        response.set_finish_reason("pause", "pause_turn")

    model = face.rounds(["I search.", pauses], ["And again.", pauses], "Found.")
    chain = model.chain("Search", chain_limit=3)
    assert face.text(chain) == "I search. And again. Found."
    assert model.requests[2].messages == [llm.user("Search"), llm.assistant("I search."), llm.assistant("And again.")]
    response = model.prompt("Once")
    assert (response.finish_reason, response.provider_finish_reason) == (None, None)
    short = face.rounds(["I search.", pauses]).chain("Search", chain_limit=2)
    with pytest.raises(
        ValueError, match="limit of 2 responses while the provider was still at work with its own tools"
    ):
        face.text(short)


def test_a_paused_answer_of_one_prompt_says_so(face: Face) -> None:
    response = face.model("I search.", lambda response: response.set_finish_reason("pause", "pause_turn")).prompt("Hi")
    assert face.text(response) == "I search."
    assert (response.finish_reason, response.provider_finish_reason) == ("pause", "pause_turn")


def test_control_characters_of_a_model_or_a_tool_are_spelled_out_in_what_is_raised(face: Face) -> None:
    odd = "x\x1b]52;c;eA==\x07"
    model = face.rounds(asks(llm.ToolCall(odd, {}, "c1")))
    with pytest.raises(ValueError, match="reached its limit") as limit:
        face.text(model.chain("Hi", chain_limit=1))

    def stop() -> str:
        """Stop."""
        raise llm.PauseChain(odd)

    with pytest.raises(llm.PauseChain) as pause:
        face.text(face.rounds(asks(llm.ToolCall("stop", {}, "c1"))).chain("Hi", tools=[face.tool(stop)]))
    for error in (limit.value, pause.value):
        assert "\x1b" not in str(error)
        assert r"x\u{1b}]52;c;eA==\u{7}" in str(error)
