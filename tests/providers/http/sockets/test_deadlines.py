"""The end of the time for a whole answer: no wait goes on after it, whatever a server sends in between."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpcore
import pytest

import llm_notebook as llm
from llm_notebook.providers.http.sockets.deadlines import TimeLeft
from llm_notebook.providers.http.sockets.socket_streams import SocketBackend
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, sse, text_chunk, text_reply

NEVER = threading.Event()
# Whether a reply has begun by then is up to the machine.
LATE = r"within 0\.3 s, which is all that total_timeout allows"
pytestmark = pytest.mark.usefixtures("own_transport")


def test_no_wait_is_longer_than_what_is_left() -> None:
    time_left, seconds = TimeLeft(), [9.0]
    assert [time_left.bound(600.0), time_left.bound(None)] == [600.0, None]
    time_left.of_whole = lambda: seconds[0]
    assert [time_left.bound(600.0), time_left.bound(5.0), time_left.bound(None)] == [9.0, 5.0, 9.0]
    seconds[0] = 2.0
    assert [time_left.bound(600.0), time_left.bound(5.0), time_left.bound(None)] == [2.0, 2.0, 2.0]


def silent(pieces: list[bytes], **headers: str) -> Reply:
    return Reply([*pieces, UntilSet(NEVER)], headers={name.replace("_", "-"): text for name, text in headers.items()})


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
    with pytest.raises(llm.ModelError, match=LATE):
        face.text(model.prompt("Hi", stream=stream))
    assert len(openai_server.requests) == 1


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
_WHOLE = sse(text_chunk("ok"))


@contextmanager
def trickling(begun: bytes, drop: bytes) -> Iterator[str]:
    """Yield the address of a server that answers its first request well, and then trickles one reply on the same connection for ever.

    Args:
        begun: what the second reply begins with.
        drop: what is sent over and over after that.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        taken, _ = listening.accept()
        with taken:
            taken.recv(2**16)
            taken.sendall(_HEAD + f"Content-Length: {len(_WHOLE)}\r\n\r\n".encode() + _WHOLE)
            taken.recv(2**16)
            taken.sendall(begun)
            while not is_over.wait(0.001):
                try:
                    taken.sendall(drop)
                except OSError:
                    break

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with listening:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
    finally:
        is_over.set()
        thread.join()


@pytest.mark.parametrize(
    ("begun", "drop"),
    [
        (_HEAD + b"X-Slow: ", b"a"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
        (_HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;a=", b"a"),
        (_HEAD + b"Content-Length: 99999999\r\n\r\n", b": keep-alive\n\n"),
    ],
    ids=["a header", "interim replies", "the size of a chunk", "comments"],
)
def test_what_trickles_on_a_kept_connection_is_given_up(face: Face, begun: bytes, drop: bytes) -> None:
    with trickling(begun, drop) as base_url:
        assert face.text(face.openai(base_url).prompt("Hi")) == "ok"
        model = face.openai(base_url, total_timeout=0.3, max_retries=0)
        with pytest.raises(llm.ModelError, match=LATE):
            face.text(model.prompt("Hi"))


def test_what_trickles_through_a_proxy_is_given_up_too(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    with trickling(_HEAD + b"X-Slow: ", b"a") as address:
        monkeypatch.setenv("http_proxy", address.removesuffix("/v1"))
        assert face.text(face.openai("http://model.example/v1").prompt("Hi")) == "ok"
        model = face.openai("http://model.example/v1", total_timeout=0.3, max_retries=0)
        with pytest.raises(llm.ModelError, match=LATE):
            face.text(model.prompt("Hi"))


def test_a_name_that_is_looked_up_for_long_is_given_up(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found.wait(60) and [])
    model = face.openai("http://slow.example/v1", total_timeout=0.3)
    try:
        with pytest.raises(llm.ModelError, match=LATE):
            face.text(model.prompt("Hi"))
    finally:
        found.set()


def test_the_addresses_of_a_name_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    left = iter([9.0, 5.0, 3.0, 1.0])

    def connect(address: tuple[str, int], timeout: float, **_named: object) -> socket.socket:
        given.append(timeout)
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", connect)
    nowhere = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{number}", 9)) for number in (1, 2, 3)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: nowhere)
    time_left = TimeLeft()
    time_left.of_whole = lambda: next(left)
    with pytest.raises(httpcore.ConnectTimeout):
        SocketBackend(time_left).connect_tcp("some.example", 9, timeout=10)
    assert given == [5.0, 3.0, 1.0]


def test_an_answer_in_time_leaves_no_limit_behind(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("a"), text_reply("b"))
    assert face.text(face.openai(openai_server.base_url, total_timeout=60).prompt("Hi")) == "a"
    assert face.text(face.openai(openai_server.base_url).prompt("Hi")) == "b"
    assert openai_server.connections == 1
