"""httpcore's connections without the pools and clients that HTTP libraries put around them, and their replies.

A client adds features that no model's API needs, such as cookies, and a pool adds what `connections.py` does at a lower price. So requests go
directly to an httpcore connection, and replies are read from it. That takes a third off the CPU time of a request and leaves a third fewer
objects for the garbage collector to traverse while many are in flight. Behind a proxy, the connection is a pool of one connection, because only
httpcore's pools know how to reach a server through a proxy.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import httpcore
import httpx

from llm_notebook.configuration.keys import Secret
from llm_notebook.providers.http.sockets.deadlines import Left, TimeLeft
from llm_notebook.providers.http.sockets.socket_streams import SocketBackend

if TYPE_CHECKING:
    import ssl

    from llm_notebook.providers.http.sockets.asyncio_streams import Waits

__all__ = ["IDLE_SECONDS", "AsyncConnection", "AsyncReply", "Connection", "Reply", "Request", "request_to"]

# httpx drops idle connections after 5 s, but people pause longer between prompts. It notices connections that a server has closed in the
# meantime.
IDLE_SECONDS = 60.0
_PORTS = {"http": 80, "https": 443}
_FAILURES = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)

Request = httpcore.Request
"""A request, which `request_to()` creates. Its extensions have the `address` as an `httpx.URL`, the `timeout` of each phase, and `left`."""


def request_to(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    times: Mapping[str, float | None],
    *,
    body: bytes | None = None,
    left: Left | None = None,
    tls_name: str | None = None,
) -> Request:
    """Return a request.

    Args:
        method: the HTTP method.
        url: the address.
        headers: the headers, without those that result from the address and the body.
        times: how many seconds each phase may take, by the names that httpx has for them; None means no limit.
        body: what is sent.
        left: returns the seconds that are left for the whole request; None if there is no limit.
        tls_name: the name that the server's certificate must have, if it differs from the address.
    """
    sent = [] if "host" in headers else [(b"Host", url.netloc.rpartition(b"@")[2])]
    sent += [(name.encode(), value.encode()) for name, value in {**headers, **_login(url)}.items()]
    if body is not None:
        sent.append((b"Content-Length", str(len(body)).encode()))
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    extensions: dict[str, Any] = {"timeout": times, "address": url, "left": left}
    if tls_name is not None:
        extensions["sni_hostname"] = tls_name
    return Request(method, target, headers=sent, content=body, extensions=extensions)


class _Begun:
    """The part of a reply that has arrived when its body begins.

    Attributes:
        status_code: the HTTP status.
        is_success: whether it says that the request was fulfilled.
        headers: its headers.
        stays_open: whether the connection may serve another request afterwards.
        is_whole: whether the body was read to its end.
    """

    __slots__ = ("_stream", "headers", "is_success", "is_whole", "status_code", "stays_open")

    def __init__(self, answered: httpcore.Response) -> None:
        self.status_code = answered.status
        self.is_success = httpx.codes.is_success(answered.status)
        self.headers = httpx.Headers(answered.headers)
        is_old = answered.extensions.get("http_version") == b"HTTP/1.0"
        self.stays_open = not is_old and self.headers.get("connection", "").lower() != "close"
        self.is_whole = False
        # httpcore types a reply's stream as sync or async.
        self._stream: Any = answered.stream

    @property
    def redirects_to(self) -> str | None:
        """The address to ask instead; None if this is no redirect."""
        return self.headers.get("location") if httpx.codes.is_redirect(self.status_code) else None


class Reply(_Begun):
    """A reply whose body can be iterated once, in pieces as they come over the wire."""

    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._stream
        except _FAILURES as error:
            raise _for_httpx(error) from error
        self.is_whole = True

    def close(self) -> None:
        """Stop reading. This closes a connection whose reply has not been read to its end."""
        self._stream.close()


class AsyncReply(_Begun, AsyncIterator[bytes]):
    """`Reply`, iterated with `async for`."""

    __slots__ = ("_pieces",)

    def __init__(self, answered: httpcore.Response) -> None:
        super().__init__(answered)
        self._pieces: AsyncIterator[bytes] = aiter(self._stream)

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._pieces)
        except StopAsyncIteration:
            self.is_whole = True
            raise
        except _FAILURES as error:
            raise _for_httpx(error) from error

    async def aclose(self) -> None:
        """Do what `Reply.close()` does."""
        await self._stream.aclose()


class _Connected:
    """What both kinds of connections say about themselves."""

    _asked: Any
    _direct: httpcore.HTTPConnection | httpcore.AsyncHTTPConnection | None
    _time_left: TimeLeft

    @property
    def is_in_step(self) -> bool:
        """False if the server has sent more than its reply, which would be mistaken for the reply to the next request."""
        return _is_in_step(self._asked)

    @property
    def is_usable(self) -> bool:
        """False if the server has closed the connection since the last reply."""
        return self._direct is None or (self._direct.is_available() and not self._direct.has_expired())

    def rest(self) -> None:
        """Forget the last request."""
        self._time_left.of_whole = None


class Connection(_Connected):
    """One connection to a server, which is opened by its first request. It accepts the next one when the previous reply has been read.

    Args:
        url: an address on the server.
        tls: the TLS context; False for plain http.
        proxy: the address of the proxy through which the server is reached; None if there is none.
    """

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext | Literal[False], proxy: str | None) -> None:
        self._time_left = TimeLeft()
        backend = SocketBackend(self._time_left)
        self._direct = None
        if proxy is None:
            self._direct = httpcore.HTTPConnection(
                _origin(url), ssl_context=tls or None, keepalive_expiry=IDLE_SECONDS, network_backend=backend
            )
            self._asked = self._direct
        else:
            kind = httpcore.SOCKSProxy if proxy.startswith("socks") else httpcore.HTTPProxy
            self._asked = kind(**_proxy_arguments(proxy, tls), network_backend=backend)

    def send(self, request: Request) -> Reply:
        """Send a request, and return the unread reply.

        Raises:
            httpx.HTTPError: no reply came.
        """
        self._time_left.of_whole = request.extensions["left"]
        try:
            return Reply(self._asked.handle_request(request))
        except _FAILURES as error:
            raise _for_httpx(error) from error

    def close(self) -> None:
        """Close the connection."""
        self._asked.close()


class AsyncConnection(_Connected):
    """`Connection`, on the running event loop. The connections of a loop share `waits`."""

    def __init__(
        self, url: httpx.URL, tls: ssl.SSLContext | Literal[False], proxy: str | None, *, waits: Waits
    ) -> None:
        from llm_notebook.providers.http.sockets.asyncio_streams import AsyncioBackend  # loads asyncio

        self._time_left = TimeLeft()
        backend = AsyncioBackend(self._time_left, waits)
        self._direct = None
        if proxy is None:
            self._direct = httpcore.AsyncHTTPConnection(
                _origin(url), ssl_context=tls or None, keepalive_expiry=IDLE_SECONDS, network_backend=backend
            )
            self._asked = self._direct
        else:
            kind = httpcore.AsyncSOCKSProxy if proxy.startswith("socks") else httpcore.AsyncHTTPProxy
            self._asked = kind(**_proxy_arguments(proxy, tls), network_backend=backend)

    async def send(self, request: Request) -> AsyncReply:
        """Send a request, and return the unread reply, as `Connection.send()` does."""
        self._time_left.of_whole = request.extensions["left"]
        try:
            return AsyncReply(await self._asked.handle_async_request(request))
        except _FAILURES as error:
            raise _for_httpx(error) from error

    async def aclose(self) -> None:
        """Close the connection."""
        await self._asked.aclose()


def _login(url: httpx.URL) -> dict[str, str]:
    """Return the header for the user and password in an address; nothing if it has none."""
    if not url.userinfo:
        return {}
    pair = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {"authorization": Secret(f"Basic {pair}")}


def _origin(url: httpx.URL) -> httpcore.Origin:
    return httpcore.Origin(url.raw_scheme, url.raw_host, url.port or _PORTS[url.scheme])


def _proxy_arguments(proxy: str, tls: ssl.SSLContext | Literal[False]) -> dict[str, Any]:
    """Return the arguments of a pool of one connection that reaches its server through a proxy."""
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


def _is_in_step(asked: object) -> bool:
    """Return whether an httpcore connection, or a pool of one, holds no data that nobody has asked for.

    httpcore does not say, so this looks at the state that it keeps for the connection. If a version keeps it elsewhere, each request gets a new
    connection, but never a false reply.
    """
    connections = getattr(asked, "connections", [asked])
    connection = connections[0] if connections else None
    while (inner := getattr(connection, "_connection", None)) is not None:
        connection = inner
    state = getattr(connection, "_h11_state", None)
    return state is not None and not state.trailing_data[0]


def _for_httpx(error: Exception) -> httpx.TransportError:
    """Return httpx's error of the same name for an error of httpcore."""
    kind: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
    return kind(str(error))
