"""■ ends what the main thread waits for, even where another library has changed how this process hears of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face, asks
from tests.fakes.openai_server import OpenAIServer, Reply, Request, refusal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends a signal to itself")

Stop = Callable[[], None]


@pytest.fixture
def press_stop() -> Iterator[Stop]:
    """Press ■ until it is heard, in a process where a signal does not end a wait of the system, as in one that has imported polars.

    It is pressed more than once because Python does not notice a signal that arrives just before a wait begins.
    """
    over, heard = threading.Event(), threading.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        if not heard.is_set():
            heard.set()
            raise KeyboardInterrupt

    def press() -> None:
        while not (heard.wait(0.02) or over.is_set()):
            os.kill(os.getpid(), signal.SIGINT)

    threads: list[threading.Thread] = []

    def start() -> None:
        if not threads:
            threads.append(threading.Thread(target=press))
            threads[0].start()

    before = signal.signal(signal.SIGINT, hear)
    signal.siginterrupt(signal.SIGINT, False)
    try:
        yield start
    finally:
        over.set()
        for thread in threads:
            thread.join()
        signal.signal(signal.SIGINT, before)


def test_tools_in_threads(press_stop: Stop) -> None:
    go_on = threading.Event()

    def wait(number: int) -> str:
        press_stop()
        go_on.wait(60)
        return str(number)

    model = Face().rounds(asks(llm.ToolCall("wait", {"number": 1}, "1"), llm.ToolCall("wait", {"number": 2}, "2")))
    chain = model.chain("Hi", tools=[wait], parallel_tools=2)
    with pytest.raises(KeyboardInterrupt):
        chain.text()
    assert not go_on.is_set()
    go_on.set()


def test_a_tool_on_an_event_loop(press_stop: Stop) -> None:
    ended = threading.Event()

    async def wait() -> str:
        press_stop()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return "waited"

    chain = Face().rounds(asks(llm.ToolCall("wait", {}, "1"))).chain("Hi", tools=[wait])
    with pytest.raises(KeyboardInterrupt):
        chain.text()
    assert ended.wait(30)


def test_a_wait_before_a_request_is_repeated(openai_server: OpenAIServer, press_stop: Stop) -> None:
    openai_server.play(refusal(429, retry_after="110"))
    response = llm.OpenAIChat("m", base_url=openai_server.base_url).prompt("Hi")
    response._turn.on_retry = lambda _retry: press_stop()
    with pytest.raises(KeyboardInterrupt):
        response.text()
    assert response.interrupted
    assert len(openai_server.requests) == 1


def test_rows(openai_server: OpenAIServer, press_stop: Stop) -> None:
    def answer(_request: Request) -> Reply:
        press_stop()
        return refusal(429, retry_after="110")

    openai_server.answer = answer
    model = llm.OpenAIChat("m", base_url=openai_server.base_url)
    with pytest.raises(KeyboardInterrupt):
        llm.map_rows(["a", "b"], "Say {{ text }}", model=model, progress=False)
    assert len(openai_server.requests) <= 2
