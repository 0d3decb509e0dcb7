"""Servers and networks that break, over every wire format: one clear error, no answer silently partial, and no second request."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes import anthropic_answers, gemini_answers
from tests.fakes.faces import Face
from tests.fakes.openai_server import (
    Cut,
    OpenAIServer,
    Reply,
    Reset,
    UntilClosed,
    delta_chunk,
    refusal,
    sse,
    text_chunk,
)
from tests.fakes.responses import finished, message_item, started, stream_of, text_events

pytestmark = pytest.mark.usefixtures("short_waits", "own_transport")
CLASSES = {
    "chat": "OpenAIChat",
    "responses": "OpenAIResponses",
    "messages": "AnthropicMessages",
    "gemini": "GeminiModel",
    "ollama": "Ollama",
}


def _ollama(*texts: str, end: bool) -> bytes:
    lines = [{"model": "m", "message": {"role": "assistant", "content": text}, "done": False} for text in texts]
    last = [{"model": "m", "message": {"role": "assistant", "content": ""}, "done": True}] if end else []
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in [*lines, *last]).encode()


def _responses(*texts: str, end: bool) -> bytes:
    last = [finished(message_item("".join(texts)))] if end else []
    return stream_of(started(), *text_events(0, *texts, end=end), *last)


def _chat(*texts: str, end: bool) -> bytes:
    last = [delta_chunk({}, "stop")] if end else []
    return sse(*map(text_chunk, texts), *last, done=end)


def _messages(*texts: str, end: bool) -> bytes:
    begun = anthropic_answers.text_block(0, *texts)
    return anthropic_answers.events(
        anthropic_answers.start(), *(begun if end else begun[:-1]), *(anthropic_answers.end() if end else [])
    )


def _gemini(*texts: str, end: bool) -> bytes:
    last = [gemini_answers.chunk(reason="STOP")] if end else []
    return gemini_answers.sse(*(gemini_answers.chunk({"text": text}) for text in texts), *last)


BODIES: dict[str, Callable[..., bytes]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "gemini": _gemini,
    "ollama": _ollama,
}
TYPES = dict.fromkeys(CLASSES, "text/event-stream") | {"ollama": "application/x-ndjson"}


@pytest.fixture(params=list(CLASSES))
def wire(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def body(wire: str, *texts: str, end: bool = True) -> bytes:
    """Return the stream of an answer with these texts. Without its `end` the answer is incomplete."""
    return BODIES[wire](*texts, end=end)


def reply(wire: str, *pieces: Any) -> Reply:
    return Reply(pieces, content_type=TYPES[wire])


def model_at(face: Face, wire: str, base_url: str, **arguments: Any) -> Any:
    return face.of(CLASSES[wire], base_url, "m", **arguments)


def failure(face: Face, response: Any) -> tuple[llm.ModelError, str]:
    """Return the error that reading ends in, which must be one line, and the text before it."""
    arrived: list[str] = []
    with pytest.raises(llm.ModelError) as caught:
        for chunk in face.chunks(response):
            arrived.append(chunk)
    assert "\n" not in str(caught.value)
    return caught.value, "".join(arrived)


@pytest.mark.parametrize("end", [Cut(), Reset()], ids=["cut", "reset"])
def test_a_connection_that_breaks_mid_answer(face: Face, wire: str, openai_server: OpenAIServer, end: Any) -> None:
    openai_server.play(reply(wire, body(wire, "Hel", end=False), end))
    error, arrived = failure(face, model_at(face, wire, openai_server.base_url).prompt("Hi"))
    assert isinstance(error, llm.IncompleteResponse)
    assert "Hel".startswith(arrived)
    assert len(openai_server.requests) == 1


def test_a_server_that_stalls_mid_answer(face: Face, wire: str, openai_server: OpenAIServer) -> None:
    gone = threading.Event()
    openai_server.play(reply(wire, body(wire, "Hel", end=False), UntilClosed(gone)))
    # Long enough for the beginning to arrive on a busy machine.
    error, arrived = failure(face, model_at(face, wire, openai_server.base_url).prompt("Hi", timeout=1))
    assert isinstance(error, llm.IncompleteResponse)
    assert "nothing came for 1 s" in str(error)
    assert arrived == "Hel"
    assert gone.wait(30)


@contextmanager
def speaking(*pieces: bytes) -> Iterator[str]:
    """Run a server that sends these bytes on every connection, whatever the request, and then keeps the connection open."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        held: list[socket.socket] = []

        def speak() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                held.append(connection)
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)

        thread = threading.Thread(target=speak, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        listener.shutdown(socket.SHUT_RDWR)
        for connection in held:
            connection.close()


@pytest.mark.parametrize(
    "pieces", [(), (b"HTTP/1.1 200 OK\r\ncontent-ty",), (b"HTTP/1.1 200 OK\r\n", b"x-slow: 1\r\n")], ids=str
)
def test_headers_that_never_end(face: Face, wire: str, pieces: tuple[bytes, ...]) -> None:
    with speaking(*pieces) as base_url:
        error, _ = failure(face, model_at(face, wire, base_url, max_retries=0).prompt("Hi", timeout=0.2))
    assert isinstance(error, llm.TransportError)
    assert "did not answer within 0.2 s" in str(error)


@pytest.mark.parametrize(
    "greeting", [b"SSH-2.0-OpenSSH_9.7\r\n", b"\x16\x03\x01\x02\x00\x01", b"HTTP/1.1 2x0 OK\r\n\r\n"]
)
def test_a_server_that_speaks_something_else(face: Face, wire: str, greeting: bytes) -> None:
    with speaking(greeting * 3) as base_url:
        error, _ = failure(face, model_at(face, wire, base_url, max_retries=0).prompt("Hi", timeout=1))
    assert isinstance(error, llm.TransportError)


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", ""])
def test_an_answer_of_the_wrong_content_type_is_still_one(
    face: Face, wire: str, openai_server: OpenAIServer, content_type: str
) -> None:
    openai_server.play(Reply([body(wire, "Hel", "lo")], content_type=content_type))
    assert face.text(model_at(face, wire, openai_server.base_url).prompt("Hi")) == "Hello"


@pytest.mark.parametrize("content_type", ["text/event-stream", "text/plain", "application/json"])
def test_one_body_where_a_stream_was_asked_for(
    face: Face, wire: str, openai_server: OpenAIServer, content_type: str
) -> None:
    message = {"role": "assistant", "content": "Hello"}
    whole: dict[str, Any] = {
        "chat": {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]},
        "responses": finished(message_item("Hello"))["response"],
        "messages": {"type": "message", "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"},
        "gemini": gemini_answers.chunk({"text": "Hello"}, reason="STOP"),
        "ollama": {"model": "m", "message": message, "done": True},
    }[wire]
    openai_server.play(Reply([json.dumps(whole).encode()], content_type=content_type))
    assert face.text(model_at(face, wire, openai_server.base_url).prompt("Hi")) == "Hello"


PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"


@pytest.mark.parametrize("content_type", ["text/html", "text/html; charset=utf-8", "text/event-stream", "text/plain"])
@pytest.mark.parametrize("status", [200, 403, 502])
def test_a_proxys_web_page_is_never_printed(
    face: Face, wire: str, openai_server: OpenAIServer, content_type: str, status: int
) -> None:
    openai_server.play(Reply([PAGE], status, content_type=content_type))
    error, _ = failure(face, model_at(face, wire, openai_server.base_url, max_retries=0).prompt("Hi"))
    assert "<" not in str(error)
    assert "web page" in str(error) if status == 200 else f"HTTP {status}" in str(error)


def test_a_storm_of_refusals_ends_with_the_last(face: Face, wire: str, openai_server: OpenAIServer) -> None:
    openai_server.play(*[refusal(429, "Slow down", retry_after="0")] * 9)
    told: list[Any] = []
    response = model_at(face, wire, openai_server.base_url).prompt("Hi", max_retries=4)
    response._turn.on_retry = told.append
    error, _ = failure(face, response)
    assert isinstance(error, llm.ProviderError)
    assert error.status == 429
    assert len(openai_server.requests) == 5
    assert [retry.attempt for retry in told] == [2, 3, 4, 5]


def test_bytes_that_are_no_utf8_cost_a_character(face: Face, wire: str, openai_server: OpenAIServer) -> None:
    broken = body(wire, "Hel", "lo").replace(b"lo", b"l\xff", 1)
    openai_server.play(reply(wire, broken))
    text = face.text(model_at(face, wire, openai_server.base_url).prompt("Hi"))
    assert text.startswith("Hell")
    text.encode()


def test_a_line_of_a_hundred_megabytes_is_given_up(face: Face, wire: str, openai_server: OpenAIServer) -> None:
    gone = threading.Event()
    start = body(wire, "Hel", end=False) + (b'{"message": {"content": "' if wire == "ollama" else b'data: {"type": "')
    openai_server.play(reply(wire, start, *[b"x" * 2**20] * 100, UntilClosed(gone)))
    error, arrived = failure(face, model_at(face, wire, openai_server.base_url).prompt("Hi"))
    assert "it sent more than 64 MB in one piece" in str(error)
    assert arrived == "Hel"


def test_one_body_of_a_hundred_megabytes_is_given_up(face: Face, wire: str, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply([b'{"x": "', *[b"x" * 2**20] * 100], content_type="application/json"))
    error, _ = failure(face, model_at(face, wire, openai_server.base_url).prompt("Hi", stream=False))
    assert "it sent more than 64 MB in one piece" in str(error)


def test_text_of_many_megabytes_is_an_answer(face: Face, wire: str, openai_server: OpenAIServer) -> None:
    text = "word " * 400_000
    openai_server.play(reply(wire, body(wire, text)))
    assert face.text(model_at(face, wire, openai_server.base_url).prompt("Hi")) == text
