"""Connections to MCP servers. They live on a separate event loop, so that sync and async code in any thread can use them.

The client of the `mcp` package has to be entered and left by the same task, and keeps tasks of its own between the calls. The tools of a
chain, on the other hand, run in whatever thread or event loop the chain runs in, and a loop that `asyncio.run()` makes ends with that
call. So each Connection has a task on the private loop that holds it, `_hold()`: the task enters the client, hands it out through the
future `_ready`, and waits for the event `_leave`. Every call runs on that loop too; `Connections.submit()` takes it there from any thread.

A connection opens with the first call, and again with the next call after it broke or was closed. `_ready` is None while there
is none. A call that fails is never repeated, since nobody knows whether the server has already done what it was asked.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import logging
import os
import threading
import warnings
import weakref
from collections import deque
from collections.abc import Awaitable, Coroutine
from contextlib import AsyncExitStack, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import mcp_types
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from llm_notebook.configuration.proxies import proxy_for
from llm_notebook.configuration.scrubbing import shown_url
from llm_notebook.errors import ModelError
from llm_notebook.turns.concurrency.event_loop import EventLoopThread

if TYPE_CHECKING:
    from mcp.client import Transport
    from mcp_types import CallToolResult, Tool

__all__ = ["Connection", "Connections", "Server"]

T = TypeVar("T")

_SECONDS_TO_CLOSE = 10.0
_SECONDS_TO_READ = 1.0
_KEPT_LINES = 4
_LONGEST_LINE = 200
_MOST_PAGES = 100
# Where the `mcp` package logs every line of a server's standard output that is no message, with a traceback.
_NOISY_LOGGER = "mcp.client.stdio"

# The connection whose task, or a task started by it, is running.
_connection: ContextVar[Connection | None] = ContextVar("llm_notebook_mcp_connection", default=None)


@dataclass(slots=True)
class Server:
    """The address of a server or the command that starts it, with its settings.

    Attributes:
        command: the program and its arguments; empty for a server that has an address.
        url: the address of a server that is already running.
        folder: the folder in which the program is started.
        environment: environment variables for the program, in addition to harmless ones of ours such as PATH.
        headers: HTTP headers that are sent with every request to the address.
        timeout: the seconds that the server has to start, and to answer each call.
    """

    command: tuple[str, ...] = ()
    url: str | None = None
    folder: str | None = None
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    timeout: float = 60.0

    @property
    def shown(self) -> str:
        """The name of the server in error messages, without the parts of an address that may be secret."""
        return " ".join(self.command) if self.command else shown_url(self.url or "")


class Connections:
    """The open connections of this process and the event loop on which they live. Those that are still open at exit are closed."""

    def __init__(self) -> None:
        self.loop = EventLoopThread()
        self._open: weakref.WeakSet[Connection] = weakref.WeakSet()
        self._process = os.getpid()
        logging.getLogger(_NOISY_LOGGER).addFilter(_report_noise)
        atexit.register(self.close)

    def submit(self, coroutine: Coroutine[object, object, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the loop, without waiting for it."""
        return self.loop.submit(coroutine)

    def add(self, connection: Connection) -> None:
        """Add a connection to those that are closed at exit."""
        self._open.add(connection)

    def close(self) -> None:
        """Close the open connections and wait until they are closed. In a forked child this does nothing: they are its parent's."""
        if self._process != os.getpid():
            return
        closing = [self.submit(connection.aclose()) for connection in list(self._open)]
        concurrent.futures.wait(closing, timeout=_SECONDS_TO_CLOSE)


class Connection:
    """The connection to one server. It opens when it is first needed, and again after it broke.

    Its coroutines may run only on the loop of `Connections`.
    """

    def __init__(self, server: Server, connections: Connections) -> None:
        self._server = server
        self._connections = connections
        self._ready: asyncio.Future[Client] | None = None
        self._leave = asyncio.Event()
        self._holder: asyncio.Task[None] | None = None
        self._stderr: _LastLines | None = None
        self._has_warned = False
        self._process = os.getpid()

    @property
    def is_open(self) -> bool:
        """Whether the connection was opened in this process and has not been closed since."""
        return self._ready is not None and self._process == os.getpid()

    async def tools(self) -> list[Tool]:
        """Fetch the list of the server's tools.

        Raises:
            ModelError: the server cannot be started or reached, does not answer, or its list does not end.
        """
        client = await self._client()
        found: list[Tool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self._answered(client.list_tools(cursor=cursor, cache_mode="bypass"))
            found += page.tools
            cursor = page.next_cursor
            if cursor is None:
                return found
        raise ModelError(f"The list of tools of the MCP server {self._server.shown} does not end, so none was taken.")

    async def call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        """Let the server run a tool once. The call is not sent again, even if the connection breaks.

        Raises:
            ModelError: the server refused the call, broke the connection, or took too long.
        """
        client = await self._client()
        return await self._answered(client.call_tool(name, arguments))

    async def aclose(self) -> None:
        """Close the connection, and end the server if this process started it. The next call opens the connection again."""
        holder, self._holder, self._ready = self._holder, None, None
        if holder is not None:
            self._leave.set()
            await asyncio.wait([holder], timeout=_SECONDS_TO_CLOSE)

    def warn_of_noise(self) -> None:
        """Warn that the server writes text other than messages to its standard output. Each connection warns once."""
        if not self._has_warned:
            self._has_warned = True
            # Where warnings are errors, this one must not end the task that reads the server's messages.
            with suppress(Warning):
                warnings.warn(
                    f"The MCP server {self._server.shown} writes to its standard output what is no message; that is ignored.",
                    stacklevel=2,
                )

    async def _client(self) -> Client:
        """Return the client of the open connection, and open it if there is none."""
        if not self.is_open:
            # In a forked child the parent's connection does not count.
            self._process = os.getpid()
            self._ready = asyncio.get_running_loop().create_future()
            self._leave = asyncio.Event()
            self._holder = asyncio.create_task(self._hold(self._ready, self._leave))
            self._connections.add(self)
        ready = self._ready
        assert ready is not None
        try:
            # Several calls may wait for it, so one that is cancelled must not cancel it.
            return await asyncio.shield(ready)
        except ModelError:
            if self._ready is ready:
                self._holder = self._ready = None
            raise

    async def _hold(self, ready: asyncio.Future[Client], leave: asyncio.Event) -> None:
        """Keep the client entered until `leave` is set. See the top of this file."""
        _connection.set(self)
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._server.timeout):
                    client = await self._enter(stack)
                ready.set_result(client)
                await leave.wait()
        except BaseException as error:  # whatever it is, the calls that wait must not wait forever
            if not ready.done():
                ready.set_exception(self._unreachable(error))
                ready.exception()  # if no call waits any more, asyncio would report it as never retrieved

    async def _enter(self, stack: AsyncExitStack) -> Client:
        """Start or reach the server, and enter a client on the stack."""
        server = self._server
        if server.command:
            program, *arguments = server.command
            parameters = StdioServerParameters(
                command=program,
                args=arguments,
                env=server.environment,
                cwd=server.folder,
                encoding_error_handler="replace",
            )
            self._stderr = _LastLines()
            transport: Transport = stdio_client(parameters, errlog=stack.enter_context(self._stderr.file))
        else:
            import httpx2  # only for servers that are reached by address

            # No limit for reading, as a tool may take its time. The limit for a whole call is the client's, below.
            patience = httpx2.Timeout(server.timeout, read=None)
            http = await stack.enter_async_context(
                httpx2.AsyncClient(
                    headers=server.headers, timeout=patience, proxy=proxy_for(server.url or ""), trust_env=False
                )
            )
            transport = streamable_http_client(server.url or "", http_client=http)
        return await stack.enter_async_context(Client(transport, read_timeout_seconds=server.timeout))

    async def _answered(self, answer: Awaitable[T]) -> T:
        """Wait for an answer of the server, and turn the errors of its library into ours."""
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


def _report_noise(record: logging.LogRecord) -> bool:
    """Return whether the `mcp` package's record is logged. A line that is no message becomes a warning of its connection instead."""
    connection = _connection.get()
    if connection is None or not isinstance(record.exc_info, tuple) or not isinstance(record.exc_info[1], ValueError):
        return True
    connection.warn_of_noise()
    return False


class _LastLines:
    """The last lines that a program wrote to its stderr, for error messages.

    A thread reads them from a pipe for as long as the program runs: a program whose pipe is full would stand still.

    Attributes:
        file: the end of the pipe that the program writes to. Close it when the program has ended.
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
        """Return ` It last said: …`, or an empty string if the program has written nothing."""
        # Once the program has ended, the thread soon reaches the end of the pipe, and nothing is missing.
        if self.file.closed:
            self._reader.join(_SECONDS_TO_READ)
        return f" It last said: {' / '.join(self._lines)!r}." if self._lines else ""
