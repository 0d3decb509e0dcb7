"""HTTP, the only module that knows httpx: sends a WireRequest, pumps the bytes through a Decoder, retries, reuses connections."""

from __future__ import annotations

import atexit
import http.cookiejar
import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from llm_notebook.errors import ModelError, TransportError
from llm_notebook.providers.http.errors import provider_error
from llm_notebook.providers.http.exchange import FAILURES, Exchange, Item, OpenedFile, TransportSettings
from llm_notebook.providers.http.retries import Retry
from llm_notebook.providers.http.wire import Decoder, TLSSettings, WireRequest

if TYPE_CHECKING:
    import asyncio

__all__ = ["Transport", "TransportSettings"]

# People pause between prompts for longer than httpx's 5 s; a connection that the server closed meanwhile is noticed.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=60.0)

_MOST_REDIRECTS = 10
_NO_SUCH_RANGE = 416

Notify = Callable[[Retry], object]


class _NoCookies(http.cookiejar.CookieJar):
    """Keeps none: no model's API needs them, and looking for them takes longer than all else that is done with a short answer."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        pass


_Server = tuple[str, TLSSettings | None]
"""A server's scheme, host and port, and how its certificate is checked: what connections can be shared by."""


@dataclass(slots=True)
class _LoopClients:
    """The clients of one event loop.

    Attributes:
        clients: by where they connect to and how.
        closer: an async generator that waits in its `try`: the loop ends it when it shuts down, and it closes the clients.
    """

    clients: dict[_Server, httpx.AsyncClient] = field(default_factory=dict)
    closer: AsyncGenerator[None, None] | None = None


class Transport:
    """Pooled HTTP clients: for every server one for sync use and one for each event loop. Connections are kept and reused.

    Proxies are those that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). Redirects are followed for files only: a
    key goes nowhere but where it was meant to. A forked child starts with clients of its own: two processes must not write into one connection.
    """

    def __init__(self) -> None:
        self._inherited: list[object] = []
        self._start_afresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_parent)
        atexit.register(self.close)

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[_Server, httpx.Client] = {}
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClients] = weakref.WeakKeyDictionary()
        self._contexts: dict[TLSSettings | None, Any] = {}

    def _forget_parent(self) -> None:
        # Destroying the clients of the parent's loops would wake those loops.
        self._inherited.append(self._by_loop)
        self._start_afresh()

    def close(self) -> None:
        """Close the idle connections of sync use; those of an event loop are closed when it shuts down."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def stream(
        self, request: WireRequest, decoder: Decoder, settings: TransportSettings, notify: Notify
    ) -> Iterator[list[Item]]:
        """Send the request and yield what its answer decodes to, as it arrives: for every piece of it the items it completes.

        Raises:
            ProviderError: the server answered with an error.
            TransportError: no answer came.
            IncompleteResponse: the answer broke off.
        """
        exchange = Exchange(request, decoder, settings)
        client = self._client(request.url, settings.tls)
        while True:
            try:
                with closing(client.send(exchange.http_request(), stream=True)) as reply:
                    if exchange.accept(reply):
                        for piece in exchange.iter_pieces(reply):
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        yield exchange.close(decoder)
                        return
                    retry = exchange.decide_after_refusal(reply, reply.read())
            except FAILURES as error:
                failure = exchange.decide_after_failure(error)
            except BaseException as error:
                if exchange.answering:
                    raise
                # The frames below hold the request's headers, and a printed traceback may show what frames hold.
                raise error.with_traceback(None) from None
            else:
                failure = retry
            if failure is None:
                return
            if isinstance(failure, ModelError):
                raise failure from None
            notify(failure)
            time.sleep(failure.delay)

    async def astream(
        self, request: WireRequest, decoder: Decoder, settings: TransportSettings, notify: Notify
    ) -> AsyncGenerator[list[Item], None]:
        """`stream()` on the running event loop."""
        exchange = Exchange(request, decoder, settings)
        client = await self._async_client(request.url, settings.tls)
        while True:
            try:
                async with aclosing(await client.send(exchange.http_request(), stream=True)) as reply:
                    if exchange.accept(reply):
                        async for piece in exchange.aiter_pieces(reply):
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        yield exchange.close(decoder)
                        return
                    retry = exchange.decide_after_refusal(reply, await reply.aread())
            except FAILURES as error:
                failure = exchange.decide_after_failure(error)
            except BaseException as error:
                if exchange.answering:
                    raise
                raise error.with_traceback(None) from None
            else:
                failure = retry
            if failure is None:
                return
            if isinstance(failure, ModelError):
                raise failure from None
            notify(failure)
            await _sleep(failure.delay)

    def fetch_json(self, url: str, headers: dict[str, str], *, sender: str, settings: TransportSettings) -> Any:
        """The JSON that a GET of this address answers with, such as a provider's list of models.

        Args:
            url: the address.
            headers: sent with the request; secret values are `Secret`s.
            sender: what the answer is for, for error messages.
            settings: how long to wait; it is asked once.

        Raises:
            ProviderError: the server answered with an error, or not with JSON.
            TransportError: no answer came.
        """
        exchange = Exchange(WireRequest(url, b"", headers, sender=sender), None, settings)
        try:
            reply = self._client(url, settings.tls).get(url, headers=headers, timeout=settings.httpx_timeout())
            if reply.is_success:
                return reply.json()
            failure: Any = exchange.refusal_error(reply, reply.content)
        except FAILURES as error:
            failure = exchange.failure_error(error)
        except ValueError:
            failure = provider_error(sender, "it sent what is not JSON")
        except BaseException as error:
            # The frames below hold the request's headers, and a printed traceback may show what frames hold.
            raise error.with_traceback(None) from None
        raise failure from None

    @contextmanager
    def open_file(self, request: WireRequest, settings: TransportSettings, notify: Notify) -> Iterator[OpenedFile]:
        """GET a file, to be read piece by piece. Redirects are followed; a key is not sent along to another host.

        Raises:
            ProviderError: the server answered with an error.
            TransportError: no answer came.
            IncompleteResponse: (from the pieces) the connection broke off.
        """
        exchange = Exchange(request, None, settings)
        while True:
            try:
                reply, asked = self._follow_redirects(exchange.file_request(), settings)
                if reply.is_success or reply.status_code == _NO_SUCH_RANGE:
                    break
                with closing(reply):
                    failure: Any = exchange.decide_after_refusal(reply, reply.read())
            except FAILURES as error:
                failure = exchange.decide_after_failure(error)
            except BaseException as error:
                # The frames below hold the request's headers, and a printed traceback may show what frames hold.
                raise error.with_traceback(None) from None
            if isinstance(failure, ModelError):
                raise failure from None
            notify(failure)
            time.sleep(failure.delay)
        with closing(reply):
            yield exchange.begin_file(reply, asked)

    def _follow_redirects(
        self, request: httpx.Request, settings: TransportSettings
    ) -> tuple[httpx.Response, httpx.Headers]:
        """The reply where all redirects end, unread, and the headers of the first."""
        asked: httpx.Headers | None = None
        for _ in range(_MOST_REDIRECTS):
            reply = self._client(str(request.url), settings.tls).send(request, stream=True)
            asked = reply.headers if asked is None else asked
            if reply.next_request is None:
                return reply, asked
            reply.close()
            if request.url.scheme == "https" and reply.next_request.url.scheme != "https":
                raise httpx.UnsupportedProtocol("it sent us on to an address without encryption")
            request = reply.next_request
        raise httpx.TooManyRedirects("it sent us from one address to the next")

    def _client(self, url: str, tls: TLSSettings | None) -> httpx.Client:
        server = _server_of(url, tls)
        with self._lock:
            if server not in self._clients:
                self._clients[server] = httpx.Client(
                    verify=self._tls_context(server), limits=_LIMITS, cookies=_NoCookies()
                )
            return self._clients[server]

    async def _async_client(self, url: str, tls: TLSSettings | None) -> httpx.AsyncClient:
        server, loop = _server_of(url, tls), _running_loop()
        with self._lock:
            of_loop = self._by_loop.setdefault(loop, _LoopClients())
            if server not in of_loop.clients:
                of_loop.clients[server] = httpx.AsyncClient(
                    verify=self._tls_context(server), limits=_LIMITS, cookies=_NoCookies()
                )
            client = of_loop.clients[server]
        if of_loop.closer is None:
            of_loop.closer = self._close_with(loop)
            await anext(of_loop.closer)
        return client

    async def _close_with(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with self._lock:
                of_loop = self._by_loop.pop(loop, _LoopClients())
            for client in of_loop.clients.values():
                await client.aclose()

    def _tls_context(self, server: _Server) -> Any:
        """The TLS context that all clients of the same settings share; made once, and never for plain http.

        Raises:
            TransportError: a certificate file cannot be used.
        """
        origin, tls = server
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


def _load_context(tls: TLSSettings) -> Any:
    context = httpx.create_ssl_context(verify=tls.verify)
    if tls.ca_file is not None:
        path = Path(tls.ca_file).expanduser()
        context.load_verify_locations(**{"capath" if path.is_dir() else "cafile": str(path)})
    if tls.cert_file is not None:
        key = None if tls.key_file is None else Path(tls.key_file).expanduser()
        context.load_cert_chain(Path(tls.cert_file).expanduser(), key)
    return context


def _server_of(url: str, tls: TLSSettings | None) -> _Server:
    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    return f"{scheme}://{host}".lower(), tls


def _running_loop() -> asyncio.AbstractEventLoop:
    import asyncio  # a slow import that only async code needs, and async code has it loaded

    return asyncio.get_running_loop()


async def _sleep(seconds: float) -> None:
    import asyncio  # a slow import that only async code needs, and async code has it loaded

    await asyncio.sleep(seconds)
