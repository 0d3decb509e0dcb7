"""Embeddings as bytes, in the form in which the `llm` command stores them, and the similarity of two embeddings."""

from __future__ import annotations

import struct
from collections.abc import Sequence

__all__ = ["cosine_similarity", "decode", "encode"]

_BYTES = 4


def encode(values: Sequence[float]) -> bytes:
    """Return an embedding as bytes: each number as a little-endian 32-bit float."""
    return struct.pack(f"<{len(values)}f", *values)


def decode(binary: bytes) -> tuple[float, ...]:
    """Return the numbers of an embedding that `encode()` has encoded.

    Raises:
        ValueError: the bytes are not whole numbers of four bytes each.
    """
    if len(binary) % _BYTES:
        raise ValueError(f"An embedding has four bytes for each number, and these are {len(binary)} bytes.")
    return struct.unpack(f"<{len(binary) // _BYTES}f", binary)


def cosine_similarity(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the similarity of two embeddings of one model: 1 for the same direction, 0 for unrelated ones, -1 for the opposite.

    Raises:
        ValueError: they have different lengths, so that they come from different models.
        ZeroDivisionError: one of them consists of zeros, and so has no direction.
    """
    if len(a) != len(b):
        raise ValueError(f"Embeddings of {len(a)} and {len(b)} numbers cannot be compared: use one model for both.")
    length_a: float = _product(a, a) ** 0.5
    length_b: float = _product(b, b) ** 0.5
    return _product(a, b) / (length_a * length_b)


def _product(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))
