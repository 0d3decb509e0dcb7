"""Answers on loopback with one tool call after another, for measuring tool loops."""

from __future__ import annotations

import asyncio
import json
import sys

__all__ = ["main"]


def _event(delta: dict[str, object], finish: str | None = None) -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "usage": None}
    return (
        b"data: "
        + json.dumps({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).encode()
        + b"\n\n"
    )


def _body(rounds: int, body: bytes) -> bytes:
    answered = body.count(b'"role":"tool"') + body.count(b'"role": "tool"')
    if answered >= rounds:
        return _event({"role": "assistant", "content": "done"}) + _event({}, "stop") + b"data: [DONE]\n\n"
    call = {"index": 0, "id": f"call_{answered}", "type": "function"}
    start = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{**call, "function": {"name": "upper", "arguments": ""}}],
    }
    arguments = {"tool_calls": [{"index": 0, "function": {"arguments": json.dumps({"text": f"word {answered}"})}}]}
    return _event(start) + _event(arguments) + _event({}, "tool_calls") + b"data: [DONE]\n\n"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer requests for /ROUNDS/chat/completions: with a tool call until there have been ROUNDS results, then with text."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
            )
            content = _body(int(head.split(b"/")[1]), await reader.readexactly(length))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"%x\r\n%s\r\n0\r\n\r\n" % (len(content), content)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, limit=1 << 24)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main() -> None:
    """Serve on a free port, which is printed first, until the process is ended."""
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
