"""Bodies that are read no further than a bound, such as those of refusals. No I/O.

A server decides how long the body of an error is, how far it expands when it is decompressed, and how slowly it comes. Nobody wants to know more
than its beginning, so it is taken as it comes over the wire, decompressed here, and given up at a size and after a time.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping

__all__ = ["REFUSAL_PATIENCE", "BoundedBody"]

REFUSAL_PATIENCE = 10.0
"""The longest that the body of a refusal is waited for, in seconds."""

_LONGEST_REFUSAL = 2**16
_PLAIN = ("", "identity")
_ZLIB = ("gzip", "x-gzip", "deflate")
# This makes zlib recognize both of its formats by their first bytes.
_EITHER_FORMAT = zlib.MAX_WBITS | 32


class BoundedBody:
    """The beginning of a body, which is fed as it came over the wire.

    Args:
        headers: the reply's headers, which name the compression. Of one that cannot be undone piece by piece, nothing is kept.
        most: the largest number of bytes to keep, after decompression.
        seconds: how long to wait for all of it.
        clock: the time in seconds.

    Attributes:
        is_cut: whether there was more than `most`, or more than came in time.
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
        """Take the next piece. Return whether another one is wanted."""
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
