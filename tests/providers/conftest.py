"""Fixtures that the tests of providers share."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from llm_notebook.configuration.process import process
from llm_notebook.providers.http import retries
from llm_notebook.providers.http.transport import Transport


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as little as possible before a request is sent again."""
    monkeypatch.setattr(retries, "_FIRST_DELAY", 0.001)


@pytest.fixture
def own_transport() -> Iterator[None]:
    """Give the test a transport of its own, without connections."""
    process.made.pop(Transport, None)
    yield
    transport = process.made.pop(Transport, None)
    if transport is not None:
        transport.close()


def _read_request(connection: socket.socket) -> None:
    """Read all of a request. The system resets a connection that is closed with something unread."""
    with connection.makefile("rb") as file:
        length = 0
        while (line := file.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        file.read(length)


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes], int]]:
    """Return a function that starts a server on loopback, which answers its next connections with these bytes, and returns its port."""
    listening: list[socket.socket] = []

    def start(sent: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listening.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    _read_request(connection)
                    connection.sendall(sent)

        threading.Thread(target=serve, daemon=True).start()
        port: int = listener.getsockname()[1]
        return port

    yield start
    for listener in listening:
        listener.close()
