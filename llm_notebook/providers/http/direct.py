"""Transports of httpx that are one connection each, without the pool and the client that httpx puts around its connections.

A client adds what no model's API needs, such as cookies, and a pool adds what `connections.py` does at a lower price. So these transports ask
a connection of httpcore's directly, which takes a fifth off the CPU time of a request. Behind a proxy, the connection is a transport of httpx's
own instead, with a pool of one connection inside.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Literal, cast

import httpcore
import httpx

if TYPE_CHECKING:
    import ssl

__all__ = ["IDLE_SECONDS", "AsyncConnection", "Connection"]

# httpx drops idle connections after 5 s, but people pause longer between prompts. It notices those that a server closed meanwhile.
IDLE_SECONDS = 60.0
_ONE = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS)
_PORTS = {"http": 80, "https": 443}
_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)


class Connection:
    """One connection to a server, which is opened by its first request. It takes the next one when the reply before that was read.

    Args:
        url: an address on the server.
        tls: the TLS context; False for plain http.
        proxy: the address of the proxy through which the server is reached; None if there is none.
    """

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext | Literal[False], proxy: str | None) -> None:
        self._behind_proxy: httpx.HTTPTransport | None = None
        self._direct: httpcore.HTTPConnection | None = None
        if proxy is not None:
            self._behind_proxy = httpx.HTTPTransport(verify=tls, proxy=proxy, limits=_ONE, trust_env=False)
        else:
            self._direct = httpcore.HTTPConnection(_origin(url), ssl_context=tls or None, keepalive_expiry=IDLE_SECONDS)

    @property
    def is_usable(self) -> bool:
        """False if the server has closed the connection since the last reply."""
        return self._direct is None or (self._direct.is_available() and not self._direct.has_expired())

    def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the unread reply.

        Raises:
            httpx.HTTPError: no reply came.
        """
        if self._direct is None:
            assert self._behind_proxy is not None
            reply = self._behind_proxy.handle_request(request)
            reply.request = request
            return reply
        try:
            answered = self._direct.handle_request(_for_httpcore(request))
        except _FAILURES as error:
            raise _for_httpx(error) from error
        return _reply(answered, request, _Body(answered))

    def close(self) -> None:
        """Close the connection."""
        if self._direct is not None:
            self._direct.close()
        elif self._behind_proxy is not None:
            self._behind_proxy.close()


class AsyncConnection:
    """`Connection`, on the running event loop."""

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext | Literal[False], proxy: str | None) -> None:
        from llm_notebook.providers.http.asyncio_streams import AsyncioBackend  # loads asyncio

        self._behind_proxy: httpx.AsyncHTTPTransport | None = None
        self._direct: httpcore.AsyncHTTPConnection | None = None
        if proxy is not None:
            self._behind_proxy = httpx.AsyncHTTPTransport(verify=tls, proxy=proxy, limits=_ONE, trust_env=False)
        else:
            self._direct = httpcore.AsyncHTTPConnection(
                _origin(url),
                ssl_context=tls or None,
                keepalive_expiry=IDLE_SECONDS,
                network_backend=AsyncioBackend(),
            )

    @property
    def is_usable(self) -> bool:
        """False if the server has closed the connection since the last reply."""
        return self._direct is None or (self._direct.is_available() and not self._direct.has_expired())

    async def send(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return the unread reply, as `Connection.send()` does."""
        if self._direct is None:
            assert self._behind_proxy is not None
            reply = await self._behind_proxy.handle_async_request(request)
            reply.request = request
            return reply
        try:
            answered = await self._direct.handle_async_request(_for_httpcore(request))
        except _FAILURES as error:
            raise _for_httpx(error) from error
        return _reply(answered, request, _AsyncBody(answered))

    async def aclose(self) -> None:
        """Close the connection."""
        if self._direct is not None:
            await self._direct.aclose()
        elif self._behind_proxy is not None:
            await self._behind_proxy.aclose()


class _Body(httpx.SyncByteStream):
    """The body of a reply, whose failures are those of httpx."""

    def __init__(self, answered: httpcore.Response) -> None:
        # httpcore types the streams of sync and async replies as either.
        self._stream: Any = answered.stream

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except _FAILURES as error:
            raise _for_httpx(error) from error

    def close(self) -> None:
        self._stream.close()


class _AsyncBody(httpx.AsyncByteStream):
    """`_Body`, read with `await`."""

    def __init__(self, answered: httpcore.Response) -> None:
        self._stream: Any = answered.stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._stream:
                yield piece
        except _FAILURES as error:
            raise _for_httpx(error) from error

    async def aclose(self) -> None:
        await self._stream.aclose()


def _origin(url: httpx.URL) -> httpcore.Origin:
    return httpcore.Origin(url.raw_scheme, url.raw_host, url.port or _PORTS[url.scheme])


def _for_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    stream: Any = request.stream
    return httpcore.Request(
        request.method, target, headers=request.headers.raw, content=stream, extensions=request.extensions
    )


def _reply(
    answered: httpcore.Response, request: httpx.Request, body: httpx.SyncByteStream | httpx.AsyncByteStream
) -> httpx.Response:
    extensions = cast("dict[str, Any]", answered.extensions)
    return httpx.Response(
        answered.status, headers=answered.headers, stream=body, extensions=extensions, request=request
    )


def _for_httpx(error: Exception) -> httpx.TransportError:
    """Return httpx's error for one of httpcore's, which has the same name."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))
