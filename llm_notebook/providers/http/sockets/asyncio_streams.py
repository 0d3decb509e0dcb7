"""asyncio's own connections, in the form in which httpcore reads and writes them.

httpcore has such a module itself, on top of anyio, which works with trio as well. Our async code needs asyncio anyway. Without the layer in
between, a request takes a third less CPU time and leaves half as many objects for the garbage collector to traverse while it waits, which is
where many requests at once spend most of their time.

A timer for each wait would be three more objects, so all waits of an event loop share one: see `Waits`.

How it works. The event loop tells a `_Protocol` what happens to one connection, and the protocol keeps what has arrived. A `_Stream` reads from
it, and waits if there is nothing yet, but never longer than the time that is left for the whole answer. The socket is not read while much data
waits in the protocol, and `write()` waits while much data waits to be sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import cast

import httpcore

from llm_notebook.providers.http.sockets.deadlines import TimeLeft

__all__ = ["AsyncioBackend", "Waits"]

# How many bytes a fast server may send ahead of its reader.
_MOST_UNREAD = 2**18
# After this time a name's next address is tried in parallel, as RFC 8305 recommends.
_NEXT_ADDRESS_SECONDS = 0.25


class Waits:
    """The waits of one event loop that have a limit, with one timer for all of them.

    The timer is set to the earliest end that was ever asked for. When it fires, waits whose time is over are ended, and the timer is set anew
    for the others. Most waits end by themselves long before that, and cost no more than their place in a set.
    """

    __slots__ = ("_timer", "_waiting")

    def __init__(self) -> None:
        self._waiting: set[_Protocol] = set()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, protocol: _Protocol) -> None:
        """Give up the wait of a protocol when its time is over."""
        self._waiting.add(protocol)
        if self._timer is None or self._timer.when() > protocol.waits_until:
            self._set(protocol.waits_until)

    def discard(self, protocol: _Protocol) -> None:
        """Forget the wait of a protocol."""
        self._waiting.discard(protocol)

    def _set(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(when, self._give_up, when)

    def _give_up(self, now: float) -> None:
        self._timer = None
        now = max(now, asyncio.get_running_loop().time())
        for protocol in [waiting for waiting in self._waiting if waiting.waits_until <= now]:
            self._waiting.discard(protocol)
            protocol.give_up()
        if self._waiting:
            self._set(min(waiting.waits_until for waiting in self._waiting))


class _Protocol(asyncio.Protocol):
    """What has happened to one connection so far.

    Args:
        waits: ends the waits that take too long.

    Attributes:
        transport: the connection.
        received: what has arrived and has not been read yet.
        is_over: whether nothing more will arrive.
        error: what ended the connection; None if it ended without an error.
        is_full: whether the connection accepts no more data at the moment.
        waits_until: the time of the event loop at which the present wait is given up.
    """

    __slots__ = (
        "_is_paused",
        "_late",
        "_waiter",
        "_waits",
        "error",
        "is_full",
        "is_over",
        "received",
        "transport",
        "waits_until",
    )

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._late: type[Exception] = TimeoutError
        self.waits_until = 0.0
        self.transport: asyncio.Transport | None = None
        self.received = bytearray()
        self.is_over = self.is_full = self._is_paused = False
        self.error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        if len(self.received) > _MOST_UNREAD and not self._is_paused and self.transport is not None:
            self._is_paused = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        self.is_over = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over, self.is_full, self.error = True, False, exc
        self._wake()

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._wake()

    def take(self, most: int) -> bytes:
        """Return what has arrived, up to a number of bytes."""
        taken = bytes(self.received[:most])
        del self.received[:most]
        if self._is_paused and not self.is_over and self.transport is not None:
            self._is_paused = False
            self.transport.resume_reading()
        return taken

    def change(self, timeout: float | None, late: type[Exception]) -> asyncio.Future[None]:
        """Return a future that is done when something happens to the connection, or fails with an error of a class if nothing happens in this
        many seconds."""
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        if timeout is not None:
            self._late, self.waits_until = late, loop.time() + timeout
            self._waits.add(self)
        return waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        self._waits.discard(self)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def give_up(self) -> None:
        """End the current wait with an error, if somebody is still waiting."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(self._late())


class _Stream(httpcore.AsyncNetworkStream):
    """One connection. It is read and written by one task at a time, which reads nothing before it has written."""

    def __init__(self, transport: asyncio.Transport, protocol: _Protocol, time_left: TimeLeft) -> None:
        self._transport = transport
        self._protocol = protocol
        self._time_left = time_left

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        protocol = self._protocol
        while not protocol.received and not protocol.is_over:
            await protocol.change(self._time_left.bound(timeout), httpcore.ReadTimeout)
        if not protocol.received and protocol.error is not None:
            raise httpcore.ReadError(str(protocol.error)) from protocol.error
        return protocol.take(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        protocol = self._protocol
        if buffer and not self._transport.is_closing():
            self._transport.write(buffer)
            while protocol.is_full:
                await protocol.change(self._time_left.bound(timeout), httpcore.WriteTimeout)
        if self._transport.is_closing():
            raise httpcore.WriteError(str(protocol.error or "the connection is closed"))

    async def aclose(self) -> None:
        # `close()` would wait until everything is sent, and with TLS until the server agrees.
        self._transport.abort()
        await asyncio.sleep(0)

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(self._time_left.bound(timeout)):
                transport = await asyncio.get_running_loop().start_tls(
                    self._transport, self._protocol, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            await self.aclose()
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            await self.aclose()
            raise httpcore.ConnectError(str(error)) from error
        if transport is None:
            raise httpcore.ConnectError("the connection was closed")
        self._protocol.transport = transport
        return _Stream(transport, self._protocol, self._time_left)

    def get_extra_info(self, info: str) -> object:
        if info == "is_readable":
            return self._protocol.is_over or bool(self._protocol.received)
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of the running event loop.

    Args:
        time_left: how long each wait may take.
        waits: ends the waits that take longer.
    """

    def __init__(self, time_left: TimeLeft, waits: Waits) -> None:
        self._time_left = time_left
        self._waits = waits

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        local = None if local_address is None else (local_address, 0)
        try:
            async with asyncio.timeout(self._time_left.bound(timeout)):
                transport, protocol = await loop.create_connection(
                    lambda: _Protocol(self._waits),
                    host,
                    port,
                    local_addr=local,
                    happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS,
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return _Stream(transport, protocol, self._time_left)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
