"""The transport: sends a WireRequest over HTTP, pumps the reply's bytes through a Decoder, retries, and reuses connections.

This is where the I/O happens, and with `exchange.py` the only place that knows httpx. `stream()` and `astream()` are the same loop,
without and with `await`:

    send the request
      → the reply is accepted:  feed its pieces to the decoder and yield the items; at the end yield what close() returns
      → the reply is refused    } the Exchange decides: wait and send again, or raise
      → the connection fails    }

They decide nothing, so that they cannot drift apart; `Exchange` and the decoder decide. Both are generators: closing one closes the
reply, and with it the connection, which is how an interrupt or a dropped response ends a request.

*Clients.* httpx pools connections in a client. There is one client for each server and its TLS settings, since a client has one TLS
context and one limit on its connections. Sync clients belong to the process. Async clients belong to an event loop, because their sockets
are registered with it, and are closed when that loop shuts down. Nothing in asyncio announces that, except that a loop closes its async
generators. So `_async_client()` starts a generator that only waits, and that closes the loop's clients when it is closed itself.

*Forks.* Two processes must not write into one connection. A forked child therefore starts with new clients. It keeps a reference to
the inherited async ones, because destroying them would wake the parent's event loops.

*Secrets.* A traceback that shows local variables shows those of httpx's frames too, and they hold the request's headers. So an exception
from there is raised again without its traceback. Once an answer has begun, those frames only read bytes, and an exception keeps its traceback.
"""

from __future__ import annotations

import atexit
import http.cookiejar
import json
import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx

from llm_notebook.errors import ModelError, TransportError
from llm_notebook.providers.http.bounded import BoundedBody
from llm_notebook.providers.http.errors import provider_error
from llm_notebook.providers.http.exchange import FAILURES, Exchange, Item, OpenedFile, TransportSettings
from llm_notebook.providers.http.retries import Retry
from llm_notebook.providers.http.wire import Decoder, TLSSettings, WireRequest

if TYPE_CHECKING:
    import asyncio
    import ssl

__all__ = ["Transport", "TransportSettings"]

# httpx drops idle connections after 5 s, but people pause longer between prompts. It notices those that a server closed meanwhile.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=60.0)

_MOST_REDIRECTS = 10
_LARGEST_DOCUMENT = 32 * 2**20
_NO_SUCH_RANGE = 416

Notify = Callable[[Retry], object]


class _NoCookies(http.cookiejar.CookieJar):
    """A cookie jar that stays empty. No model's API needs cookies, and looking for them is the slowest step of a short answer."""

    def extract_cookies(self, response: object, request: object) -> None:
        pass


_Server = tuple[str, TLSSettings | None]
"""A server's scheme, host and port, and the TLS settings: requests with the same pair share connections."""


@dataclass(slots=True)
class _LoopClients:
    """The clients of one event loop.

    Attributes:
        clients: the clients by their server and TLS settings.
        closer: the async generator that the loop closes when it shuts down, and that then closes the clients.
    """

    clients: dict[_Server, httpx.AsyncClient] = field(default_factory=dict)
    closer: AsyncGenerator[None, None] | None = None


class Transport:
    """Pooled HTTP clients, whose connections are kept and reused.

    Proxies are those that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). Redirects are followed for files only, so
    that a key goes nowhere but to the server it was meant for.
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
        self._contexts: dict[TLSSettings | None, ssl.SSLContext] = {}

    def _forget_parent(self) -> None:
        # Destroying the clients of the parent's loops would wake those loops.
        self._inherited.append(self._by_loop)
        self._start_afresh()

    def close(self) -> None:
        """Close the idle connections of the sync clients. Those of an event loop are closed when the loop shuts down."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def stream(
        self, request: WireRequest, decoder: Decoder, settings: TransportSettings, notify: Notify
    ) -> Iterator[list[Item]]:
        """Send the request, and yield the decoded items of its answer as they arrive, in one list for each piece.

        Args:
            request: what to send.
            decoder: decodes the answer.
            settings: how to send it.
            notify: called with each Retry before it is waited for.

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
                            exchange.check_time()
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        yield exchange.close(decoder)
                        return
                    retry = exchange.decide_after_refusal(reply, _beginning(reply))
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
        """Do as `stream()` does, on the running event loop."""
        exchange = Exchange(request, decoder, settings)
        client = await self._async_client(request.url, settings.tls)
        while True:
            try:
                async with aclosing(await client.send(exchange.http_request(), stream=True)) as reply:
                    if exchange.accept(reply):
                        async for piece in exchange.aiter_pieces(reply):
                            exchange.check_time()
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        yield exchange.close(decoder)
                        return
                    retry = exchange.decide_after_refusal(reply, await _abeginning(reply))
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

    def fetch_json(self, request: WireRequest, settings: TransportSettings) -> object:
        """GET a JSON document, such as a provider's list of models. There are no retries.

        Args:
            request: the address and headers; its body is not sent.
            settings: how long to wait, and TLS.

        Raises:
            ProviderError: the server answered with an error, or not with JSON.
            TransportError: no answer came.
        """
        exchange = Exchange(request, None, settings)
        failure: ModelError
        try:
            with closing(self._client(request.url, settings.tls).send(exchange.file_request(), stream=True)) as reply:
                if reply.is_success:
                    body = BoundedBody(reply.headers, most=_LARGEST_DOCUMENT, seconds=settings.seconds)
                    _read_into(body, reply)
                    document: object = json.loads(body.content)
                    return document
                failure = exchange.refusal_error(reply, _beginning(reply))
        except FAILURES as error:
            failure = exchange.failure_error(error)
        except (ValueError, RecursionError):
            failure = provider_error(request.sender, "it sent what is not JSON, or more than a list can be")
        except BaseException as error:
            # The frames below hold the request's headers, and a printed traceback may show what frames hold.
            raise error.with_traceback(None) from None
        raise failure from None

    @contextmanager
    def open_file(self, request: WireRequest, settings: TransportSettings, notify: Notify) -> Iterator[OpenedFile]:
        """GET a file, and give it to the `with` block to be read piece by piece.

        Redirects are followed, but a key is not sent on to another host.

        Args:
            request: the address and headers.
            settings: how to send it.
            notify: called with each Retry before it is waited for.

        Raises:
            ProviderError: the server answered with an error.
            TransportError: no answer came.
            IncompleteResponse: (from the pieces) the connection broke off.
        """
        exchange = Exchange(request, None, settings)
        while True:
            failure: Retry | ModelError | None
            try:
                reply, first_headers = self._follow_redirects(exchange.file_request(), settings)
                if reply.is_success or reply.status_code == _NO_SUCH_RANGE:
                    break
                with closing(reply):
                    failure = exchange.decide_after_refusal(reply, _beginning(reply))
            except FAILURES as error:
                failure = exchange.decide_after_failure(error)
            except BaseException as error:
                # The frames below hold the request's headers, and a printed traceback may show what frames hold.
                raise error.with_traceback(None) from None
            assert failure is not None  # None means a complete answer, and without a decoder there is none
            if isinstance(failure, ModelError):
                raise failure from None
            notify(failure)
            time.sleep(failure.delay)
        with closing(reply):
            yield exchange.begin_file(reply, first_headers)

    def _follow_redirects(
        self, request: httpx.Request, settings: TransportSettings
    ) -> tuple[httpx.Response, httpx.Headers]:
        """Send a request and follow redirects.

        Returns:
            The unread reply at the end, and the headers of the first reply.
        """
        first_headers: httpx.Headers | None = None
        for _ in range(_MOST_REDIRECTS):
            reply = self._client(str(request.url), settings.tls).send(request, stream=True)
            first_headers = reply.headers if first_headers is None else first_headers
            if reply.next_request is None:
                return reply, first_headers
            reply.close()
            # httpx itself drops the key from a request to another host, but it allows a redirect to plain http.
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
        """Wait until the loop shuts down, and close its clients."""
        try:
            yield
        finally:
            with self._lock:
                of_loop = self._by_loop.pop(loop, _LoopClients())
            for client in of_loop.clients.values():
                await client.aclose()

    def _tls_context(self, server: _Server) -> ssl.SSLContext | Literal[False]:
        """Return the TLS context for a server. Servers with the same settings share one; for plain http there is none.

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


def _beginning(reply: httpx.Response) -> bytes:
    """Return the beginning of the body of a refusal, as far as it comes."""
    body = BoundedBody(reply.headers)
    with suppress(*FAILURES):
        _read_into(body, reply)
    return body.content


def _read_into(body: BoundedBody, reply: httpx.Response) -> None:
    for piece in reply.iter_raw():
        if not body.feed(piece):
            break


async def _abeginning(reply: httpx.Response) -> bytes:
    """Return the same as `_beginning()` for an async reply."""
    body = BoundedBody(reply.headers)
    with suppress(*FAILURES):
        async for piece in reply.aiter_raw():
            if not body.feed(piece):
                break
    return body.content


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
