"""`mcp_toolbox()`: the tools of an MCP server as a Toolbox, for models of every kind and each call approvable."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import re
import shlex
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from llm_notebook.configuration.process import process
from llm_notebook.errors import ModelError
from llm_notebook.parts.attachments import Attachment
from llm_notebook.tools.outputs import ToolOutput
from llm_notebook.tools.tool import Tool
from llm_notebook.tools.toolbox import Toolbox

if TYPE_CHECKING:
    import concurrent.futures
    import os
    from types import TracebackType

    from mcp_types import CallToolResult

    from llm_notebook.plugins.mcp.connection import Connection, Connections, Server

__all__ = ["MCPToolbox", "mcp_toolbox"]

_LONGEST_NAME = 64


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
    """A Toolbox with the tools of a Model Context Protocol server, which is started or asked when a chain first needs it.

    Consent to a call covers the command or address, the tool's description and schema, and the names (not the values) of `env` and
    `headers`. A server that we started ends with the toolbox, with `close()`, after a `with` block, or with the kernel.

    Args:
        command: starts a server that speaks over its standard input and output: `"uvx mcp-server-time"`, or a list of words.
        url: the address of a server that speaks Streamable HTTP, in place of `command`.
        name: goes in front of the tools' names, `name_tool`, where those of two servers would be the same.
        env: variables for the server. It sees none of ours but harmless ones such as PATH; give secrets here, not in `command`.
        cwd: the folder that the server is started in.
        headers: sent with every request to `url`, such as `{"Authorization": "Bearer …"}`.
        timeout: seconds that the server has to start, and to answer each call.

    Raises:
        ModelError: the package `mcp` is not installed.
        ValueError: neither or both of `command` and `url` are given, or something that does not go with them.
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
    """The tools of an MCP server. `mcp_toolbox()` makes it; what the constructor is given is what a record of it may show."""

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

    def _connect_to(self, server: Server) -> None:
        from llm_notebook.plugins.mcp.connection import Connection, Connections  # loads mcp

        connections = process.of(Connections)
        self._connections: Connections = connections
        self._connection = Connection(server, connections)
        weakref.finalize(self, _end, self._connection, connections).atexit = False

    async def prepare_async(self) -> None:
        """Connect to the server and add its tools. Chains do so by themselves; await it to see them in `tools()` before.

        Raises:
            ModelError: the server cannot be started or reached.
        """
        known = {tool.name for tool in self.tools()}
        for offered in await self._awaited(self._connection.tools()):
            wanted = re.sub(r"[^a-zA-Z0-9_-]", "_", self._prefix + offered.name)[:_LONGEST_NAME]
            if wanted not in known:
                known.add(wanted)
                description = offered.description or offered.title
                self.add_tool(Tool(wanted, description, offered.input_schema, self._calling(offered.name)))

    @property
    def close(self) -> Callable[[], None]:
        """Call it to end the connection, and the server if it was started here; the next call connects anew.

        A property, since public methods of a Toolbox are tools.
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

    async def _awaited(self, coroutine: Any) -> Any:
        """What a coroutine of the connection gives, from whatever event loop this is. Cancelled here, it is cancelled there."""
        running: concurrent.futures.Future[Any] = self._connections.submit(coroutine)
        return await asyncio.wrap_future(running)

    def _calling(self, name: str) -> Callable[..., Any]:
        async def call(**arguments: Any) -> ToolOutput:
            return _output(await self._awaited(self._connection.call(name, arguments)))

        return call

    def __repr__(self) -> str:
        return f"<MCPToolbox {self._shown}>"


def _end(connection: Connection, connections: Connections) -> None:
    """End a connection whose toolbox is gone, without waiting for it."""
    if connection.is_open:
        connections.submit(connection.aclose())


def _output(result: CallToolResult) -> ToolOutput:
    """What the server returned, as text and attachments.

    Raises:
        ModelError: the server says that the tool failed; the message is for the model.
    """
    texts: list[str] = []
    attachments: list[Attachment] = []
    for block in result.content:
        if block.type == "text":
            texts.append(block.text)
        elif block.type == "image" or block.type == "audio":  # noqa: PLR1714  type checkers tell the blocks apart by it
            attachments.append(Attachment(type=block.mime_type, content=base64.b64decode(block.data)))
        elif block.type == "resource_link":
            texts.append(f"{block.title or block.name}: {block.uri}")
        else:
            resource: Any = block.resource
            if hasattr(resource, "text"):
                texts.append(resource.text)
            else:
                content = base64.b64decode(resource.blob)
                attachments.append(Attachment(type=resource.mime_type, content=content))
    if not texts and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    text = "\n".join(texts)
    if result.is_error:
        raise ModelError(text or "the tool failed and did not say why")
    return ToolOutput(text, attachments)


def _without_secrets(url: str | None) -> str | None:
    """An address without user, password and the values of its query."""
    if url is None:
        return None
    parts = urlsplit(url)
    query = "&".join(key for key, _ in parse_qsl(parts.query, keep_blank_values=True))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))
