"""`mcp_toolbox()`, which makes the tools of an MCP server a Toolbox. It works with every model, and calls can be approved."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import re
import shlex
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.tools.outputs import ToolOutput
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

if TYPE_CHECKING:
    import os
    from collections.abc import Coroutine
    from types import TracebackType

    from llm_notebook.plugins.mcp.connection import Connection, Connections, Server

__all__ = ["MCPToolbox", "mcp_toolbox"]

_LONGEST_NAME = 64  # the longest that providers accept
_DIGITS = 6
T = TypeVar("T")


def mcp_toolbox(
    command: str | Sequence[str] | None = None,
    *,
    url: str | None = None,
    name: str | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> MCPToolbox:
    """Return a Toolbox with the tools of a Model Context Protocol server.

    The server is started or connected to when a chain first needs it. Consent to a call covers the command or address, the tool's
    description and schema, and the names (not the values) of `env` and `headers`. A server that was started here ends with the toolbox,
    with `close()`, after a `with` block, or with the kernel.

    Args:
        command: the command that starts a server that uses its standard input and output: `"uvx mcp-server-time"`, or a list of words.
        url: the address of a server that uses Streamable HTTP, instead of `command`.
        name: a prefix for the tools' names, as in `name_tool`, to tell apart the tools of two servers.
        env: environment variables for the server, in addition to harmless ones such as PATH. Give secrets here, not in `command`.
        cwd: the folder in which the server is started.
        headers: HTTP headers that are sent with every request to `url`, such as `{"Authorization": "Bearer …"}`.
        timeout: the seconds that the server has to start, and to answer each call.

    Raises:
        ModelError: the package `mcp` is not installed, or too old.
        ValueError: neither or both of `command` and `url` are given, or an argument does not go with the one that is given.
    """
    words = tuple(shlex.split(command) if isinstance(command, str) else command or ())
    if bool(words) == bool(url):
        raise ValueError("Give mcp_toolbox() either a command that starts the server or the url= of one that runs.")
    if words and headers:
        raise ValueError("headers= go to a server with a url=; give a server that is started its secrets in env=.")
    if url and (env or cwd):
        raise ValueError("env= and cwd= are for a server that is started with a command; give headers= with a url=.")
    if importlib.util.find_spec("mcp") is None:
        raise ModelError("mcp_toolbox() needs the package mcp: pip install 'jupyter-llm-notebook[mcp]'.")
    try:
        from llm_notebook.plugins.mcp.connection import Server  # loads mcp
    except ImportError as error:
        raise ModelError(
            f"mcp_toolbox() needs a newer package mcp ({error}): pip install -U 'jupyter-llm-notebook[mcp]'."
        ) from None
    folder = None if cwd is None else str(cwd)
    toolbox = MCPToolbox(list(words), _without_secrets(url), name, folder, sorted(env or ()), sorted(headers or ()))
    toolbox._connect_to(Server(words, url, folder, dict(env or {}), dict(headers or {}), timeout))
    return toolbox


class MCPToolbox(Toolbox):
    """The tools of an MCP server, made by `mcp_toolbox()`.

    A Toolbox keeps the arguments of its constructor, and the human who approves a call sees them. So this constructor takes only arguments that
    may be seen. The connection, which knows the secrets, is added afterwards.
    """

    def __init__(
        self,
        command: list[str],
        url: str | None,
        name: str | None,
        cwd: str | None,
        env: list[str],
        headers: list[str],
    ) -> None:
        self._prefix = f"{name}_" if name else ""
        self._shown = shlex.join(command) if command else url
        # The server's names of the tools that are there.
        self._added: set[str] = set()

    def _connect_to(self, server: Server) -> None:
        from llm_notebook.plugins.mcp.connection import Connection, Connections  # loads mcp

        connections = process.of(Connections)
        self._connections: Connections = connections
        self._connection = Connection(server, connections)
        # At exit `Connections` closes all connections together, and waits for them.
        weakref.finalize(self, _end, self._connection, connections).atexit = False

    async def prepare_async(self) -> None:
        """Connect to the server and add its tools. Chains do this by themselves; await it to see the tools in `tools()` earlier.

        Raises:
            ModelError: the server cannot be started or reached.
        """
        taken = {tool.name for tool in self.tools()}
        found = await self._awaited(self._connection.tools())
        wanted = Counter(_usable(self._prefix + name) for name in {offered.name for offered in found})
        for offered in found:
            if offered.name in self._added:
                continue
            self._added.add(offered.name)
            full = self._prefix + offered.name
            name = _usable(full)
            if name in taken or (wanted[name] > 1 and name != full):
                name = _told_apart(full)
            taken.add(name)
            description = offered.description or offered.title
            self.add_tool(Tool(name, description, offered.input_schema, self._function_for(offered.name)))

    @property
    def close(self) -> Callable[[], None]:
        """A function that closes the connection and ends the server if it was started here. The next call connects again.

        It is a property because a public method of a Toolbox would be a tool.
        """
        return self._close

    def _close(self) -> None:
        self._connections.submit(self._connection.aclose()).result()

    def __enter__(self) -> MCPToolbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def _awaited(self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine on the loop of the connection and await it on this one. If it is cancelled here, it is cancelled there."""
        return await asyncio.wrap_future(self._connections.submit(coroutine))

    def _function_for(self, name: str) -> Callable[..., object]:
        """Return the function that calls a tool of the server."""
        from llm_notebook.plugins.mcp.results import output_of  # loads mcp

        async def call(**arguments: Any) -> ToolOutput:
            return output_of(await self._awaited(self._connection.call(name, arguments)))

        return call

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError(
            "The toolbox of an MCP server is bound to its connection and cannot be copied or pickled: call mcp_toolbox() there."
        )

    def __repr__(self) -> str:
        return f"<MCPToolbox {self._shown}>"


def _usable(name: str) -> str:
    """Return a tool's name with the characters and in the length that providers take."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:_LONGEST_NAME]


def _told_apart(name: str) -> str:
    """Return a usable name that no other tool has, the same in every process: two names may differ only in what `_usable()` drops."""
    digest = hashlib.sha256(name.encode(errors="replace")).hexdigest()[:_DIGITS]
    return f"{_usable(name)[: _LONGEST_NAME - _DIGITS - 1]}_{digest}"


def _end(connection: Connection, connections: Connections) -> None:
    """Close the connection of a toolbox that has been collected, without waiting for it."""
    if connection.is_open:
        connections.submit(connection.aclose())


def _without_secrets(url: str | None) -> str | None:
    """Return an address without user, password and the values of its query."""
    if url is None:
        return None
    parts = urlsplit(url)
    query = "&".join(key for key, _ in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
