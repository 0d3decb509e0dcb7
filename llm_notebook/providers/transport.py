"""HTTP, the only module that knows httpx: sends a WireRequest, pumps the bytes through a Decoder, retries, reuses connections."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from llm_notebook.errors import IncompleteResponse, ModelError, TransportError
from llm_notebook.parts import StreamEvent
from llm_notebook.providers.retries import Retries, Retry
from llm_notebook.providers.wire import Decoder, WireRequest, provider_error

if TYPE_CHECKING:
    import asyncio

__all__ = ["Transport", "TransportSettings"]

_DEFAULT_TIMEOUT = 600.0
_CONNECT_TIMEOUT = 10.0
# People pause between prompts for longer than httpx's 5 s; a connection that the server closed meanwhile is noticed.
_LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=60.0)

Item = str | StreamEvent
Notify = Callable[[Retry], object]


@dataclass(slots=True, frozen=True)
class TransportSettings:
    """How a model's requests are sent.

    Attributes:
        timeout: seconds without a byte after which a request is given up; None means 600.
        max_retries: how often a request that was not answered is sent again.
    """

    timeout: float | None = None
    max_retries: int = 2

    def httpx_timeout(self) -> httpx.Timeout:
        seconds = self.timeout if self.timeout is not None else _DEFAULT_TIMEOUT
        return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_TIMEOUT))


@dataclass(slots=True)
class _LoopClients:
    """The clients of one event loop.

    Attributes:
        clients: by whether they speak TLS.
        closer: an async generator that waits in its `try`: the loop ends it when it shuts down, and it closes the clients.
    """

    clients: dict[bool, httpx.AsyncClient] = field(default_factory=dict)
    closer: AsyncGenerator[None, None] | None = None


class Transport:
    """Pooled HTTP clients: one for sync use and one for every event loop. Connections are kept and reused.

    A forked child starts with clients of its own: two processes must not write into one connection.
    """

    def __init__(self) -> None:
        self._inherited: list[object] = []
        self._start_afresh()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_parent)
        atexit.register(self.close)

    def _start_afresh(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[bool, httpx.Client] = {}
        self._by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopClients] = weakref.WeakKeyDictionary()
        self._tls: Any = None

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
        exchange = _Exchange(request, decoder, settings)
        client = self._client(request.url)
        while True:
            try:
                with client.stream("POST", request.url, **exchange.arguments()) as reply:
                    if exchange.accepts(reply):
                        for piece in exchange.pieces(reply):
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        yield decoder.close()
                        return
                    retry = exchange.refused(reply, reply.read())
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure = exchange.failed(error)
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
        exchange = _Exchange(request, decoder, settings)
        client = await self._async_client(request.url)
        while True:
            try:
                async with client.stream("POST", request.url, **exchange.arguments()) as reply:
                    if exchange.accepts(reply):
                        async for piece in exchange.apieces(reply):
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        yield decoder.close()
                        return
                    retry = exchange.refused(reply, await reply.aread())
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                failure = exchange.failed(error)
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

    def _client(self, url: str) -> httpx.Client:
        secure = _is_secure(url)
        with self._lock:
            if secure not in self._clients:
                self._clients[secure] = httpx.Client(verify=self._verify(secure), limits=_LIMITS)
            return self._clients[secure]

    async def _async_client(self, url: str) -> httpx.AsyncClient:
        secure, loop = _is_secure(url), _running_loop()
        with self._lock:
            of_loop = self._by_loop.setdefault(loop, _LoopClients())
            if secure not in of_loop.clients:
                of_loop.clients[secure] = httpx.AsyncClient(verify=self._verify(secure), limits=_LIMITS)
            client = of_loop.clients[secure]
        if of_loop.closer is None:
            of_loop.closer = self._closing_with(loop)
            await anext(of_loop.closer)
        return client

    async def _closing_with(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            with self._lock:
                of_loop = self._by_loop.pop(loop, _LoopClients())
            for client in of_loop.clients.values():
                await client.aclose()

    def _verify(self, secure: bool) -> Any:
        """The TLS context that all clients share; made once, and never for plain http."""
        if not secure:
            return False
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
        return self._tls


def _is_secure(url: str) -> bool:
    return url[:8].lower() == "https://"


class _Exchange:
    """One request and what its replies and failures mean. No I/O: both drivers above ask it.

    Attributes:
        answering: an answer has begun; nothing is sent again.
    """

    def __init__(self, request: WireRequest, decoder: Decoder, settings: TransportSettings) -> None:
        self._request = request
        self._decoder = decoder
        self._settings = settings
        self._retries = Retries(settings.max_retries)
        self.answering = False

    def arguments(self) -> dict[str, Any]:
        headers = {"content-type": "application/json", "accept-encoding": "identity", **self._request.headers}
        return {"content": self._request.body, "headers": headers, "timeout": self._settings.httpx_timeout()}

    def accepts(self, reply: httpx.Response) -> bool:
        """True if the reply is an answer to decode."""
        if not reply.is_success:
            return False
        self.answering = True
        kind = reply.headers.get("content-type", "")
        if kind.startswith("text/html"):
            raise TransportError(
                f"{self._request.sender}: {_shown(self._request.url)} answered with a web page, not an API. Check base_url."
            )
        if kind.startswith("application/json"):
            self._decoder.expect_whole()
        return True

    @staticmethod
    def pieces(reply: httpx.Response) -> Iterator[bytes]:
        return reply.iter_bytes() if "content-encoding" in reply.headers else reply.iter_raw()

    @staticmethod
    def apieces(reply: httpx.Response) -> AsyncIterator[bytes]:
        return reply.aiter_bytes() if "content-encoding" in reply.headers else reply.aiter_raw()

    def refused(self, reply: httpx.Response, content: bytes) -> Retry | ModelError:
        """What follows an error status."""
        try:
            body: Any = reply.json()
        except ValueError:
            kind = reply.headers.get("content-type", "")
            body = "" if kind.startswith("text/html") else content.decode(errors="replace")
        loading = reply.status_code == 503 and "loading" in str(body).lower()
        return self._retries.after_reply(
            reply.status_code, reply.headers, body=body, loading=loading
        ) or provider_error(
            self._request.sender, body, status=reply.status_code, headers=reply.headers, secret=self._request.secret
        )

    def failed(self, error: httpx.HTTPError | httpx.InvalidURL) -> Retry | ModelError | None:
        """What follows a failure of the connection; None if the answer was complete already."""
        if self._decoder.done:
            return None
        if isinstance(error, httpx.InvalidURL):
            return TransportError(f"{self._request.sender}: its address cannot be used ({error}). Check base_url.")
        if isinstance(error, httpx.LocalProtocolError):
            # The error quotes the header, and that may be the key.
            return TransportError(f"{self._request.sender}: a header cannot be sent. Check the key and headers=.")
        sender, host = self._request.sender, _shown(self._request.url)
        if self.answering:
            return IncompleteResponse(f"{sender}: the connection to {host} broke off mid-answer ({_cause(error)}).")
        unanswered = isinstance(
            error, httpx.NetworkError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.RemoteProtocolError
        )
        retry = self._retries.after_failure(f"No connection to {host}") if unanswered else None
        if retry is not None:
            return retry
        if isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout):
            seconds = self._settings.timeout or _DEFAULT_TIMEOUT
            return TransportError(f"{sender}: {host} did not answer within {seconds:g} s.")
        return TransportError(f"{sender}: could not reach {host} ({_cause(error)}). Check the address and the network.")


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__


def _shown(url: str) -> str:
    """The URL without what might be secret in it."""
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode().rpartition('@')[2]}{parsed.path}"


def _running_loop() -> asyncio.AbstractEventLoop:
    import asyncio  # noqa: PLC0415  a slow import that only async code needs, and async code has it loaded

    return asyncio.get_running_loop()


async def _sleep(seconds: float) -> None:
    import asyncio  # noqa: PLC0415  a slow import that only async code needs, and async code has it loaded

    await asyncio.sleep(seconds)
