"""Fixtures that the tests of providers share."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from llm_notebook.configuration.process import process
from llm_notebook.providers.http import retries
from llm_notebook.providers.http.rate_limits import limits
from llm_notebook.providers.http.transport import Transport


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as little as possible before a request is sent again."""
    monkeypatch.setattr(retries, "_FIRST_DELAY", 0.001)
    monkeypatch.setattr(limits, "_FIRST_PAUSE", 0.001)


@pytest.fixture
def own_transport() -> Iterator[None]:
    """Give the test a transport of its own, without connections."""
    process.made.pop(Transport, None)
    yield
    transport = process.made.pop(Transport, None)
    if transport is not None:
        transport.close()


def _read_request(connection: socket.socket) -> bool:
    """Read all of a request, and return whether there was one. The system resets a connection that is closed with something unread."""
    with connection.makefile("rb") as file:
        length, begun = 0, False
        while (line := file.readline()).strip():
            begun = True
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        file.read(length)
    return begun


@pytest.fixture
def raw_server() -> Iterator[Callable[..., int]]:
    """Return a function that starts a server on loopback and returns its port.

    The server answers each connection with the bytes that it is given first. If it is given more, it keeps its connections open, and answers
    one request after the other, on whatever connection it comes.
    """
    listening: list[socket.socket] = []

    def start(sent: bytes, *later: bytes) -> int:
        following = iter((sent, *later))
        listener = socket.create_server(("127.0.0.1", 0))
        listening.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                if later:
                    threading.Thread(target=keep_answering, args=(connection,), daemon=True).start()
                    continue
                with connection, suppress(OSError):
                    _read_request(connection)
                    connection.sendall(sent)

        def keep_answering(connection: socket.socket) -> None:
            with connection, suppress(OSError, StopIteration):
                while _read_request(connection):
                    connection.sendall(next(following))

        threading.Thread(target=serve, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listening:
        listener.close()
