"""Limits the size of bodies, whatever a server sends, compressed or not. No I/O.

A server decides how long a body is, how far it expands when it is decompressed, and how slowly it arrives. Only the beginning of an error's
body is of interest, so it is read as it comes over the wire, decompressed here, and abandoned at a size and after a time. An answer is
decompressed a little at a time, so that one that becomes too large is noticed before it fills the memory.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping

__all__ = [
    "REFUSAL_PATIENCE",
    "BoundedBody",
    "CheckedPieces",
    "ExpandedPieces",
    "Expander",
    "checked_pieces",
    "expanded_pieces",
]

REFUSAL_PATIENCE = 10.0
"""The longest that the body of a refusal is waited for, in seconds."""

_LONGEST_REFUSAL = 2**16
_PLAIN = ("", "identity")
_ZLIB = ("gzip", "x-gzip", "deflate")
# This makes zlib recognize both of its formats by their first bytes.
_EITHER_FORMAT = zlib.MAX_WBITS | 32
_MOST_AT_ONCE = 2**20
# Servers do not compress twice, and each layer multiplies the size to which a few bytes can expand.
_MOST_LAYERS = 2


class Expander:
    """Undoes the compression of a body, of which it returns no more than a megabyte at once.

    Only gzip and deflate are undone. We ask for no compression at all, so a body in any other encoding is passed on unchanged.

    Args:
        encoding: the header `content-encoding`.
    """

    def __init__(self, encoding: str) -> None:
        names = [name.strip() for name in encoding.lower().split(",")][::-1]
        self._layers = [zlib.decompressobj(_EITHER_FORMAT) for name in names if name in _ZLIB][:_MOST_LAYERS]

    def expand(self, piece: bytes) -> Iterable[bytes]:
        """Return what a piece expands to.

        Raises:
            zlib.error: (when what is returned is read) it is not compressed.
        """
        pieces: Iterable[bytes] = [piece]
        for layer in self._layers:
            pieces = _through(layer, pieces)
        return pieces


def _through(layer: zlib._Decompress, pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        rest = piece
        while rest and not layer.eof:
            if expanded := layer.decompress(rest, _MOST_AT_ONCE):
                yield expanded
            rest = layer.unconsumed_tail


def expanded_pieces(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the pieces of a body without their compression."""
    expander = Expander(encoding)
    for piece in pieces:
        yield from expander.expand(piece)


def checked_pieces(pieces: Iterable[bytes], check: Callable[[], None]) -> Iterator[bytes]:
    """Yield the pieces of a body. A check runs before each piece and before the end, and raises to end the body."""
    for piece in pieces:
        check()
        yield piece
    check()


class ExpandedPieces(AsyncIterator[bytes]):
    """`expanded_pieces()` of an async body."""

    def __init__(self, pieces: AsyncIterator[bytes], encoding: str) -> None:
        self._pieces = pieces
        self._expander = Expander(encoding)
        self._expanded: Iterator[bytes] = iter(())

    async def __anext__(self) -> bytes:
        while (piece := next(self._expanded, None)) is None:
            self._expanded = iter(self._expander.expand(await anext(self._pieces)))
        return piece


class CheckedPieces(AsyncIterator[bytes]):
    """`checked_pieces()` of an async body."""

    def __init__(self, pieces: AsyncIterator[bytes], check: Callable[[], None]) -> None:
        self._pieces = pieces
        self._check = check

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._check()
            raise
        self._check()
        return piece


class BoundedBody:
    """The beginning of a body, which is fed in the form in which it came over the wire.

    Args:
        headers: the reply's headers, which name the compression. If it cannot be undone piece by piece, nothing is kept.
        most: the largest number of bytes to keep, after decompression.
        seconds: how long to wait for all of it.
        clock: the time in seconds.

    Attributes:
        is_cut: whether there was more than `most`, or more than arrived in time.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        most: int = _LONGEST_REFUSAL,
        seconds: float = REFUSAL_PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        encoding = headers.get("content-encoding", "").strip().lower()
        self._expand = zlib.decompressobj(_EITHER_FORMAT) if encoding in _ZLIB else None
        self._is_readable = self._expand is not None or encoding in _PLAIN
        self._most = most
        self._clock = clock
        self._until = clock() + seconds
        self._kept = bytearray()
        self.is_cut = False

    @property
    def content(self) -> bytes:
        """The bytes so far, decompressed."""
        return bytes(self._kept)

    def feed(self, piece: bytes) -> bool:
        """Accept the next piece. Return whether another one is wanted."""
        if not self._is_readable:
            self.is_cut = True
            return False
        room = self._most - len(self._kept) + 1
        try:
            more = piece[:room] if self._expand is None else self._expand.decompress(piece, room)
        except zlib.error:
            self.is_cut = True
            return False
        self._kept += more[: self._most - len(self._kept)]
        self.is_cut = len(more) == room or self._clock() >= self._until
        return not self.is_cut
