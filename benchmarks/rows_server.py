"""Answers Chat Completions in 30 ms on loopback, for measuring clients that ask thousands of rows.

Of all requests it refuses 5 %, half of them without a hint when to come again; 1 % fail, 1 % of the answers come broken, and 2 % start ten times as
late, as the first one on each connection does. The label of an answer is the last word of its prompt. No prompt is given a broken answer twice: one
in a million would be given three of them, which is when clients give up, and a long run would not end whole.

`GET /answered` returns how many whole answers were given.
"""

from __future__ import annotations

import asyncio
import functools
import json
import random
import re
import sys

__all__ = ["main"]

_DELAY, _SLOW_START = 0.03, 0.3  # seconds
_REFUSED, _FAILED, _BROKEN, _SLOW = 0.05, 0.06, 0.07, 0.09  # of all requests, each with those before it
_ANSWER = {
    "id": "x",
    "object": "chat.completion",
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": '{"label": "good", "score": 0.5}'},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
}
_BODY = json.dumps(_ANSWER).encode()
_LAST_WORD = re.compile(rb'"content":\s*"[^"]*?(\w+)"')
_REFUSAL = b'{"error": {"message": "slow down"}}'


class _Counts:
    """What was answered.

    Attributes:
        answered: how many whole answers were given.
        broken: the requests that were given broken ones.
    """

    def __init__(self) -> None:
        self.answered = 0
        self.broken: set[bytes] = set()


def _reply(chance: float, asked: bytes, counts: _Counts) -> bytes:
    if chance < _REFUSED:
        hint = "retry-after-ms: 100\r\n" if chance < _REFUSED / 2 else ""
        return _http("429 Too Many Requests", _REFUSAL, hint)
    if chance < _FAILED:
        return _http("500 Internal Server Error", _REFUSAL)
    if chance < _BROKEN and asked not in counts.broken:
        counts.broken.add(asked)
        return _http("200 OK", _BODY[:60])
    counts.answered += 1
    said = _LAST_WORD.search(asked)
    return _http("200 OK", _BODY if said is None else _BODY.replace(b"good", said[1]))


def _http(status: str, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


async def _answer(counts: _Counts, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    is_first = True
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            if head.startswith(b"get /answered"):
                writer.write(_http("200 OK", str(counts.answered).encode()))
                continue
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")
            )
            asked = await reader.readexactly(length)
            chance = random.random()
            await asyncio.sleep(_SLOW_START if is_first or _BROKEN <= chance < _SLOW else _DELAY)
            is_first = False
            writer.write(_reply(chance, asked, counts))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    """Serve until the process is killed. The port is printed first."""
    random.seed(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    server = await asyncio.start_server(functools.partial(_answer, _Counts()), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
