"""A Model Context Protocol server for these tests, made with the `mcp` package's own server class.

`python server.py stdio` speaks over its standard input and output, `python server.py http PORT` over Streamable HTTP on loopback.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel

server = MCPServer("test server")
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")


class Weather(BaseModel):
    place: str
    degrees: float


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def erase(path: str) -> str:
    """Erase a file."""
    Path(path).unlink()
    return f"erased {path}"


@server.tool(name="look.up")
def look_up(word: str) -> str:
    """A name that providers refuse."""
    return word.upper()


@server.tool()
def weather(place: str) -> Weather:
    """The weather somewhere."""
    return Weather(place=place, degrees=21.5)


@server.tool()
def picture() -> list[str | Image]:
    """A picture with a caption."""
    return ["One pixel", Image(data=PIXEL, format="png")]


@server.tool()
def fail(why: str) -> str:
    """Fails."""
    raise ToolError(why)


@server.tool()
def crash() -> str:
    """Ends the server."""
    sys.stderr.write("server: I am done for\n")
    os._exit(3)


@server.tool()
async def wait(seconds: float) -> str:
    """Waits."""
    await asyncio.sleep(seconds)
    return "waited"


@server.tool()
def environment(name: str) -> str:
    """A variable of the server's environment."""
    return os.environ.get(name, "not set")


@server.tool()
def process() -> int:
    """The server's process id."""
    return os.getpid()


@server.tool()
def header(name: str, context: Context) -> str:
    """A header of the request."""
    request = context.request_context.request
    return str(request.headers.get(name, "not sent")) if request is not None else "no request"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
