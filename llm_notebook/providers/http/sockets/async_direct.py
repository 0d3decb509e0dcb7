"""Connections to servers on an event loop: what `direct.py` does, with `await`."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import httpcore
import httpx

from llm_notebook.providers.http.sockets.dialogue import Dialogue
from llm_notebook.providers.http.sockets.direct import FAILURES, MOST_READ, AsyncReply, Direct, for_httpx
from llm_notebook.providers.http.sockets.requests import Request

if TYPE_CHECKING:
    import ssl

    from llm_notebook.providers.http.sockets.asyncio_streams import Waits

__all__ = ["DirectAsyncConnection"]


class DirectAsyncConnection(Direct):
    """`DirectConnection`, on the running event loop. The connections of a loop share `waits`."""

    _stream: httpcore.AsyncNetworkStream | None = None

    def __init__(self, url: httpx.URL, tls: ssl.SSLContext | Literal[False], waits: Waits) -> None:
        super().__init__(url, tls)
        self._waits = waits

    async def send(self, request: Request) -> AsyncReply:
        """Send a request, and return the unread reply, as `DirectConnection.send()` does."""
        self._time_left.of_whole, self._idle_since = request.left, None
        try:
            stream = self._stream or await self._open(request)
            with suppress(httpcore.WriteError):
                await stream.write(request.head + (request.body or b""), request.times.get("write"))
            head = None
            while head is None:
                self._dialogue.arrived(await stream.read(MOST_READ, request.times.get("read")))
                head = self._dialogue.head()
        except FAILURES as error:
            raise for_httpx(error) from error
        return AsyncReply(head, _AsyncPieces(self, self._dialogue, stream, request.times))

    async def aclose(self) -> None:
        """Close the connection."""
        self._idle_since = None
        if self._stream is not None:
            await self._stream.aclose()

    async def end(self) -> None:
        """End the exchange, and close the connection unless another one may follow."""
        self._time_left.of_whole, self.is_in_step = None, self._dialogue.is_in_step
        if self._dialogue.may_follow:
            self._idle_since = time.monotonic()
        else:
            await self.aclose()

    async def _open(self, request: Request) -> httpcore.AsyncNetworkStream:
        from llm_notebook.providers.http.sockets.asyncio_streams import AsyncioBackend  # loads asyncio

        backend = AsyncioBackend(self._time_left, self._waits)
        self._stream = stream = await backend.connect_tcp(self._host, self._port, request.times.get("connect"))
        if self._tls:
            self._stream = stream = await stream.start_tls(**self._tls_arguments(request))
        return stream


class _AsyncPieces(AsyncIterator[bytes]):
    """The body of a reply. It is not a generator, because an event loop that shuts down closes generators even while they are in use."""

    __slots__ = ("_connection", "_dialogue", "_is_closed", "_stream", "_times")

    def __init__(
        self,
        connection: DirectAsyncConnection,
        dialogue: Dialogue,
        stream: httpcore.AsyncNetworkStream,
        times: Mapping[str, float | None],
    ) -> None:
        self._connection = connection
        self._dialogue = dialogue
        self._stream = stream
        self._times = times
        self._is_closed = False

    async def __anext__(self) -> bytes:
        while (piece := self._dialogue.piece()) is None:
            self._dialogue.arrived(await self._stream.read(MOST_READ, self._times.get("read")))
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            await self._connection.end()
