"""The transport's connections: they are reused, closed when their response is dropped, and never shared across loops or processes."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.providers.http.sockets import connections
from llm_notebook.providers.http.transport import Transport
from tests.fakes.faces import Face
from tests.fakes.openai_server import (
    OpenAIServer,
    Reply,
    UntilClosed,
    UntilMet,
    UntilSet,
    refusal,
    sse,
    text_chunk,
    text_reply,
)

ROOT = Path(llm.__file__).parents[1]
pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")


def test_five_prompts_are_one_connection(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(*[text_reply("ok")] * 3, refusal(400), text_reply("ok"))
    for position in range(5):
        response = face.openai(openai_server.base_url).prompt("Hi")
        if position == 3:
            with pytest.raises(llm.ProviderError):
                face.text(response)
        else:
            assert face.text(response) == "ok"
    assert openai_server.connections == 1
    assert len(openai_server.requests) == 5


@pytest.mark.parametrize(
    "broken",
    [
        Reply([b'{"id": "x", "choi'], content_type="application/json"),
        Reply([b"[1, 2]"], content_type="application/json"),
        Reply([b'{"error": {"message": "overloaded"}}'], content_type="application/json"),
        Reply([]),
    ],
    ids=["cut off", "a list", "an error", "empty"],
)
def test_an_answer_that_is_of_no_use_keeps_its_connection(
    face: Face, openai_server: OpenAIServer, broken: Reply
) -> None:
    openai_server.play(text_reply("ok"), broken, text_reply("ok"))
    model = face.openai(openai_server.base_url)
    assert face.text(model.prompt("Hi")) == "ok"
    with pytest.raises(llm.ModelError):
        face.text(model.prompt("Hi"))
    assert face.text(model.prompt("Hi")) == "ok"
    assert openai_server.connections == 1


@pytest.mark.parametrize("rounds", [1, 3])
def test_prompts_at_once_open_no_connection_while_one_is_idle(
    face: Face, openai_server: OpenAIServer, rounds: int
) -> None:
    at_once = 40
    model = face.openai(openai_server.base_url)
    for _ in range(rounds):
        all_asked = threading.Barrier(at_once)
        openai_server.play(*[Reply([UntilMet(all_asked), sse(text_chunk("ok"))])] * at_once)
        assert face.texts([model.prompt("Hi") for _ in range(at_once)]) == ["ok"] * at_once
    openai_server.play(*[text_reply("ok")] * 5)
    for _ in range(5):
        assert face.text(model.prompt("Hi")) == "ok"
    assert openai_server.connections == at_once


def test_more_prompts_than_connections_wait_for_each_other(
    face: Face, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "most_connections", lambda: 3)
    openai_server.play(*[text_reply("ok")] * 30)
    model = face.openai(openai_server.base_url)
    assert face.texts([model.prompt("Hi") for _ in range(30)]) == ["ok"] * 30
    assert openai_server.connections <= 3


def test_connections_that_have_long_been_idle_are_taken_out_oldest_first() -> None:
    seconds = [0.0]
    idle: connections.IdleConnections[str] = connections.IdleConnections(lambda: seconds[0])
    for client in "abc":
        idle.keep(client)
        seconds[0] += 30
    assert [idle.take_old(), idle.take_old()] == ["a", None]
    assert [idle.take(), idle.take(), idle.take()] == ["c", "b", None]


def test_no_cookie_is_kept(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply(text_reply("ok").pieces, headers={"set-cookie": "who=you; Path=/"}), text_reply("ok"))
    for _ in range(2):
        assert face.text(face.openai(openai_server.base_url).prompt("Hi")) == "ok"
    assert [request.headers.get("cookie") for request in openai_server.requests] == [None, None]


def test_a_connection_that_the_server_closed_meanwhile_does_no_harm(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply(text_reply("ok").pieces, headers={"connection": "close"}), text_reply("ok"))
    for _ in range(2):
        assert face.text(face.openai(openai_server.base_url).prompt("Hi")) == "ok"
    assert len(openai_server.requests) == 2


class Prepared(llm.Toolbox):
    """A Toolbox with something to prepare before the first request."""

    def prepare(self) -> None:
        """Do nothing; that it is called is enough."""


@pytest.mark.parametrize("tools", [[], [Prepared()]], ids=["plain", "prepared"])
def test_an_abandoned_stream_closes_its_socket(
    face: Face, openai_server: OpenAIServer, tools: list[llm.Toolbox]
) -> None:
    gone = threading.Event()
    openai_server.play(Reply([sse(text_chunk("a"), done=False), UntilClosed(gone)]))
    response = face.openai(openai_server.base_url, supports_tools=True).prompt("Hi", tools=tools)
    chunks = face.chunks(response)
    assert next(chunks) == "a"
    del response, chunks
    assert face.do(asyncio.to_thread(gone.wait, 30)) if face.is_async else gone.wait(30)


def test_a_cancelled_read_closes_its_socket(openai_server: OpenAIServer) -> None:
    gone = threading.Event()
    openai_server.play(Reply([sse(text_chunk("a"), done=False), UntilClosed(gone)]))

    async def main() -> None:
        response = llm.AsyncOpenAIChat("m", base_url=openai_server.base_url).prompt("Hi")
        chunks = aiter(response)
        assert await anext(chunks) == "a"
        task = asyncio.ensure_future(response.text())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert response.interrupted
        assert response.partial == [llm.assistant("a")]
        assert await asyncio.to_thread(gone.wait, 30)

    asyncio.run(main())


def interrupt_when_reading() -> None:
    """Interrupt the main thread as Ctrl-C does, once it waits for bytes."""
    main_thread = threading.main_thread().ident
    while "httpcore" not in sys._current_frames()[main_thread or 0].f_code.co_filename:
        time.sleep(0.005)
    os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to itself")
def test_an_interrupt_closes_the_socket_and_keeps_the_partial(openai_server: OpenAIServer) -> None:
    gone = threading.Event()
    openai_server.play(Reply([sse(text_chunk("a"), done=False), UntilClosed(gone)]), text_reply("ok"))
    model = llm.OpenAIChat("m", base_url=openai_server.base_url)
    response = model.prompt("Hi")
    chunks = iter(response)
    assert next(chunks) == "a"
    interrupter = threading.Thread(target=interrupt_when_reading)
    with pytest.raises(KeyboardInterrupt):
        interrupter.start()
        next(chunks)
    interrupter.join(30)
    assert gone.wait(30)
    assert response.interrupted
    assert response.partial == [llm.assistant("a")]
    assert model.prompt("Hi").text() == "ok"


def test_text_is_handed_on_as_it_comes(face: Face, openai_server: OpenAIServer) -> None:
    go_on = threading.Event()
    first, rest = sse(text_chunk("a"), done=False), sse(text_chunk("b"))
    openai_server.play(Reply([first, UntilSet(go_on), rest]))
    chunks = face.chunks(face.openai(openai_server.base_url).prompt("Hi"))
    assert next(chunks) == "a"
    go_on.set()
    assert list(chunks) == ["b"]


def test_async_prompts_run_beside_each_other(openai_server: OpenAIServer) -> None:
    go_on = threading.Event()
    openai_server.play(*[Reply([UntilSet(go_on), sse(text_chunk("ok"))])] * 8)

    async def main() -> list[str]:
        model = llm.AsyncOpenAIChat("m", base_url=openai_server.base_url)
        tasks = [asyncio.ensure_future(model.prompt("Hi").text()) for _ in range(8)]
        while len(openai_server.requests) < 8:
            await asyncio.sleep(0.01)
        go_on.set()
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["ok"] * 8


def test_the_end_of_a_loop_closes_its_connections(openai_server: OpenAIServer) -> None:
    gone = threading.Event()
    openai_server.play(text_reply("ok"), Reply([sse(text_chunk("a"), done=False), UntilClosed(gone)]))

    async def main() -> None:
        model = llm.AsyncOpenAIChat("m", base_url=openai_server.base_url)
        assert await model.prompt("Hi").text() == "ok"
        async for chunk in model.prompt("Hi"):
            assert chunk == "a"
            break

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(main())
        gc.collect()
    assert gone.wait(30)
    assert len(process.of(Transport)._connections._by_loop) == 0


def test_a_script_ends_without_a_warning(openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("ok"), text_reply("ok"))
    script = f"""
import asyncio
import llm_notebook as llm
print(llm.OpenAIChat("m", base_url={openai_server.base_url!r}).prompt("Hi"))
async def main():
    asyncio.get_running_loop().slow_callback_duration = 60  # a busy machine is no fault
    print(await llm.AsyncOpenAIChat("m", base_url={openai_server.base_url!r}).prompt("Hi").text())
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", script], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert done.stdout == "ok\nok\n"
    assert done.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_forked_child_has_connections_of_its_own(openai_server: OpenAIServer) -> None:
    openai_server.play(*[text_reply("ok")] * 3)
    model = llm.OpenAIChat("m", base_url=openai_server.base_url)
    assert model.prompt("Hi").text() == "ok"
    child = os.fork()
    if child == 0:
        os._exit(0 if model.prompt("Hi").text() == "ok" else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert model.prompt("Hi").text() == "ok"
    assert openai_server.connections == 2


def test_a_prompt_that_waits_leaves_little_for_the_garbage_collector_to_look_through(
    openai_server: OpenAIServer,
) -> None:
    at_once = 40
    model = llm.AsyncOpenAIChat("m", base_url=openai_server.base_url)

    async def tracked_while_they_wait() -> int:
        all_asked, answered = threading.Barrier(at_once + 1), threading.Event()
        openai_server.play(*[Reply([UntilMet(all_asked), UntilSet(answered), sse(text_chunk("ok"))])] * at_once)
        asked = [asyncio.ensure_future(model.prompt("Hi").text()) for _ in range(at_once)]
        await asyncio.to_thread(all_asked.wait, 60)
        gc.collect()
        tracked = len(gc.get_objects())
        answered.set()
        assert await asyncio.gather(*asked) == ["ok"] * at_once
        return tracked

    async def main() -> float:
        # The first round opens the connections, and imports what is imported late.
        await tracked_while_they_wait()
        gc.collect()
        before = len(gc.get_objects())
        return (await tracked_while_they_wait() - before) / at_once

    # What is the collector's is also the server's in this process, which is some fifteen.
    assert asyncio.run(main()) < 90
