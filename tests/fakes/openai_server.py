"""A stand-in for the OpenAI API, which costs money: a real HTTP server on loopback that plays scripted replies.

It does not read prompts. Each request is answered with the next scripted `Reply`, which is sent in exactly the pieces that the
script has. Every request and TCP connection is recorded.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

__all__ = [
    "Cut",
    "OpenAIServer",
    "Reply",
    "Request",
    "Reset",
    "UntilClosed",
    "UntilMet",
    "UntilSet",
    "sse",
    "text_chunk",
]

_PATIENCE = 30


@dataclass(slots=True)
class UntilSet:
    """A step of a reply that waits until the event is set."""

    event: threading.Event


@dataclass(slots=True)
class UntilMet:
    """A step of a reply that waits until as many replies as the barrier demands have come to it."""

    barrier: threading.Barrier


@dataclass(slots=True)
class UntilClosed:
    """A step of a reply that waits until the client has closed its end, and then sets the event."""

    event: threading.Event


class Cut:
    """A step of a reply that closes the connection before the body has ended."""


class Reset:
    """A step of a reply that breaks the connection so that the client's system reports a reset."""


Step = bytes | UntilSet | UntilMet | UntilClosed | Cut | Reset


@dataclass(slots=True)
class Reply:
    """One scripted answer.

    Attributes:
        pieces: the body, each piece sent as one HTTP chunk and one write, with other steps between them.
        status: the HTTP status.
        headers: further headers; a content-length makes the body unchunked.
        content_type: the content type that is sent.
    """

    pieces: Sequence[Step] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "text/event-stream"

    @staticmethod
    def of_json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """Return a reply with one JSON text."""
        return Reply([json.dumps(body).encode()], status, headers or {}, "application/json")


@dataclass(slots=True)
class Request:
    """A request that a client sent."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


class OpenAIServer:
    """A server that plays replies in the order in which they were scripted.

    Attributes:
        requests: the requests that came in, oldest first.
        connections: the number of TCP connections that were made.
        answer: makes the reply to a request for which none is scripted; for tests in which many requests come in any order.
    """

    def __init__(self) -> None:
        self.answer: Callable[[Request], Reply] | None = None
        self.requests: list[Request] = []
        self.connections = 0
        self._replies: list[Reply] = []
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def base_url(self) -> str:
        """The base URL for clients."""
        scheme = "http" if self._http.tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._http.server_address[1]}/v1"

    @contextmanager
    def behind(self, context: ssl.SSLContext) -> Iterator[None]:
        """Speak TLS with this context during the `with` block."""
        self._http.tls = context
        yield
        self._http.tls = None

    def play(self, *replies: Reply) -> None:
        """Script the replies to the next requests, after those that are scripted already."""
        with self._lock:
            self._replies += replies

    def stop(self) -> None:
        """Break open connections, and stop."""
        self._http.shutdown()
        self._http.server_close()
        with self._lock:
            for connection in self._open:
                connection.close()
        self._thread.join(_PATIENCE)

    def next_reply(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            if self._replies:
                return self._replies.pop(0)
        if self.answer is not None:
            return self.answer(request)
        return Reply.of_json({"error": {"message": "The test scripted no reply to this request."}}, status=418)

    def connected(self, connection: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            self._open.add(connection)

    def disconnected(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)


class _HTTPServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    owner: OpenAIServer
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Answer one connection in its own thread, where the TLS handshake is made too."""
        if self.tls is not None:
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors, as the clients of these tests disconnect at any time."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _HTTPServer

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(_PATIENCE)
        self.server.owner.connected(self.connection)

    def finish(self) -> None:
        self.server.owner.disconnected(self.connection)
        super().finish()

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        reply = self.server.owner.next_reply(request)
        try:
            self._answer(reply)
        except ConnectionError:
            # The client was gone before the reply came to the step that waits for its end.
            for step in reply.pieces:
                if isinstance(step, UntilClosed):
                    step.event.set()
            raise

    def _answer(self, reply: Reply) -> None:
        chunked = not any(name.lower() == "content-length" for name in reply.headers)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        for step in reply.pieces:
            if isinstance(step, bytes):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(step), step) if chunked else step)
            elif not self._perform(step):
                return
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _perform(self, step: UntilSet | UntilMet | UntilClosed | Cut | Reset) -> bool:
        """Perform a step of a reply. Return False to end the connection."""
        if isinstance(step, UntilSet):
            return step.event.wait(_PATIENCE)
        if isinstance(step, UntilMet):
            step.barrier.wait(_PATIENCE)
            return True
        self.close_connection = True
        if isinstance(step, UntilClosed):
            try:
                while self.connection.recv(4096):
                    pass
            except ConnectionError:
                pass
            step.event.set()
        elif isinstance(step, Reset):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        return False

    def log_message(self, *args: Any) -> None:
        """Print nothing."""


def text_chunk(text: str) -> dict[str, Any]:
    """Return one chunk of a streamed answer, as OpenAI sends it."""
    return delta_chunk({"content": text})


def delta_chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    """Return one chunk of a streamed answer with this delta."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-Az1",
        "object": "chat.completion.chunk",
        "created": 1739291215,
        "model": "gpt-4o-mini-2024-07-18",
        "service_tier": "default",
        "system_fingerprint": "fp_1",
        "choices": [choice],
        "usage": None,
    }


def usage_chunk(prompt_tokens: int, completion_tokens: int, **details: Any) -> dict[str, Any]:
    """Return the chunk with the usage, which OpenAI sends last."""
    counts = {"prompt_tokens": prompt_tokens, "completion_tokens": completion_tokens, **details}
    return delta_chunk({}) | {"choices": [], "usage": counts}


def sse(*chunks: Any, done: bool = True) -> bytes:
    """Return chunks as server-sent events, with the terminal event unless told otherwise."""
    events = [f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n" for chunk in chunks]
    return "".join([*events, "data: [DONE]\n\n" if done else ""]).encode()


def text_reply(*texts: str) -> Reply:
    """Return a whole streamed answer, with one HTTP chunk for each text."""
    first = sse(delta_chunk({"role": "assistant", "content": "", "refusal": None}), done=False)
    middle = [sse(text_chunk(text), done=False) for text in texts]
    return Reply([first, *middle, sse(delta_chunk({}, "stop"), usage_chunk(9, len(texts)))])


def refusal(status: int, message: str = "Try later", **headers: str) -> Reply:
    """Return an error reply. An underscore in a header's name means a hyphen."""
    return Reply.of_json(
        {"error": {"message": message, "type": "some_error"}},
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
    )


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    """Return a stand-in for the OpenAI API, whose replies are scripted with `play()`."""
    server = OpenAIServer()
    yield server
    server.stop()


def call_reply(name: str, arguments: str, call_id: str = "call_1", *, text: str = "") -> Reply:
    """Return a whole streamed answer with one tool call, after `text` if there is any."""
    return calls_reply([(name, arguments, call_id)], text=text)


def calls_reply(calls: Sequence[tuple[str, str, str]], *, text: str = "") -> Reply:
    """Return a whole streamed answer with several tool calls: (name, JSON text of the arguments, id)."""
    said = [text_chunk(text)] if text else []
    asked = [
        delta_chunk(
            {
                "tool_calls": [
                    {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
                ]
            }
        )
        for index, (name, _, call_id) in enumerate(calls)
    ]
    filled = [
        delta_chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})
        for index, (_, arguments, _) in enumerate(calls)
    ]
    pieces = [sse(*said, *asked, *filled, done=False), sse(delta_chunk({}, "tool_calls"), usage_chunk(9, 7))]
    return Reply(pieces)
