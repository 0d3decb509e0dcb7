"""Connections of asyncio's own, in the form in which httpcore reads and writes them.

httpcore brings such a module itself, on top of anyio, which works with trio as well. Our async code needs asyncio anyway. Without the layer
between, a request takes a third less CPU time and leaves half as many objects for the garbage collector to look through while it waits,
which is what many requests at once spend most of their time on.

How it works. A `_Protocol` is told by the event loop what happens to one connection, and keeps what has arrived. A `_Stream` reads from it, and
waits where there is nothing yet, but never longer than is left of the time for the whole answer. Nothing is read from the socket while much is waiting to be read here, and `write()` waits while
much is waiting to be sent.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore

from llm_notebook.providers.http.deadlines import TimeLeft

__all__ = ["AsyncioBackend"]

# What a fast server may send ahead of its reader.
_MOST_UNREAD = 2**18
# After that time a name's next address is tried beside the first, which RFC 8305 recommends.
_NEXT_ADDRESS_SECONDS = 0.25


class _Protocol(asyncio.Protocol):
    """What has happened to one connection so far.

    Attributes:
        transport: the connection.
        received: what has arrived and was not read yet.
        is_over: nothing more will arrive.
        error: what ended the connection; None if it ended well.
        is_full: the connection takes nothing to send at the moment.
    """

    __slots__ = ("_is_paused", "_waiter", "error", "is_full", "is_over", "received", "transport")

    def __init__(self) -> None:
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

    async def change(self, timeout: float | None, late: type[Exception]) -> None:
        """Wait until something happens to the connection.

        Raises:
            Exception: nothing has, for so many seconds: an error of the class that was given.
        """
        loop = asyncio.get_running_loop()
        self._waiter = waiter = loop.create_future()
        timer = None if timeout is None else loop.call_later(timeout, _give_up, waiter, late)
        try:
            await waiter
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _give_up(waiter: asyncio.Future[None], late: type[Exception]) -> None:
    if not waiter.done():
        waiter.set_exception(late())


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

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._protocol.is_over or bool(self._protocol.received)
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._transport.get_extra_info(names.get(info, info))


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """Opens the connections of the running event loop.

    Args:
        time_left: how long each wait may take.
    """

    def __init__(self, time_left: TimeLeft) -> None:
        self._time_left = time_left

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
                    _Protocol, host, port, local_addr=local, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS
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
