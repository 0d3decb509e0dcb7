"""The connections to servers: each serves one request at a time, and stays open for the next one.

httpx has a pool too, but whenever a request begins or ends, that pool looks at every connection and at every waiting request, so the work grows
with the square of the number of requests at once; and it closes idle connections beyond a number, only to open new ones a moment later. So the
connections of `direct.py` have no pool, and `IdleConnections` is the pool here. Taking and returning a connection costs the same however many
there are. The most recently used one is taken first, so the others grow old and are closed. `send()` and `asend()` keep a connection when the
reply has been read to its end. In any other case they close it.

*Event loops.* Sync connections belong to the process. Async ones belong to an event loop, because their sockets are registered with it,
and are closed when that loop shuts down. Nothing in asyncio announces that, except that a loop closes its async generators. So
`_async_server()` starts a generator that only waits, and that closes the loop's connections when it is closed itself.

*Forks.* Two processes must not write into one connection. A forked child therefore starts with new ones. It keeps a reference to
the inherited async ones, because destroying them would wake the parent's event loops.
"""

from __future__ import annotations

import atexit
import functools
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import httpx

from llm_notebook.configuration.proxies import proxy_for
from llm_notebook.errors import TransportError
from llm_notebook.providers.http.settings import TransportSettings
from llm_notebook.providers.http.sockets.direct import IDLE_SECONDS, AsyncReply, Reply
from llm_notebook.providers.http.sockets.proxied import (
    AsyncConnection,
    Connection,
    async_connection_to,
    connection_to,
)
from llm_notebook.providers.http.sockets.requests import Address, Request
from llm_notebook.providers.http.wire import TLSSettings

if TYPE_CHECKING:
    import asyncio
    import ssl

    from llm_notebook.providers.http.sockets.asyncio_streams import Waits

__all__ = ["Connections", "IdleConnections", "most_connections"]

_MOST_CONNECTIONS = 512

ConnectionT = TypeVar("ConnectionT")
Semaphore = TypeVar("Semaphore")

_ServerKey = tuple[str, TLSSettings | None]
"""A server's scheme, host and port, and the TLS settings: requests with the same pair share connections."""


class IdleConnections(Generic[ConnectionT]):
    """The connections to one server that wait for their next request. Threads may share it: each step is a single operation of a deque.

    Args:
        clock: the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: deque[tuple[ConnectionT, float]] = deque()

    def take(self) -> ConnectionT | None:
        """Take the most recently used connection; None if none is idle."""
        try:
            connection, _ = self._waiting.pop()
        except IndexError:
            return None
        return connection

    def keep(self, connection: ConnectionT) -> None:
        """Keep an open connection for the next request."""
        self._waiting.append((connection, self._clock()))

    def take_old(self) -> ConnectionT | None:
        """Take a connection that has been idle for too long, so that it can be closed; None if there is none."""
        try:
            connection, since = self._waiting.popleft()
        except IndexError:
            return None
        if self._clock() - since > IDLE_SECONDS:
            return connection
        self._waiting.appendleft((connection, since))
        return None


class _Server(Generic[ConnectionT, Semaphore]):
    """One server, as one event loop or the sync code of the process uses it.

    Args:
        open_connection: returns a new connection.
        free: counts the connections that may still be opened or taken.

    Attributes:
        idle: the connections that wait for a request.
    """

    __slots__ = ("free", "idle", "open_connection")

    def __init__(self, open_connection: Callable[[], ConnectionT], free: Semaphore) -> None:
        self.open_connection = open_connection
        self.free = free
        self.idle: IdleConnections[ConnectionT] = IdleConnections()


@dataclass(slots=True)
class _LoopServers:
    """The servers of one event loop.

    Attributes:
        waits: ends the waits of their connections that take too long.
        servers: the servers by their address.
        closer: the async generator that the loop closes when it shuts down, and that then closes the connections.
    """

    waits: Waits
    servers: dict[_ServerKey, _Server[AsyncConnection, asyncio.Semaphore]] = field(default_factory=dict)
    closer: AsyncGenerator[None, None] | None = None


class Connections:
    """The connections of this process to all servers, kept and reused.

    Proxies are those that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`).
    """

    def __init__(self) -> None:
        self._inherited: list[object] = []
        self._start_afresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_parent)
        atexit.register(self.close)

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[_ServerKey, _Server[Connection, threading.BoundedSemaphore]] = {}
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopServers] = weakref.WeakKeyDictionary()
        self._contexts: dict[TLSSettings | None, ssl.SSLContext] = {}

    def _forget_parent(self) -> None:
        # Destroying the connections of the parent's loops would wake those loops.
        self._inherited.append(self._by_loop)
        self._start_afresh()

    def close(self) -> None:
        """Close the idle connections of sync code. Those of an event loop are closed when the loop shuts down."""
        with self._lock:
            servers, self._servers = self._servers, {}
        for server in servers.values():
            while (connection := server.idle.take()) is not None:
                connection.close()

    @contextmanager
    def send(self, request: Request, settings: TransportSettings) -> Iterator[Reply]:
        """Send a request on a separate connection, and give the unread reply to the `with` block, which reads it to its end.

        Raises:
            httpx.PoolTimeout: every connection is busy for as long as the settings allow.
        """
        server = self._server(request.address, settings.tls)
        if not server.free.acquire(timeout=request.times.get("pool")):
            raise httpx.PoolTimeout("every connection is busy")
        try:
            connection = _take_usable(server)
            try:
                with closing(connection.send(request)) as reply:
                    yield reply
            except BaseException:
                connection.close()
                raise
            if reply.is_whole and reply.stays_open and connection.is_in_step:
                server.idle.keep(connection)
            else:
                connection.close()
            if (old := server.idle.take_old()) is not None:
                old.close()
        finally:
            server.free.release()

    def asend(self, request: Request, settings: TransportSettings) -> AbstractAsyncContextManager[AsyncReply]:
        """Do what `send()` does, on the running event loop."""
        return _Sending(self, request, settings)

    def _server(self, address: Address, tls: TLSSettings | None) -> _Server[Connection, threading.BoundedSemaphore]:
        key, url = (address.server, tls), address.url
        with self._lock:
            if key not in self._servers:
                free = threading.BoundedSemaphore(most_connections())
                to_server = functools.partial(connection_to, url, self._tls_context(key), proxy_for(str(url)))
                self._servers[key] = _Server(to_server, free)
            return self._servers[key]

    def _known_server(
        self, address: Address, tls: TLSSettings | None
    ) -> _Server[AsyncConnection, asyncio.Semaphore] | None:
        """Return what `_async_server()` returned before on the running event loop; None if it did not."""
        import asyncio  # a slow import that only async code needs, and async code has it loaded

        of_loop = self._by_loop.get(asyncio.get_running_loop())
        return None if of_loop is None or of_loop.closer is None else of_loop.servers.get((address.server, tls))

    async def _async_server(
        self, address: Address, tls: TLSSettings | None
    ) -> _Server[AsyncConnection, asyncio.Semaphore]:
        import asyncio  # a slow import that only async code needs, and async code has it loaded

        from llm_notebook.providers.http.sockets.asyncio_streams import Waits  # loads asyncio

        key, url, loop = (address.server, tls), address.url, asyncio.get_running_loop()
        with self._lock:
            of_loop = self._by_loop.get(loop)
            if of_loop is None:
                of_loop = self._by_loop[loop] = _LoopServers(Waits())
            if key not in of_loop.servers:
                free = asyncio.Semaphore(most_connections())
                tls_context, proxy = self._tls_context(key), proxy_for(str(url))
                to_server = functools.partial(async_connection_to, url, tls_context, proxy, waits=of_loop.waits)
                of_loop.servers[key] = _Server(to_server, free)
            server = of_loop.servers[key]
        if of_loop.closer is None:
            of_loop.closer = self._close_with(loop)
            await anext(of_loop.closer)
        return server

    async def _close_with(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
        """Wait until the loop shuts down, and close its connections."""
        try:
            yield
        finally:
            with self._lock:
                of_loop = self._by_loop.pop(loop, None)
            for server in of_loop.servers.values() if of_loop is not None else ():
                while (connection := server.idle.take()) is not None:
                    await connection.aclose()

    def _tls_context(self, key: _ServerKey) -> ssl.SSLContext | Literal[False]:
        """Return the TLS context for a server. Servers with the same settings share one; plain http needs none.

        Raises:
            TransportError: a certificate file cannot be used.
        """
        origin, tls = key
        if not origin.startswith("https:"):
            return False
        if tls not in self._contexts:
            try:
                self._contexts[tls] = httpx.create_ssl_context() if tls is None else _load_context(tls)
            except OSError as error:
                raise TransportError(
                    f"The TLS settings for {origin} cannot be used ({error.strerror or error}). Check their files."
                ) from None
        return self._contexts[tls]


class _Sending(AbstractAsyncContextManager[AsyncReply]):
    """What `asend()` returns.

    It is not a generator: an event loop that shuts down closes all async generators at the same time, even those in use, and then complains
    about those that are being closed already.
    """

    __slots__ = ("_connection", "_connections", "_reply", "_request", "_server", "_settings")

    def __init__(self, connections: Connections, request: Request, settings: TransportSettings) -> None:
        self._connections = connections
        self._request = request
        self._settings = settings

    async def __aenter__(self) -> AsyncReply:
        server = self._connections._known_server(self._request.address, self._settings.tls)
        self._server = server = server or await self._connections._async_server(
            self._request.address, self._settings.tls
        )
        if server.free.locked():
            try:
                async with _timeout(self._request.times.get("pool")):
                    await server.free.acquire()
            except TimeoutError:
                raise httpx.PoolTimeout("every connection is busy") from None
        else:
            await server.free.acquire()
        try:
            self._connection = await _atake_usable(server)
            try:
                self._reply = await self._connection.send(self._request)
            except BaseException:
                await self._connection.aclose()
                raise
        except BaseException:
            server.free.release()
            raise
        return self._reply

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        server, reply = self._server, self._reply
        try:
            try:
                await reply.aclose()
            except BaseException:
                await self._connection.aclose()
                raise
            if kind is None and reply.is_whole and reply.stays_open and self._connection.is_in_step:
                server.idle.keep(self._connection)
            else:
                await self._connection.aclose()
            if (old := server.idle.take_old()) is not None:
                await old.aclose()
        finally:
            server.free.release()


def _take_usable(server: _Server[Connection, threading.BoundedSemaphore]) -> Connection:
    """Return an idle connection that the server has not closed in the meantime, or else a new one."""
    while (connection := server.idle.take()) is not None:
        if connection.is_usable:
            return connection
        connection.close()
    return server.open_connection()


async def _atake_usable(server: _Server[AsyncConnection, asyncio.Semaphore]) -> AsyncConnection:
    """Do what `_take_usable()` does, on the running event loop."""
    while (connection := server.idle.take()) is not None:
        if connection.is_usable:
            return connection
        await connection.aclose()
    return server.open_connection()


def most_connections() -> int:
    """Return how many connections to one server may be open: 512, but at most half of the files that the process may open."""
    try:
        import resource  # does not exist on Windows
    except ImportError:
        return _MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST_CONNECTIONS if files == resource.RLIM_INFINITY else max(1, min(_MOST_CONNECTIONS, files // 2))


def _timeout(seconds: float | None) -> asyncio.Timeout:
    import asyncio  # a slow import that only async code needs, and async code has it loaded

    return asyncio.timeout(seconds)


def _load_context(tls: TLSSettings) -> ssl.SSLContext:
    """Make a TLS context, and load the certificate files into it."""
    context = httpx.create_ssl_context(verify=tls.verify)
    if tls.ca_file is not None:
        path = Path(tls.ca_file).expanduser()
        context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
    if tls.cert_file is not None:
        key = None if tls.key_file is None else Path(tls.key_file).expanduser()
        context.load_cert_chain(Path(tls.cert_file).expanduser(), key)
    return context
