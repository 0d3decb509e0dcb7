"""A stand-in for a hub of models, which tests cannot reach: a real HTTP server on loopback with ranges and validators."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

__all__ = ["FileServer", "Served", "digest", "file_server"]


@dataclass(slots=True)
class Served:
    """The reply to requests for one path.

    Attributes:
        content: the file.
        etag: the file's validator; None sends none.
        cuts: the number of bytes after which the connection breaks off, for each of the first requests.
        ranges: whether parts of the file can be asked for.
        moved_to: the address that the reply redirects to, instead of sending the file.
        status: the HTTP status, if it is an error.
        said: the content-length that is sent, if it is not the true one.
        headers: further headers.
        waits_at: the number of bytes after which the server waits, and the event for which it waits, before it sends the rest.
    """

    content: bytes = b""
    etag: str | None = '"v1"'
    cuts: list[int] = field(default_factory=list)
    ranges: bool = True
    moved_to: str | None = None
    status: int = 200
    said: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    waits_at: tuple[int, threading.Event] | None = None


class FileServer:
    """An HTTP server with one reply for each path.

    Attributes:
        files: the reply for each path.
        requests: the path and headers of every request, oldest first.
    """

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._http = _HTTPServer(("127.0.0.1", 0), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def url(self, path: str = "", *, host: str = "127.0.0.1") -> str:
        """Return the address of a path. With `localhost` it names another host, as far as the names are compared."""
        return f"http://{host}:{self._http.server_address[1]}{path}"

    def ranges_asked(self) -> list[str | None]:
        """Return the `Range` header of every request."""
        return [headers.get("range") for _, headers in self.requests]

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(30)


class _HTTPServer(ThreadingHTTPServer):
    owner: FileServer
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _HTTPServer

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.owner.requests.append((self.path, headers))
        served = self.server.owner.files.get(self.path.partition("?")[0], Served(b"no such file", status=404))
        if served.moved_to is not None:
            self._begin(302, {"location": served.moved_to, "content-length": "0", **served.headers})
            return
        start = self._start(served, headers)
        body = served.content[start:]
        told = {"content-length": str(len(body) if served.said is None else served.said), **served.headers}
        if served.etag is not None:
            told["etag"] = served.etag
        if start > len(served.content):
            self._begin(416, {"content-range": f"bytes */{len(served.content)}", "content-length": "0"})
            return
        if start:
            told["content-range"] = f"bytes {start}-{len(served.content) - 1}/{len(served.content)}"
        self._begin(206 if start else served.status, told)
        with suppress(OSError):
            self._send(served, body)

    def _start(self, served: Served, headers: dict[str, str]) -> int:
        """Return the position of the first byte to send."""
        asked = re.fullmatch(r"bytes=(\d+)-", headers.get("range", ""))
        same = headers.get("if-range", served.etag) == served.etag
        return int(asked[1]) if asked and served.ranges and same else 0

    def _send(self, served: Served, body: bytes) -> None:
        if served.cuts:
            self.wfile.write(body[: served.cuts.pop(0)])
            self.wfile.flush()
            # A reset would discard what the client has not read yet.
            self.connection.shutdown(socket.SHUT_WR)
            self.close_connection = True
        elif served.waits_at is not None:
            place, event = served.waits_at
            self.wfile.write(body[:place])
            if event.wait(30):
                self.wfile.write(body[place:])
        else:
            self.wfile.write(body)
            self.close_connection = served.said is not None

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    """Return a server that has no files yet."""
    server = FileServer()
    yield server
    server.stop()


def digest(content: bytes) -> str:
    """Return the SHA-256 as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
