"""Streams Chat Completions chunks on loopback as fast as they are read, for measuring clients."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path

import trustme

__all__ = ["main"]


def _event(payload: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def _events(count: int) -> list[bytes]:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def choice(delta: dict[str, str], finish: str | None = None) -> bytes:
        return _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": None})

    usage = {"prompt_tokens": 1, "completion_tokens": count, "total_tokens": count + 1}
    return [
        choice({"role": "assistant", "content": ""}),
        *[choice({"content": f" word{index % 97}"}) for index in range(count)],
        choice({}, "stop"),
        _event({**head, "choices": [], "usage": usage}),
        b"data: [DONE]\n\n",
    ]


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests for /COUNT/PACKED/chat/completions: COUNT events, PACKED of them in each HTTP chunk."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            _, count, packed, *_ = head.split(b" ")[1].decode().split("/")
            events = _events(int(count))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            for start in range(0, len(events), int(packed)):
                body = b"".join(events[start : start + int(packed)])
                writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")
                await writer.drain()
            writer.write(b"0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


def _make_context(folder: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def main() -> None:
    """Serve on a free port, which is printed first, until the process is ended.

    With a folder as the program's argument, serve with TLS, and leave the certificate of the authority there as `ca.pem`.
    """
    context = _make_context(Path(sys.argv[1])) if len(sys.argv) > 1 else None
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, ssl=context, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
