"""Connections to servers without the pools and clients that HTTP libraries put around them, and their replies.

A client adds features that no model's API needs, such as cookies, and a pool adds what `connections.py` does at a lower price. httpcore has single
connections too, but for sync and async code of any kind: a lock, a trace and a check for each step make up most of the CPU time that a request
takes there, and a connection here serves one task at a time anyway.

So a `Request` says which bytes are sent, and a `Dialogue` what the bytes that arrive mean, both without I/O. A connection opens a stream of
httpcore's kind and moves the bytes, here without `await`, and in `async_direct.py` with it. Behind a proxy, see `proxied.py`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol

import httpcore
import httpx

from llm_notebook.providers.http.sockets.deadlines import TimeLeft
from llm_notebook.providers.http.sockets.dialogue import BegunReply, Dialogue
from llm_notebook.providers.http.sockets.requests import Request
from llm_notebook.providers.http.sockets.socket_streams import SocketBackend

if TYPE_CHECKING:
    import ssl

__all__ = [
    "FAILURES",
    "IDLE_SECONDS",
    "MOST_READ",
    "AsyncReply",
    "Direct",
    "DirectConnection",
    "Reply",
    "for_httpx",
]

# httpx drops idle connections after 5 s, but people pause longer between prompts. It notices connections that a server has closed in the
# meantime.
IDLE_SECONDS = 60.0
_PORTS = {"http": 80, "https": 443}
MOST_READ = 2**16  # bytes at a time
FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


class Reply(BegunReply):
    """A reply whose body can be iterated once, in pieces as they come over the wire."""

    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._pieces
        except FAILURES as error:
            raise for_httpx(error) from error
        self.is_whole = True

    def close(self) -> None:
        """Stop reading. This closes a connection whose reply has not been read to its end."""
        self._pieces.close()


class AsyncReply(BegunReply, AsyncIterator[bytes]):
    """`Reply`, iterated with `async for`."""

    __slots__ = ()

    async def __anext__(self) -> bytes:
        try:
            piece: bytes = await anext(self._pieces)
        except StopAsyncIteration:
            self.is_whole = True
            raise
        except FAILURES as error:
            raise for_httpx(error) from error
        return piece

    async def aclose(self) -> None:
        """Do what `Reply.close()` does."""
        await self._pieces.aclose()


class _Stream(Protocol):
    def get_extra_info(self, info: str) -> object: ...


class Direct:
    """What connections with and without `await` have in common.

    Args:
        url: an address on the server.
        tls: the TLS context; False for plain http.

    Attributes:
        is_in_step: false if the server has sent more than its last reply, which would be mistaken for the reply to the next request.
    """

    _stream: _Stream | None

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext | Literal[False]) -> None:
        self._host, self._port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        self._tls = tls
        self._time_left = TimeLeft()
        self._dialogue = Dialogue()
        self.is_in_step = True
        # Since when it waits for another request; None while it is busy, and when it is closed.
        self._idle_since: float | None = None

    @property
    def is_usable(self) -> bool:
        """False if the server has closed the connection since the last reply, or it has been idle for too long."""
        if self._stream is None or self._idle_since is None:
            return False
        # An idle connection is readable if its server has closed it.
        is_old = time.monotonic() - self._idle_since > IDLE_SECONDS
        return not is_old and not self._stream.get_extra_info("is_readable")

    def _tls_arguments(self, request: Request) -> dict[str, Any]:
        assert self._tls
        self._tls.set_alpn_protocols(["http/1.1"])
        return {
            "ssl_context": self._tls,
            "server_hostname": request.tls_name or self._host,
            "timeout": request.times.get("connect"),
        }


class DirectConnection(Direct):
    """One connection to a server, which is opened by its first request. It accepts the next one when the previous reply has been read."""

    _stream: httpcore.NetworkStream | None = None

    def send(self, request: Request) -> Reply:
        """Send a request, and return the unread reply.

        Raises:
            httpx.HTTPError: no reply came.
        """
        self._time_left.of_whole, self._idle_since = request.left, None
        try:
            stream = self._stream or self._open(request)
            # A server may refuse a request before it has read all of it.
            with suppress(httpcore.WriteError):
                stream.write(request.head + (request.body or b""), request.times.get("write"))
            head = None
            while head is None:
                self._dialogue.arrived(stream.read(MOST_READ, request.times.get("read")))
                head = self._dialogue.head()
        except FAILURES as error:
            raise for_httpx(error) from error
        return Reply(head, self._pieces(stream, request.times))

    def close(self) -> None:
        """Close the connection."""
        self._idle_since = None
        if self._stream is not None:
            self._stream.close()

    def _open(self, request: Request) -> httpcore.NetworkStream:
        backend = SocketBackend(self._time_left)
        self._stream = stream = backend.connect_tcp(self._host, self._port, request.times.get("connect"))
        if self._tls:
            self._stream = stream = stream.start_tls(**self._tls_arguments(request))
        return stream

    def _pieces(self, stream: httpcore.NetworkStream, times: Mapping[str, float | None]) -> Iterator[bytes]:
        dialogue = self._dialogue
        try:
            while (piece := dialogue.piece()) != b"":
                if piece is None:
                    dialogue.arrived(stream.read(MOST_READ, times.get("read")))
                else:
                    yield piece
        finally:
            # Nothing of the request is kept while the connection is idle.
            self._time_left.of_whole, self.is_in_step = None, dialogue.is_in_step
            if dialogue.may_follow:
                self._idle_since = time.monotonic()
            else:
                self.close()


def for_httpx(error: Exception) -> httpx.TransportError:
    """Return httpx's error of the same name for an error of httpcore."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))
