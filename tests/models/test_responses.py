"""Responses, sync and async: one lazy stream that can be read in any way and any number of times."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pydantic
import pytest

import llm_notebook as llm
from tests.fakes.faces import AsyncFace, AsyncScriptedModel, Face, ScriptedModel
from tests.fakes.openai_server import OpenAIServer, text_reply

Event = llm.StreamEvent
MIXED = [
    Event("reasoning", "Hm"),
    "a",
    "b",
    Event("tool_call_name", "f", tool_call_id="1"),
    Event("tool_call_args", '{"x":1}', tool_call_id="1"),
    "c",
    "d",
]


class Boom(Exception):
    """Not one of the package's errors."""


def test_nothing_is_asked_before_something_is_read(face: Face) -> None:
    model = face.model("a")
    response = model.prompt("Hi")
    assert model.requests == []
    assert response.partial == []
    assert repr(response) == f"<{face.response_class.__name__} prompt='Hi' text='... not yet done ...'>"
    assert face.text(response) == "a"
    assert repr(response) == f"<{face.response_class.__name__} prompt='Hi' text='a'>"
    assert len(model.requests) == 1


def test_two_chunks_and_then_the_rest_is_one_request(face: Face) -> None:
    model = face.model("a", "b", "c", "d")
    response = model.prompt("Hi")
    chunks = face.chunks(response)
    assert [next(chunks), next(chunks)] == ["a", "b"]
    assert model.requests
    assert face.text(response) == "abcd"
    assert list(chunks) == ["c", "d"]
    assert list(face.chunks(response)) == ["a", "b", "c", "d"]
    assert len(model.requests) == 1


def test_a_replay_is_what_was_live(face: Face) -> None:
    response = face.model(*MIXED).prompt("Hi")
    live = list(face.events(response))
    assert list(face.events(response)) == live
    assert [event.part_index for event in live] == [0, 1, 1, 2, 2, 3, 3]
    assert [event.chunk for event in live if event.type == "text"] == ["a", "b", "c", "d"]
    assert face.text(response) == "abcd"
    assert face.do(response.messages()) == [
        llm.assistant(llm.ReasoningPart("Hm"), "ab", llm.ToolCallPart("f", {"x": 1}, "1"), "cd")
    ]
    assert face.do(response.tool_calls()) == [llm.ToolCall("f", {"x": 1}, "1")]


def test_a_model_may_use_the_same_events_for_every_answer(face: Face) -> None:
    model = face.model(*MIXED)
    first, second = model.prompt("Hi"), model.prompt("Hi")
    assert face.do(first.messages()) == face.do(second.messages())


def test_str_is_the_text() -> None:
    assert str(Face().model("a", "b").prompt("Hi")) == "ab"


def test_awaiting_a_response_completes_it() -> None:
    async def main() -> None:
        response = AsyncScriptedModel(("a", "b"), {}).prompt("Hi")
        assert await response is response
        assert repr(response).endswith("text='ab'>")

    asyncio.run(main())


@pytest.mark.parametrize("kind", [Boom, llm.ModelError])
def test_a_failed_stream_raises_the_same_error_again_and_never_asks_again(face: Face, kind: type[Exception]) -> None:
    error = kind("no")
    model = face.model("a", "b", Event("tool_call_name", "f"), error)
    response = model.prompt("Hi")
    read = []
    with pytest.raises(kind) as first:
        for chunk in face.chunks(response):
            read.append(chunk)
    assert read == ["a", "b"]
    for again in (response.text, response.messages, response.usage, response.tool_calls):
        with pytest.raises(kind) as caught:
            face.do(again())
        assert caught.value is first.value is error
    assert response.partial == [llm.assistant("ab")]
    assert not response.interrupted
    assert len(model.requests) == 1
    assert getattr(error, "response", response) is response


def test_an_error_before_the_first_event_is_an_error_every_time(face: Face) -> None:
    model = face.model(Boom("no"))
    response = model.prompt("Hi")
    for _ in range(2):
        with pytest.raises(Boom):
            face.text(response)
    assert response.partial == []
    assert len(model.requests) == 1


def test_an_interrupt_keeps_the_partial_and_marks_it(face: Face) -> None:
    model = face.model("a", "b", KeyboardInterrupt(), "c")
    response = model.prompt("Hi")
    with pytest.raises(KeyboardInterrupt):
        face.text(response)
    assert response.interrupted
    assert response.partial == [llm.assistant("ab")]
    with pytest.raises(llm.IncompleteResponse, match="interrupted before its end") as caught:
        face.text(response)
    assert caught.value.partial_text == "ab"
    assert caught.value.partial == [llm.assistant("ab")]
    assert len(model.requests) == 1
    assert model.closed == 1


def test_a_cancelled_task_keeps_the_partial_and_marks_it() -> None:
    async def main() -> None:
        arrived = asyncio.Event()

        class Waiting(llm.AsyncModel):
            model_id = "waiting"
            closed = False

            async def execute(self, prompt: Any, stream: bool, response: Any, conversation: Any) -> Any:
                try:
                    yield "a"
                    arrived.set()
                    await asyncio.Event().wait()
                finally:
                    self.closed = True

        model = Waiting()
        response = model.prompt("Hi")
        task = asyncio.ensure_future(response.text())
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert response.interrupted
        assert response.partial == [llm.assistant("a")]
        assert model.closed
        with pytest.raises(llm.IncompleteResponse):
            await response.text()

    asyncio.run(main())


@pytest.mark.parametrize("prepared", [False, True])
def test_closing_keeps_the_partial_and_marks_it(face: Face, prepared: bool) -> None:
    model = face.model("a", "b", "c", supports_tools=True)
    response = model.prompt("Hi", tools=[Files()] if prepared else None)
    chunks = face.chunks(response)
    assert next(chunks) == "a"
    face.do(response.aclose() if face.is_async else response.close())
    assert model.closed == 1
    assert response.interrupted
    assert response.partial == [llm.assistant("a")]
    with pytest.raises(llm.IncompleteResponse):
        face.text(response)
    done = model.prompt("Hi")
    assert face.text(done) == "abc"
    face.do(done.aclose() if face.is_async else done.close())
    assert not done.interrupted
    assert face.text(done) == "abc"


def test_what_arrives_together_is_one_item_each(face: Face) -> None:
    together = ["a", "b", Event("reasoning", "Hm"), "c"]
    apart, batched = face.model(*together).prompt("Hi"), face.model(["a"], together[1:], []).prompt("Hi")
    assert list(face.events(batched)) == list(face.events(apart))
    assert list(face.chunks(batched)) == ["a", "b", "c"]
    assert face.do(batched.messages()) == [llm.assistant("ab", llm.ReasoningPart("Hm"), "c")]


def test_a_model_that_yields_something_else_is_told_and_closed(face: Face) -> None:
    model = face.model("a", 5, "b")
    response = model.prompt("Hi")
    with pytest.raises(TypeError, match=r"A model's execute\(\) yields str or StreamEvent, not int\."):
        face.text(response)
    assert response.partial == [llm.assistant("a")]
    assert model.closed == 1


def test_tool_arguments_that_are_no_json_stay_with_the_call(face: Face) -> None:
    response = face.model("Hm", Event("tool_call_name", "f"), Event("tool_call_args", "{")).prompt("Hi")
    [call] = face.do(response.tool_calls())
    assert call.arguments == {"_raw": "{"}
    [result] = face.do(response.execute_tool_calls(tools=[llm.Tool.function(lambda **kw: "ran", name="f")]))
    assert isinstance(result.exception, llm.ToolArgumentError)
    assert result.exception.raw == "{"


def test_on_done_is_called_once_when_complete(face: Face) -> None:
    response = face.model("a").prompt("Hi")
    seen: list[Any] = []
    face.do(response.on_done(seen.append))
    assert seen == []
    face.text(response)
    face.text(response)
    assert seen == [response]
    face.do(response.on_done(seen.append))
    assert seen == [response, response]


def test_on_done_is_not_called_for_a_failed_response(face: Face) -> None:
    response = face.model("a", Boom()).prompt("Hi")
    seen: list[Any] = []
    face.do(response.on_done(seen.append))
    for _ in range(2):
        with pytest.raises(Boom):
            face.text(response)
    face.do(response.on_done(seen.append))
    assert seen == []


def test_a_callback_may_read_the_response(face: Face) -> None:
    response = face.model("a").prompt("Hi")
    seen: list[str] = []
    if face.is_async:

        async def read(done: Any) -> None:
            seen.append(await done.text())

        face.do(response.on_done(read))
    else:
        response.on_done(lambda done: seen.append(done.text()))
    face.text(response)
    assert seen == ["a"]


def test_a_callback_that_raises_loses_neither_the_response_nor_the_others(face: Face) -> None:
    conversation = face.model("a", "b").conversation()
    response = conversation.prompt("Hi")
    seen: list[Any] = []

    def fail(done: Any) -> None:
        raise Boom("callback")

    face.do(response.on_done(fail))
    face.do(response.on_done(seen.append))
    with pytest.raises(Boom, match="callback"):
        face.text(response)
    assert seen == [response]
    assert face.text(response) == "ab"
    assert conversation.responses == [response]
    with pytest.raises(Boom, match="callback"):
        face.do(response.on_done(fail))
    assert face.text(response) == "ab"


def test_two_threads_read_one_stream() -> None:
    first_chunk, go_on = threading.Event(), threading.Event()
    model = ScriptedModel(("a", lambda _: first_chunk.set(), lambda _: go_on.wait(30), "b", "c"), {})
    response = model.prompt("Hi")
    done: list[Any] = []
    response.on_done(done.append)
    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(response.text), pool.submit(lambda: "".join(response))]
        assert first_chunk.wait(30)
        readers += [pool.submit(response.text), pool.submit(lambda: "".join(response))]
        go_on.set()
        assert [reader.result(30) for reader in readers] == ["abc"] * 4
    assert len(model.requests) == 1
    assert done == [response]


def test_two_tasks_read_one_stream() -> None:
    async def main() -> None:
        model = AsyncScriptedModel(tuple("abcdefgh"), {})
        response = model.prompt("Hi")

        async def joined() -> str:
            return "".join([chunk async for chunk in response])

        assert await asyncio.gather(response.text(), joined(), joined()) == ["abcdefgh"] * 3
        assert len(model.requests) == 1

    asyncio.run(main())


def test_a_reader_that_stops_half_way_leaves_the_rest_to_others(face: Face) -> None:
    response = face.model("a", "b", "c").prompt("Hi")
    for chunk in face.chunks(response):
        if chunk == "b":
            break
    assert not response.interrupted
    assert list(face.chunks(response)) == ["a", "b", "c"]


def test_without_a_key_nothing_is_sent_and_the_ways_out_are_named(face: Face) -> None:
    response = face.get_model().prompt("Hi")
    for _ in range(2):
        with pytest.raises(llm.NeedsKeyException) as caught:
            face.text(response)
        assert str(caught.value) == (
            "gpt-4o-mini needs a key and none was found, so nothing was sent: store one with `%llm keys set openai`, "
            "set OPENAI_API_KEY, or pass key=…; the local model needs none: -m smollm2, once `%llm local install` has fetched it."
        )
        assert caught.value.response is response
    assert caught.value._render_traceback_() == [f"NeedsKeyException: {caught.value}"]


def test_what_a_model_lacks_is_refused_before_anything_is_asked(face: Face) -> None:
    model = face.model("a", supports_conversation=False)
    picture, text = llm.Attachment("image/png", content=b"x"), llm.Attachment("text/plain", content=b"x")
    for arguments, message in [
        ({"schema": {"type": "object"}}, "scripted does not support schemas"),
        ({"tools": [llm.Tool("f")]}, "scripted does not support tools"),
        ({"attachments": [picture]}, "scripted does not read image/png; it takes no attachments"),
        ({"messages": [llm.user(picture)]}, "scripted does not read image/png"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.prompt("Hi", **arguments)
    with pytest.raises(ValueError, match="does not read text/plain; it takes image/png"):
        face.model(attachment_types={"image/png"}).prompt("Hi", attachments=[picture, text])
    with pytest.raises(llm.ConversationNotSupported, match="single prompts only"):
        model.prompt("Hi", messages=[llm.user("a"), llm.assistant("b")])
    assert model.requests == []
    conversation = model.conversation()
    face.text(conversation.prompt("Hi"))
    with pytest.raises(llm.ConversationNotSupported, match="single prompts only"):
        conversation.prompt("And?")
    assert len(model.requests) == 1


class WarmOptions(llm.Options):
    warmth: int | None = None


def test_options_reach_the_model_and_bad_ones_do_not(face: Face) -> None:
    model = face.model("a", Options=WarmOptions)
    face.text(model.prompt("Hi", warmth=3))
    face.text(model.prompt("Hi", options={"warmth": 4}))
    assert [prompt.options.warmth for prompt in model.requests] == [3, 4]
    with pytest.raises(TypeError, match="'warmth' is given both in options= and as a keyword"):
        model.prompt("Hi", warmth=3, options={"warmth": 3})
    for bad in ({"warmth": "very"}, {"colour": 1}):
        with pytest.raises(pydantic.ValidationError):
            model.prompt("Hi", **bad)
    with pytest.raises(pydantic.ValidationError):
        face.model("a").prompt("Hi", warmth=3)
    assert len(model.requests) == 2


def test_usage_model_and_json_are_what_the_model_told(face: Face) -> None:
    def tell(response: Any) -> None:
        response.set_usage(input=3, output=4, details={"cached": 1})
        response.set_resolved_model("scripted-2026")
        response.response_json = {"id": 1}
        response.add_tool_call(llm.ToolCall("g", {"y": 1}, "2"))

    response = face.model("a", tell).prompt("Hi")
    assert response.resolved_model is None
    assert face.do(response.usage()) == llm.Usage(3, 4, {"cached": 1})
    assert face.do(response.json()) == {"id": 1}
    assert response.resolved_model == "scripted-2026"
    assert face.do(response.tool_calls()) == [llm.ToolCall("g", {"y": 1}, "2")]
    untold = face.model("a").prompt("Hi")
    assert face.do(untold.usage()) == llm.Usage(None, None, None)
    assert face.do(untold.json()) is None


def test_when_and_how_long(face: Face) -> None:
    before = datetime.now(UTC)
    response = face.model("a").prompt("Hi")
    started = datetime.fromisoformat(face.do(response.datetime_utc()))
    assert before <= started <= datetime.now(UTC)
    assert started.utcoffset() == timedelta(0)
    slow = face.model("a", lambda _: time.sleep(0.02), "b").prompt("Hi")
    duration = face.do(slow.duration_ms())
    assert isinstance(duration, int)
    assert duration >= 20
    time.sleep(0.005)
    assert face.do(slow.duration_ms()) == duration
    assert face.do(face.response_class.fake(slow.model, "Hi", response="Yo").duration_ms()) == 0


class Files(llm.Toolbox):
    """Knows only after its preparation which tools it has."""

    def prepare(self) -> None:
        def read(path: str) -> str:
            return path

        self.add_tool(read)


class AsyncFiles(Files):
    async def prepare_async(self) -> None:
        Files.prepare(self)


def test_a_toolbox_is_prepared_before_its_tools_are_sent(face: Face) -> None:
    model = face.model("a", supports_tools=True)
    toolbox = AsyncFiles() if face.is_async else Files()
    response = model.prompt("Hi", tools=[toolbox])
    assert toolbox.tools() == []
    assert list(face.chunks(response)) == ["a"]
    assert [tool.name for tool in model.requests[0].tools] == ["read"]
    face.text(model.prompt("Again", tools=[toolbox]))
    assert [tool.name for tool in model.requests[1].tools] == ["read"]


def test_what_an_editor_shows_of_a_method_is_what_it_takes_and_gives(face: Face) -> None:
    reply = inspect.signature(face.response_class.reply)
    assert list(reply.parameters) == ["self", "prompt", "messages", "tool_results", "options", "keywords"]
    results = inspect.signature(face.response_class.execute_tool_calls)
    assert (results.return_annotation, str(results.parameters["tools"].default)) == ("list[ToolResult]", "None")
    assert inspect.signature(face.response_class.text).return_annotation == "str"


def test_streaming_is_asked_for_only_where_the_model_can(face: Face) -> None:
    assert face.model("a").prompt("Hi").stream
    assert not face.model("a").prompt("Hi", stream=False).stream
    assert not face.model("a", can_stream=False).prompt("Hi").stream


def test_over_http_two_chunks_and_then_the_rest_is_one_request(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("a", "b", "c"))
    response = face.openai(openai_server.base_url).prompt("Hi")
    chunks = face.chunks(response)
    assert [next(chunks), next(chunks)] == ["a", "b"]
    assert face.text(response) == "abc"
    assert face.do(response.usage()) == llm.Usage(9, 3)
    assert len(openai_server.requests) == 1


def test_a_model_that_does_not_say_how_it_answers_is_told_apart() -> None:
    class Silent(llm.Model):
        model_id = "silent"

    with pytest.raises(NotImplementedError):
        Silent().prompt("Hi").text()


@pytest.mark.parametrize(
    ("raw", "reason", "said"),
    [
        ({"choices": [{"finish_reason": "length"}]}, "length", "length"),
        ({"content": "x", "finish_reason": "tool_calls"}, "tool_calls", "tool_calls"),
        ({"stop_reason": "max_tokens"}, "length", "max_tokens"),
        ({"candidates": [{"finishReason": "SAFETY"}]}, "content_filter", "SAFETY"),
        ({"done_reason": "stop"}, "stop", "stop"),
        ({"finish_reason": None}, None, None),
        ({"anything": 1}, None, None),
    ],
)
def test_why_a_plugins_model_stopped_is_read_from_its_raw_json(
    face: Face, raw: dict[str, Any], reason: str | None, said: str | None
) -> None:
    response = face.model("ok", lambda response: setattr(response, "response_json", raw)).prompt("Hi")
    face.text(response)
    assert (response.finish_reason, response.provider_finish_reason) == (reason, said)


def test_the_tokens_are_there_one_by_one_and_in_a_line(face: Face) -> None:
    response = face.model("ok", lambda own: own.set_usage(input=1024, output=36, details={"cached": 512})).prompt("Hi")
    assert (response.input_tokens, response.output_tokens, response.token_details) == (None, None, None)
    assert response.token_usage() == ""
    face.text(response)
    assert (response.input_tokens, response.output_tokens, response.token_details) == (1024, 36, {"cached": 512})
    assert response.token_usage() == '1,024 input, 36 output, {"cached": 512}'
    response.output_tokens, response.token_details = None, {}
    assert face.do(response.usage()) == llm.Usage(1024, None, {})
    assert response.token_usage() == "1,024 input"


def test_what_went_with_the_prompt_is_on_the_response_too(face: Face) -> None:
    picture = llm.Attachment("image/png", content=b"\x89PNG\r\n\x1a\n")
    response = face.model("ok", attachment_types={"image/png"}).prompt("Hi", attachments=[picture])
    assert response.attachments == [picture]


def test_a_response_has_a_name_of_its_own(face: Face) -> None:
    model = face.model("ok")
    first, second = model.prompt("Hi"), model.prompt("Hi")
    before = first.id
    face.text(first)
    assert first.id == before != second.id


def test_what_has_been_read_needs_no_await(face: Face) -> None:
    response = face.model(*MIXED, supports_tools=True).prompt("Hi")
    if face.is_async:
        for name in ("text_or_raise", "tool_calls_or_raise", "to_dict"):
            with pytest.raises(ValueError, match=rf"await it before {name}\(\)"):
                getattr(response, name)()
        face.text(response)
    assert response.text_or_raise() == "abcd"
    assert response.tool_calls_or_raise() == [llm.ToolCall("f", {"x": 1}, "1")]
    assert response.to_dict()["messages"] == [message.to_dict() for message in face.do(response.messages())]


@pytest.mark.parametrize("restored", [False, True])
def test_an_async_response_can_be_handed_to_code_that_does_not_await(restored: bool) -> None:
    face = AsyncFace()
    script = [*MIXED, lambda own: own.set_usage(input=3), lambda own: own.set_resolved_model("exact")]
    model = face.model(*script, supports_tools=True)
    conversation = model.conversation()
    response = conversation.prompt("Hi")
    if restored:
        face.text(response)
        response = llm.AsyncResponse.from_dict(response.to_dict(), model=model)
    handed = face.do(response.to_sync_response())
    assert type(handed) is llm.Response
    assert handed.text() == "abcd"
    assert handed.messages() == face.do(response.messages())
    assert handed.tool_calls() == [llm.ToolCall("f", {"x": 1}, "1")]
    assert handed.usage() == llm.Usage(3)
    assert (handed.id, handed.prompt, handed.model) == (response.id, response.prompt, model)
    assert handed.resolved_model == (None if restored else "exact")
    assert (handed.conversation is None) == restored
    if not restored:
        assert (handed.conversation.id, handed.conversation.history()) == (conversation.id, conversation.history())
    assert handed.duration_ms() == face.do(response.duration_ms())
    assert handed.datetime_utc() == face.do(response.datetime_utc())
    assert handed.to_dict() == response.to_dict()
    assert list(handed.stream_events()) == list(face.events(response))
    face.close()
