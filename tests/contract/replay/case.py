"""One answer of a host, and what a reader must get of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["Case", "json_body"]


@dataclass(slots=True, frozen=True)
class Case:
    """One answer.

    Attributes:
        name: the host or the kind.
        body: the bytes of the reply.
        text: the text that arrives, also where the answer ends in an error.
        reasoning: the reasoning that arrives.
        calls: the calls of our tools, as (name, arguments). None are there where the answer ends in an error.
        finish: why the model stopped, in our word.
        usage: the tokens, as (input, output); None where they are not looked at.
        error: a pattern of the error that the answer ends in; empty if it is complete.
        incomplete: the error is an IncompleteResponse.
        stream: a stream was asked for.
        content_type: the type that the server gives.
    """

    name: str
    body: bytes
    text: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    finish: str | None = "stop"
    usage: tuple[int | None, int | None] | None = None
    error: str = ""
    incomplete: bool = False
    stream: bool = True
    content_type: str = "text/event-stream"


def json_body(value: Any) -> bytes:
    """Return a whole answer."""
    return json.dumps(value, ensure_ascii=False).encode()
