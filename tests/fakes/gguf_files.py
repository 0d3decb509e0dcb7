"""GGUF files for tests: small ones that describe a model without its weights, and the real one with another template."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

__all__ = ["TINY", "gguf_bytes", "rewritten"]

TINY: dict[str, Any] = {
    "general.architecture": "llama",
    "llama.context_length": 2048,
    "llama.block_count": 2,
    "llama.embedding_length": 64,
    "llama.attention.head_count": 4,
    "tokenizer.ggml.tokens": ["a", "b"],
    "tokenizer.chat_template": "{% for message in messages %}{{ message.content }}{% endfor %}",
}


def gguf_bytes(metadata: dict[str, Any] | None = None, *, padding: int = 0, version: int = 3) -> bytes:
    """Return a file with this metadata and no tensors, followed by this many bytes in the place of weights."""
    pairs = TINY if metadata is None else metadata
    content = b"GGUF" + struct.pack("<IQQ", version, 0, len(pairs))
    content += b"".join(_string(name) + _value(value) for name, value in pairs.items())
    return content + bytes(position % 251 for position in range(padding))


def rewritten(source: Path, target: Path, old: str, new: str) -> Path:
    """Return a copy of a GGUF file in which one text of the metadata is replaced. The weights move to stay aligned."""
    content = source.read_bytes()
    at = content.index(_string(old))
    # Tensors follow the metadata. They begin at the end of their descriptions, rounded up to 32 bytes.
    begin = _weights_begin(content)
    header = content[:at] + _string(new) + content[at + len(_string(old)) : begin[0]]
    header += bytes(-len(header) % 32)
    target.write_bytes(header + content[begin[1] :])
    return target


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: Any) -> bytes:
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _string(value)
        case [int(), *_]:
            return struct.pack(f"<IIQ{len(value)}i", 9, 5, len(value), *value)
        case _:
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_string, value))


def _weights_begin(content: bytes) -> tuple[int, int]:
    """Return where the descriptions of the tensors end and where the tensors begin, in a file whose last pair is an integer."""
    (tensors,) = struct.unpack_from("<Q", content, 8)
    last = "general.quantization_version"
    at = content.index(_string(last)) + len(_string(last)) + 8
    for _ in range(tensors):
        (length,) = struct.unpack_from("<Q", content, at)
        at += 8 + length
        (dimensions,) = struct.unpack_from("<I", content, at)
        at += 4 + 8 * dimensions + 4 + 8
    return at, at + -at % 32
