"""Connections to servers, direct or through a proxy. Those through a proxy are pools of httpcore with one connection, because only its pools know how to do that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import httpcore
import httpx

from llm_notebook.providers.http.sockets.async_direct import DirectAsyncConnection
from llm_notebook.providers.http.sockets.deadlines import TimeLeft
from llm_notebook.providers.http.sockets.dialogue import Head
from llm_notebook.providers.http.sockets.direct import (
    FAILURES,
    IDLE_SECONDS,
    AsyncReply,
    DirectConnection,
    Reply,
    for_httpx,
)
from llm_notebook.providers.http.sockets.requests import Request
from llm_notebook.providers.http.sockets.socket_streams import SocketBackend

if TYPE_CHECKING:
    import ssl

    from llm_notebook.providers.http.sockets.asyncio_streams import Waits

__all__ = ["AsyncConnection", "Connection", "async_connection_to", "connection_to"]


class _Proxied:
    """What connections with and without `await` have in common."""

    _pool: Any
    _time_left: TimeLeft
    # The pool looks after its connection.
    is_usable = True

    @property
    def is_in_step(self) -> bool:
        """False if the server has sent more than its reply, which would be mistaken for the reply to the next request.

        httpcore does not say, so this looks at the state that it keeps for the connection. If a version keeps it elsewhere, each request gets a
        new connection, but never a false reply.
        """
        connection = self._pool.connections[0] if self._pool.connections else None
        while (inner := getattr(connection, "_connection", None)) is not None:
            connection = inner
        state = getattr(connection, "_h11_state", None)
        return state is not None and not state.trailing_data[0]


class ProxiedConnection(_Proxied):
    """A `DirectConnection` through a proxy.

    Args:
        proxy: the address of the proxy.
        tls: the TLS context; False for plain http.
    """

    def __init__(self, proxy: str, tls: ssl.SSLContext | Literal[False]) -> None:
        self._time_left = TimeLeft()
        kind = httpcore.SOCKSProxy if proxy.startswith("socks") else httpcore.HTTPProxy
        self._pool = kind(**_arguments(proxy, tls), network_backend=SocketBackend(self._time_left))

    def send(self, request: Request) -> Reply:
        """Send a request, and return the unread reply.

        Raises:
            httpx.HTTPError: no reply came.
        """
        self._time_left.of_whole = request.left
        try:
            answered = self._pool.handle_request(_for_httpcore(request))
        except FAILURES as error:
            raise for_httpx(error) from error
        return Reply(_head_of(answered), self._pieces(answered))

    def close(self) -> None:
        """Close the connection."""
        self._pool.close()

    def _pieces(self, answered: httpcore.Response) -> Iterator[bytes]:
        try:
            yield from answered.iter_stream()
        finally:
            answered.close()
            self._time_left.of_whole = None


class ProxiedAsyncConnection(_Proxied):
    """`ProxiedConnection`, on the running event loop. The connections of a loop share `waits`."""

    def __init__(self, proxy: str, tls: ssl.SSLContext | Literal[False], waits: Waits) -> None:
        from llm_notebook.providers.http.sockets.asyncio_streams import AsyncioBackend  # loads asyncio

        self._time_left = TimeLeft()
        kind = httpcore.AsyncSOCKSProxy if proxy.startswith("socks") else httpcore.AsyncHTTPProxy
        self._pool = kind(**_arguments(proxy, tls), network_backend=AsyncioBackend(self._time_left, waits))

    async def send(self, request: Request) -> AsyncReply:
        """Send a request, and return the unread reply, as `ProxiedConnection.send()` does."""
        self._time_left.of_whole = request.left
        try:
            answered = await self._pool.handle_async_request(_for_httpcore(request))
        except FAILURES as error:
            raise for_httpx(error) from error
        return AsyncReply(_head_of(answered), _AsyncPieces(answered.stream, self._time_left))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._pool.aclose()


class _AsyncPieces:
    """The body of a reply, which httpcore can only iterate anew and close."""

    __slots__ = ("_pieces", "_stream", "_time_left")

    def __init__(self, stream: Any, time_left: TimeLeft) -> None:
        self._stream = stream
        self._time_left = time_left
        self._pieces = aiter(stream)

    async def __anext__(self) -> bytes:
        piece: bytes = await anext(self._pieces)
        return piece

    async def aclose(self) -> None:
        await self._stream.aclose()
        self._time_left.of_whole = None


Connection = DirectConnection | ProxiedConnection
AsyncConnection = DirectAsyncConnection | ProxiedAsyncConnection


def connection_to(url: httpx.URL, tls: ssl.SSLContext | Literal[False], proxy: str | None) -> Connection:
    """Return a connection to a server, which is opened by its first request.

    Args:
        url: an address on the server.
        tls: the TLS context; False for plain http.
        proxy: the address of the proxy through which the server is reached; None if there is none.
    """
    return DirectConnection(url, tls) if proxy is None else ProxiedConnection(proxy, tls)


def async_connection_to(
    url: httpx.URL, tls: ssl.SSLContext | Literal[False], proxy: str | None, *, waits: Waits
) -> AsyncConnection:
    """Do what `connection_to()` does, for the running event loop. Its connections share `waits`."""
    return DirectAsyncConnection(url, tls, waits) if proxy is None else ProxiedAsyncConnection(proxy, tls, waits)


def _for_httpcore(request: Request) -> httpcore.Request:
    url = request.address.url
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    extensions: dict[str, Any] = {"timeout": request.times}
    if request.tls_name is not None:
        extensions["sni_hostname"] = request.tls_name
    return httpcore.Request(
        request.method, target, headers=request.headers, content=request.body, extensions=extensions
    )


def _head_of(answered: httpcore.Response) -> Head:
    version: bytes = answered.extensions.get("http_version", b"")
    return Head(answered.status, list(answered.headers), version.removeprefix(b"HTTP/"))


def _arguments(proxy: str, tls: ssl.SSLContext | Literal[False]) -> dict[str, Any]:
    named = httpx.Proxy(url=proxy)
    url = named.url
    return {
        "proxy_url": httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        "proxy_auth": named.raw_auth,
        "ssl_context": tls or None,
        "max_connections": 1,
        "max_keepalive_connections": 1,
        "keepalive_expiry": IDLE_SECONDS,
    }
