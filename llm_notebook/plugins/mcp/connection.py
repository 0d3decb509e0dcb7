"""Connections to MCP servers. All of them live on one event loop of their own, whoever calls: sync or async, in whatever thread."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import os
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from llm_notebook.errors import ModelError
from llm_notebook.turns.event_loop import EventLoopThread

if TYPE_CHECKING:
    from mcp_types import CallToolResult, Tool

__all__ = ["Connection", "Connections", "Server"]

T = TypeVar("T")

_SECONDS_TO_CLOSE = 10.0
_SECONDS_TO_READ = 1.0
_KEPT_LINES = 4
_LONGEST_LINE = 200


@dataclass(slots=True)
class Server:
    """Where a server is, and with what it is started or asked.

    Attributes:
        command: the program and its arguments; empty for a server that is reached by address.
        url: the address of a server that runs already.
        folder: where the program is started.
        environment: more variables for the program; it sees only harmless ones of ours.
        headers: sent with every request to the address.
        timeout: seconds that it has to start, and to answer each call.
    """

    command: tuple[str, ...] = ()
    url: str | None = None
    folder: str | None = None
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 60.0

    @property
    def shown(self) -> str:
        """What error messages call it."""
        return " ".join(self.command) if self.command else (self.url or "").partition("?")[0]


class Connections:
    """The open connections of this process, and the loop they live on. What is still open at exit is closed then."""

    def __init__(self) -> None:
        self.loop = EventLoopThread()
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._process = os.getpid()
        atexit.register(self.close)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Have a coroutine run on the loop."""
        return self.loop.submit(coroutine)

    def opened(self, connection: Connection) -> None:
        """Remember to close it."""
        self._open.add(connection)

    def close(self) -> None:
        """Close all that is open, and wait for it. A forked child leaves its parent's alone."""
        if self._process != os.getpid():
            return
        closing = [self.submit(connection.aclose()) for connection in list(self._open)]
        concurrent.futures.wait(closing, timeout=_SECONDS_TO_CLOSE)


class Connection:
    """One server, connected to when it is first needed, and anew after the connection broke.

    Its coroutines run on the loop of `Connections` only. The client is entered and left by one task, as its library wants it.
    """

    def __init__(self, server: Server, connections: Connections) -> None:
        self._server = server
        self._connections = connections
        self._ready: asyncio.Future[Client] | None = None
        self._leave = asyncio.Event()
        self._holder: asyncio.Task[None] | None = None
        self._stderr: _LastLines | None = None
        self._process = os.getpid()

    @property
    def is_open(self) -> bool:
        """It was connected to, in this process, and not closed since."""
        return self._ready is not None and self._process == os.getpid()

    async def tools(self) -> list[Tool]:
        """What the server offers.

        Raises:
            ModelError: it cannot be started or reached, or does not answer.
        """
        client = await self._client()
        found: list[Tool] = []
        cursor: str | None = None
        while True:
            page = await self._answered(client.list_tools(cursor=cursor, cache_mode="bypass"))
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Have the server run a tool, once: a call whose connection broke is not sent again.

        Raises:
            ModelError: the server refused, broke off, or took too long.
        """
        client = await self._client()
        return await self._answered(client.call_tool(name, arguments))

    async def aclose(self) -> None:
        """End the connection, and the server with it if we started it. The next call connects anew."""
        holder, self._holder, self._ready = self._holder, None, None
        if holder is not None:
            self._leave.set()
            await asyncio.wait([holder], timeout=_SECONDS_TO_CLOSE)

    async def _client(self) -> Client:
        if not self.is_open:
            # A forked child has no part in its parent's connection.
            self._process = os.getpid()
            self._ready = asyncio.get_running_loop().create_future()
            self._leave = asyncio.Event()
            self._holder = asyncio.create_task(self._hold(self._ready, self._leave))
            self._connections.opened(self)
        ready = self._ready
        assert ready is not None
        try:
            # Whoever is cancelled while waiting does not cancel it for the others.
            return await asyncio.shield(ready)
        except ModelError:
            if self._ready is ready:
                self._holder = self._ready = None
            raise

    async def _hold(self, ready: asyncio.Future[Client], leave: asyncio.Event) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._server.timeout):
                    client = await self._entered(stack)
                ready.set_result(client)
                await leave.wait()
        except BaseException as error:  # whatever it is, who waits must hear of it
            if not ready.done():
                ready.set_exception(self._unreachable(error))
                ready.exception()  # read once here: nobody need be waiting any more

    async def _entered(self, stack: AsyncExitStack) -> Client:
        server = self._server
        if server.command:
            program, *arguments = server.command
            parameters = StdioServerParameters(
                command=program, args=arguments, env=server.environment, cwd=server.folder
            )
            self._stderr = _LastLines()
            transport: Any = stdio_client(parameters, errlog=stack.enter_context(self._stderr.file))
        else:
            import httpx2  # only for servers that are reached by address

            # A tool may take its time: how long a call may take is the client's matter.
            patience = httpx2.Timeout(server.timeout, read=None)
            http = await stack.enter_async_context(httpx2.AsyncClient(headers=server.headers, timeout=patience))
            transport = streamable_http_client(server.url or "", http_client=http)
        return await stack.enter_async_context(Client(transport, read_timeout_seconds=server.timeout))

    async def _answered(self, answer: Awaitable[T]) -> T:
        shown = self._server.shown
        try:
            return await answer
        except MCPError as error:
            if error.code == mcp_types.CONNECTION_CLOSED or "terminated" in error.message:
                await self.aclose()
                raise ModelError(
                    f"The connection to the MCP server {shown} broke before it answered; whether it did what was asked is not "
                    f"known.{self._last_said()} The next call connects anew."
                ) from error
            if error.code == mcp_types.REQUEST_TIMEOUT:
                raise ModelError(
                    f"The MCP server {shown} did not answer within {self._server.timeout:g} seconds: give mcp_toolbox() a "
                    "larger timeout=."
                ) from error
            raise ModelError(str(error)) from error
        except ValueError as error:  # pydantic's: the server broke the protocol
            raise ModelError(f"The MCP server {shown} answered with something that is no result: {error}") from error

    def _unreachable(self, error: BaseException) -> ModelError:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        shown, said = self._server.shown, " ".join(str(error).split()) or type(error).__name__
        if isinstance(error, TimeoutError):
            said = f"no answer within {self._server.timeout:g} seconds"
        what = "could not be started" if self._server.command else "could not be reached"
        unreachable = ModelError(f"The MCP server {shown} {what} ({said}).{self._last_said()}")
        unreachable.__cause__ = error
        return unreachable

    def _last_said(self) -> str:
        return self._stderr.sentence() if self._stderr is not None else ""


class _LastLines:
    """The last lines that a program writes to its stderr, for error messages.

    Attributes:
        file: what the program writes to; to be closed here when the program is gone.
    """

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reading, writing = os.pipe()
        self.file = os.fdopen(writing, "w", encoding="utf-8")
        self._reader = threading.Thread(target=self._read, name="stderr of an MCP server", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with os.fdopen(self._reading, encoding="utf-8", errors="replace") as file:
            self._lines.extend(line.strip()[:_LONGEST_LINE] for line in file if line.strip())

    def sentence(self) -> str:
        """` It last said: …`, or nothing. Once the program is gone, all that it wrote counts."""
        if self.file.closed:
            self._reader.join(_SECONDS_TO_READ)
        return f" It last said: {' / '.join(self._lines)!r}." if self._lines else ""
