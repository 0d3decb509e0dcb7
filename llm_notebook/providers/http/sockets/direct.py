"""Connections to servers without the pools and clients that HTTP libraries put around them, and their replies.

A client adds features that no model's API needs, such as cookies, and a pool adds what `connections.py` does at a lower price. httpcore has single
connections too, but for sync and async code of any kind: a lock, a trace and a check for each step make up most of the CPU time that a request
takes there, and a connection here serves one task at a time anyway.

So a `Dialogue` says, without I/O, which bytes are sent and what the bytes that arrive mean. A connection opens a stream of httpcore's kind and moves
the bytes, here without `await`, and in `async_direct.py` with it. Behind a proxy, see `proxied.py`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, Protocol

import httpcore
import httpx

from llm_notebook.providers.http.sockets.deadlines import TimeLeft
from llm_notebook.providers.http.sockets.dialogue import Dialogue, Head
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


class _Begun:
    """The part of a reply that has arrived when its body begins.

    Args:
        head: the beginning.
        pieces: the body, iterated once and then closed.

    Attributes:
        status_code: the HTTP status.
        is_success: whether it says that the request was fulfilled.
        raw_headers: its headers as they were sent.
        content_type: its type, such as `application/json`, perhaps with parameters; empty if it has none.
        stays_open: whether the connection may serve another request afterwards.
        is_whole: whether the body was read to its end.
    """

    __slots__ = (
        "_headers",
        "_pieces",
        "content_type",
        "is_success",
        "is_whole",
        "raw_headers",
        "status_code",
        "stays_open",
    )

    def __init__(self, head: Head, pieces: Any) -> None:
        self.status_code = head.status
        self.is_success = httpx.codes.OK <= head.status < httpx.codes.MULTIPLE_CHOICES
        self.raw_headers = head.headers
        self.content_type = self.header(b"content-type")
        self.stays_open = head.version != b"1.0" and self.header(b"connection").lower() != "close"
        self.is_whole = False
        self._headers: httpx.Headers | None = None
        self._pieces = pieces

    def header(self, name: bytes) -> str:
        """Return the value of one header, given its name in lower case; empty if there is none.

        This does without `headers`, which take longer to make than a small reply takes to read.
        """
        values = [value for known, value in self.raw_headers if known.lower() == name]
        return b", ".join(values).decode("latin-1") if values else ""

    @property
    def headers(self) -> httpx.Headers:
        """Its headers."""
        if self._headers is None:
            self._headers = httpx.Headers(self.raw_headers)
        return self._headers

    @property
    def redirects_to(self) -> str | None:
        """The address to ask instead; None if this is no redirect."""
        return self.headers.get("location") if httpx.codes.is_redirect(self.status_code) else None


class Reply(_Begun):
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


class AsyncReply(_Begun, AsyncIterator[bytes]):
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
    """

    _stream: _Stream | None

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext | Literal[False]) -> None:
        self._host, self._port = url.raw_host.decode("ascii"), url.port or _PORTS[url.scheme]
        self._tls = tls
        self._time_left = TimeLeft()
        self._dialogue = Dialogue()
        # Since when it waits for another request; None while it is busy, and when it is closed.
        self._idle_since: float | None = None

    @property
    def is_in_step(self) -> bool:
        """False if the server has sent more than its reply, which would be mistaken for the reply to the next request."""
        return self._dialogue.is_in_step

    @property
    def is_usable(self) -> bool:
        """False if the server has closed the connection since the last reply, or it has been idle for too long."""
        if self._stream is None or self._idle_since is None:
            return False
        # An idle connection is readable if its server has closed it.
        is_old = time.monotonic() - self._idle_since > IDLE_SECONDS
        return not is_old and not self._stream.get_extra_info("is_readable")

    def rest(self) -> None:
        """Forget the last request."""
        self._time_left.of_whole = None

    def _tls_arguments(self, request: Request) -> dict[str, Any]:
        assert self._tls
        self._tls.set_alpn_protocols(["http/1.1"])
        return {
            "ssl_context": self._tls,
            "server_hostname": request.tls_name or self._host,
            "timeout": request.times.get("connect"),
        }

    def _has_ended(self) -> bool:
        """End the exchange, and return whether the connection may stay open."""
        if not self._dialogue.end():
            return False
        self._idle_since = time.monotonic()
        return True


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
            message = self._dialogue.sent(request)
            stream = self._stream or self._open(request)
            # A server may refuse a request before it has read all of it.
            with suppress(httpcore.WriteError):
                stream.write(message, request.times.get("write"))
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
            if not self._has_ended():
                self.close()


def for_httpx(error: Exception) -> httpx.TransportError:
    """Return httpx's error of the same name for an error of httpcore."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))
