"""The transport: sends a WireRequest over HTTP, pumps the reply's bytes through a Decoder, retries, and reuses connections.

This is where the I/O happens. Besides this module only those in `sockets/`, `exchange.py` and `fetching.py` know httpx. `stream()` and
`astream()` are the same loop, without and with `await`:

    send the request
      → the reply is accepted:  feed its pieces to the decoder and yield the items; at the end yield what that completes
      → the reply is refused    } the Exchange decides: wait and send again, or raise
      → the connection fails    }

They decide nothing, so they cannot drift apart; `Exchange` and the decoder decide. Both are generators: closing one closes the
reply, and with it the connection, which is how an interrupt or a dropped response ends a request.

*Limits.* If a server has announced a limit, or has refused a request because of one, each attempt waits until the limit lets it through; see
`limits.py`. Retries wait there too.

*Connections.* Each attempt has its own connection, which `connections.py` opens or takes from the idle ones.

*Secrets.* A traceback that shows local variables shows those of httpx's frames too, and they hold the request's headers. So an exception
from there is raised again without its traceback. Once an answer has begun, those frames only read bytes, and an exception keeps its traceback.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import httpx

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.providers.http.answers.bounded import BoundedBody
from llm_notebook.providers.http.errors import provider_error
from llm_notebook.providers.http.exchange import FAILURES, Exchange, Item
from llm_notebook.providers.http.rate_limits.limiter import Limits, await_turn, wait_for_turn
from llm_notebook.providers.http.retries import Retry
from llm_notebook.providers.http.settings import TransportSettings
from llm_notebook.providers.http.sockets.connections import Connections
from llm_notebook.providers.http.sockets.direct import AsyncReply, Reply
from llm_notebook.providers.http.sockets.requests import Address, Request, request_to
from llm_notebook.providers.http.wire import Decoder, OpenedFile, WireRequest
from llm_notebook.turns.concurrency.interrupts import stoppable
from llm_notebook.turns.concurrency.withdrawal import current_withdrawal, pause

__all__ = ["Transport", "TransportSettings"]

_MOST_REDIRECTS = 10
_LARGEST_DOCUMENT = 32 * 2**20
_NO_SUCH_RANGE = 416

Notify = Callable[[Retry], object]


class Transport:
    """Sends requests on kept connections.

    Redirects are followed only for files, so a key is sent to no server but its own.
    """

    def __init__(self) -> None:
        self._connections = Connections()
        self._limits = process.of(Limits)

    def close(self) -> None:
        """Close the idle connections of sync code. Those of an event loop are closed when the loop shuts down."""
        self._connections.close()

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
        exchange = Exchange(request, decoder, settings, self._limits)
        failure: Retry | ModelError | None
        while True:
            try:
                _wait(exchange, notify)
                with self._connections.send(exchange.http_request(), settings) as reply:
                    failure = None
                    if exchange.accept(reply):
                        for piece in exchange.iter_pieces(reply):
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        if items := decoder.drain():
                            yield items
                    else:
                        failure = exchange.decide_after_refusal(reply, _beginning(exchange, reply))
            except FAILURES as error:
                failure = exchange.decide_after_failure(error)
            except BaseException as error:
                if exchange.answering:
                    raise
                # The frames below hold the request's headers, and a printed traceback may show what frames hold.
                raise error.with_traceback(None) from None
            if failure is None:
                # What this raises is about the answer. The connection is as good as before, and was kept.
                exchange.close(decoder)
                return
            if isinstance(failure, ModelError):
                raise failure from None
            notify(failure)
            pause(failure.delay)
            exchange.look_again()

    async def astream(
        self, request: WireRequest, decoder: Decoder, settings: TransportSettings, notify: Notify
    ) -> AsyncGenerator[list[Item], None]:
        """Do what `stream()` does, on the running event loop."""
        exchange = Exchange(request, decoder, settings, self._limits)
        failure: Retry | ModelError | None
        while True:
            try:
                await _await(exchange, notify)
                async with self._connections.asend(exchange.http_request(), settings) as reply:
                    failure = None
                    if exchange.accept(reply):
                        async for piece in exchange.aiter_pieces(reply):
                            if items := decoder.feed(piece):
                                yield items
                            if decoder.failure is not None:
                                break
                        if items := decoder.drain():
                            yield items
                    else:
                        failure = exchange.decide_after_refusal(reply, await _abeginning(exchange, reply))
            except FAILURES as error:
                failure = exchange.decide_after_failure(error)
            except BaseException as error:
                if exchange.answering:
                    raise
                raise error.with_traceback(None) from None
            if failure is None:
                exchange.close(decoder)
                return
            if isinstance(failure, ModelError):
                raise failure from None
            notify(failure)
            await _sleep(failure.delay)
            exchange.look_again()

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
            with stoppable(), self._connections.send(exchange.file_request(), settings) as reply:
                if reply.is_success:
                    body = BoundedBody(reply.headers, most=_LARGEST_DOCUMENT, seconds=settings.seconds)
                    _read_into(body, reply)
                    exchange.check_time()
                    document: object = json.loads(body.content)
                    return document
                failure = exchange.refusal_error(reply, _beginning(exchange, reply))
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
        failure: Retry | ModelError | None
        with ExitStack() as replies:
            while True:
                try:
                    reply, first_headers = self._follow_redirects(exchange.file_request(), settings, replies)
                    if reply.is_success or reply.status_code == _NO_SUCH_RANGE:
                        break
                    failure = exchange.decide_after_refusal(reply, _beginning(exchange, reply))
                except FAILURES as error:
                    failure = exchange.decide_after_failure(error)
                except BaseException as error:
                    # The frames below hold the request's headers, and a printed traceback may show what frames hold.
                    raise error.with_traceback(None) from None
                replies.close()
                assert failure is not None  # None means a complete answer, and without a decoder there is none
                if isinstance(failure, ModelError):
                    raise failure from None
                notify(failure)
                pause(failure.delay)
            yield exchange.begin_file(reply, first_headers)

    def _follow_redirects(
        self, request: Request, settings: TransportSettings, replies: ExitStack
    ) -> tuple[Reply, httpx.Headers]:
        """Send a request and follow redirects.

        Args:
            request: the first request.
            settings: how to send it.
            replies: closes the replies.

        Returns:
            The unread reply at the end, and the headers of the first reply.
        """
        first_headers: httpx.Headers | None = None
        for _ in range(_MOST_REDIRECTS):
            reply = replies.enter_context(self._connections.send(request, settings))
            first_headers = reply.headers if first_headers is None else first_headers
            if reply.redirects_to is None:
                return reply, first_headers
            request = _redirected(request, reply.redirects_to)
        raise httpx.TooManyRedirects("it sent us from one address to the next")


def _redirected(request: Request, location: str) -> Request:
    """Return the request for the target of a redirect. A key is sent only to the same server.

    Raises:
        httpx.RemoteProtocolError: the target is not an address.
        httpx.UnsupportedProtocol: the target is not encrypted.
    """
    before = request.address.url
    try:
        url = before.join(location)
    except httpx.InvalidURL:
        raise httpx.RemoteProtocolError("it sent us on to what is no address") from None
    if before.scheme == "https" and url.scheme != "https":
        raise httpx.UnsupportedProtocol("it sent us on to an address without encryption")
    is_same = (url.scheme, url.host, url.port) == (before.scheme, before.host, before.port)
    dropped = {"host"} if is_same else {"host", "authorization", "cookie"}
    sent = httpx.Headers(request.headers)
    headers = {name: value for name, value in sent.items() if name not in dropped}
    return request_to("GET", Address(url), headers, request.times, left=request.left)


def _wait(exchange: Exchange, notify: Notify) -> None:
    """Wait until the limit of the server and key, if one is known, lets the next attempt through."""
    if (gate := exchange.gate_to_wait_at()) is not None:
        wait_for_turn(gate, exchange.waits, notify)
    if (withdrawal := current_withdrawal.get()) is not None:
        withdrawal.refuse()


async def _await(exchange: Exchange, notify: Notify) -> None:
    """Do what `_wait()` does, on the running event loop."""
    if (gate := exchange.gate_to_wait_at()) is not None:
        await await_turn(gate, exchange.waits, notify)
    if (withdrawal := current_withdrawal.get()) is not None:
        withdrawal.refuse()


def _beginning(exchange: Exchange, reply: Reply) -> bytes:
    """Return the beginning of a refusal's body, as far as it arrives."""
    body = exchange.refusal_body(reply)
    with suppress(*FAILURES):
        _read_into(body, reply)
    return body.content


def _read_into(body: BoundedBody, reply: Reply) -> None:
    for piece in reply:
        if not body.feed(piece):
            break


async def _abeginning(exchange: Exchange, reply: AsyncReply) -> bytes:
    """Return the same as `_beginning()` for an async reply."""
    body = exchange.refusal_body(reply)
    with suppress(*FAILURES):
        async for piece in reply:
            if not body.feed(piece):
                break
    return body.content


async def _sleep(seconds: float) -> None:
    from llm_notebook.turns.concurrency.waits import wait  # loads asyncio, and async code has it loaded

    await wait(seconds)
