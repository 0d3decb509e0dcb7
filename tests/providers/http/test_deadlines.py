"""The end of the time for a whole answer: what each step is given, and that no wait goes on after it."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

import llm_notebook as llm
from llm_notebook.providers.http.deadlines import CutOff, EnteredInTime, PiecesInTime, StepTimes
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, sse, text_chunk

SOON = 0.05
NEVER = threading.Event()


class Stream:
    """What httpcore calls a network stream, as far as the socket is asked of it."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def get_extra_info(self, info: str) -> socket.socket:
        assert info == "socket"
        return self.connection


def test_a_step_is_given_no_more_than_is_left() -> None:
    left = [9.0]
    times = StepTimes({"connect": 10.0, "read": 600.0, "write": 5.0, "pool": None}, lambda: left[0])
    assert [times.get(step) for step in ("connect", "read", "write", "pool")] == [9.0, 9.0, 5.0, 9.0]
    left[0] = 2.0
    assert [times.get(step) for step in ("connect", "read", "write", "pool")] == [2.0] * 4


@pytest.mark.parametrize("noted_by", ["trace", "watch"])
def test_a_thread_that_waits_is_woken(noted_by: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, CutOff(SOON) as cut_off:
        if noted_by == "trace":
            cut_off.trace("connection.connect_tcp.complete", {"return_value": Stream(ours)})
        else:
            cut_off.watch(Stream(ours))
        assert ours.recv(1) == b""


def test_a_connection_that_is_noted_too_late_is_cut_off_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, CutOff(0.0) as cut_off:
        cut_off._timer.join()
        cut_off.watch(Stream(ours))
        assert ours.recv(1) == b""


def test_a_connection_that_has_answered_in_time_is_left_alone() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with CutOff(0.0) as cut_off:
            cut_off._timer.join()
        with CutOff(600) as cut_off:
            cut_off.watch(Stream(ours))
        cut_off._end()
        theirs.send(b"x")
        assert ours.recv(1) == b"x"


def test_async_steps_end_with_the_time() -> None:
    @asynccontextmanager
    async def never() -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    async def pieces() -> AsyncIterator[bytes]:
        yield b"first"
        await asyncio.Event().wait()

    async def both() -> bytes:
        with pytest.raises(TimeoutError):
            async with EnteredInTime(never(), lambda: SOON):
                raise AssertionError("this is never entered")
        limited = PiecesInTime(pieces(), lambda: SOON)
        first = await anext(limited)
        with pytest.raises(TimeoutError):
            await anext(limited)
        return first

    assert asyncio.run(both()) == b"first"


def silent(pieces: list[bytes], **headers: str) -> Reply:
    return Reply([*pieces, UntilSet(NEVER)], headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.usefixtures("own_transport")
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "reply",
    [
        lambda: silent([sse(text_chunk("first"), done=False)]),
        # Without a length, the end of the connection would pass for the end of the body.
        lambda: silent([sse(text_chunk("first"), done=False)], content_length="4096"),
        lambda: silent([]),
    ],
    ids=["near the end", "in a body of some length", "before the body"],
)
def test_silence_is_not_waited_for_longer(
    face: Face, openai_server: OpenAIServer, reply: Callable[[], Reply], stream: bool
) -> None:
    openai_server.play(reply())
    model = face.openai(openai_server.base_url, total_timeout=0.3)
    with pytest.raises(llm.IncompleteResponse, match=r"not complete within 0\.3 s, which is all"):
        face.text(model.prompt("Hi", stream=stream))
    assert len(openai_server.requests) == 1
