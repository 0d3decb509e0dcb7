"""Connections of the event loop: neither side is sent more than it takes, and every end has an error of httpcore's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpcore
import pytest

from llm_notebook.providers.http.sockets.asyncio_streams import AsyncioBackend, Waits
from llm_notebook.providers.http.sockets.deadlines import TimeLeft

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Use = Callable[[httpcore.AsyncNetworkStream], Awaitable[Any]]
_MUCH = 2**24


def _with_server(handler: Handler, use: Use) -> Any:
    """Return what `use` does with a connection to a server, which treats it as `handler` says."""

    async def main() -> Any:
        server = await asyncio.start_server(handler, "127.0.0.1", 0)
        async with server:
            stream = await AsyncioBackend(TimeLeft(), Waits()).connect_tcp(
                "127.0.0.1", server.sockets[0].getsockname()[1], timeout=30
            )
            try:
                return await use(stream)
            finally:
                await stream.aclose()

    return asyncio.run(main())


def test_a_server_that_sends_much_is_held_back_until_it_is_read() -> None:
    sent_all = asyncio.Event()

    async def send_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(bytes(_MUCH))
        await writer.drain()
        sent_all.set()
        writer.close()

    async def read_late(stream: httpcore.AsyncNetworkStream) -> int:
        count = len(await stream.read(1, timeout=30))
        # The server goes on as long as it can.
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not sent_all.is_set()
        while piece := await stream.read(2**16, timeout=30):
            assert len(piece) <= 2**16
            count += len(piece)
        return count

    assert _with_server(send_much, read_late) == _MUCH


def test_a_server_that_reads_slowly_is_sent_everything() -> None:
    async def read_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = 0
        while count < _MUCH:
            count += len(await reader.read(2**16))
            await asyncio.sleep(0)
        writer.write(str(count).encode())
        writer.close()

    async def send_much(stream: httpcore.AsyncNetworkStream) -> bytes:
        await stream.write(bytes(_MUCH), timeout=30)
        return await stream.read(100, timeout=30)

    assert _with_server(read_slowly, send_much) == str(_MUCH).encode()


@pytest.mark.parametrize(
    ("use", "late"),
    [
        (lambda stream: stream.read(1, timeout=0.01), httpcore.ReadTimeout),
        (lambda stream: stream.write(bytes(_MUCH), timeout=0.01), httpcore.WriteTimeout),
    ],
    ids=["reading", "writing"],
)
def test_a_server_that_does_nothing_is_given_up(use: Use, late: type[Exception]) -> None:
    async def do_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    with pytest.raises(late):
        _with_server(do_nothing, use)


def test_a_closed_connection_is_known_before_it_is_used() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async def read_and_write(stream: httpcore.AsyncNetworkStream) -> None:
        assert await stream.read(1, timeout=30) == b""
        assert stream.get_extra_info("is_readable")
        while stream.get_extra_info("socket").fileno() != -1:
            await asyncio.sleep(0)
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"x", timeout=30)

    _with_server(close, read_and_write)


def test_a_reset_is_an_error() -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async def read(stream: httpcore.AsyncNetworkStream) -> None:
        # What the server has not read makes it reset the connection.
        await stream.write(b"xx" * 2**17, timeout=30)
        await stream.read(1, timeout=30)

    with pytest.raises((httpcore.ReadError, httpcore.WriteError)):
        _with_server(reset, read)


def test_a_server_that_is_not_there_cannot_be_reached() -> None:
    with pytest.raises(httpcore.ConnectError, match="127"):
        asyncio.run(AsyncioBackend(TimeLeft(), Waits()).connect_tcp("127.0.0.1", 9, timeout=30))
