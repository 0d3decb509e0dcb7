"""Parses server-sent events from bytes that arrive in pieces of any size. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SSEDecoder", "ServerSentEvent"]

ServerSentEvent = tuple[str, bytes]


@dataclass(slots=True)
class SSEDecoder:
    """An incremental decoder of the event-stream format in the HTML standard (section 9.2.6).

    Lines end with LF, CR or CRLF, and pieces may end anywhere, even inside a character. Only the fields `event` and `data` matter
    here. An event without its closing blank line is not returned by `feed()`; `pending` has its data.
    """

    _rest: bytearray = field(default_factory=bytearray)
    _data: list[bytes] = field(default_factory=list)
    _event: str = ""
    _held: int = 0
    _skip_newline: bool = False
    _at_start: bool = True

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """Return the events that `piece` completes, as (event name or "", data)."""
        if self._between_events and b"\r" not in piece:
            return self._feed_whole_events(piece)
        return self._feed_lines(piece)

    @property
    def _between_events(self) -> bool:
        return not (self._rest or self._data or self._event or self._skip_newline or self._at_start)

    def _feed_whole_events(self, piece: bytes) -> list[ServerSentEvent]:
        """Decode a piece that begins with an event and whose lines end in LF.

        This is by far the most common case, and several times as fast as reading line by line.
        """
        *whole, rest = piece.split(b"\n\n")
        events: list[ServerSentEvent] = []
        for block in whole:
            if block[:6] == b"data: " and b"\n" not in block:
                events.append(("", block[6:]))
            else:
                events += self._feed_lines(block + b"\n\n")
        if rest:
            events += self._feed_lines(rest)
        return events

    def _feed_lines(self, piece: bytes) -> list[ServerSentEvent]:
        if self._skip_newline and piece:
            # The previous piece ended in CR, so an LF here belongs to the end of that line.
            self._skip_newline = False
            if piece[:1] == b"\n":
                piece = piece[1:]
        lines = piece.splitlines(keepends=True)
        if not lines:
            return []
        unfinished = lines.pop() if lines[-1][-1:] not in (b"\n", b"\r") else b""
        if lines:
            if self._rest:
                lines[0] = bytes(self._rest) + lines[0]
                self._rest.clear()
            self._skip_newline = not unfinished and lines[-1][-1:] == b"\r"
        self._rest += unfinished
        return self._events(lines)

    def _events(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events: list[ServerSentEvent] = []
        for raw in lines:
            line = raw.rstrip(b"\r\n")
            if self._at_start:
                # The standard allows one byte order mark, at the start of the stream.
                self._at_start = False
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line[:5] == b"data:":
                self._data.append(line[6:] if line[5:6] == b" " else line[5:])
                self._held += len(line)
            elif not line:
                if self._data:
                    events.append((self._event, self._data[0] if len(self._data) == 1 else b"\n".join(self._data)))
                    self._data = []
                    self._held = 0
                self._event = ""
            elif line[:6] == b"event:":
                self._event = line[6:].removeprefix(b" ").decode(errors="replace")
            elif line == b"data":
                self._data.append(b"")
                self._held += len(line)
        return events

    @property
    def waiting(self) -> int:
        """The number of bytes kept for an event that has not ended."""
        return len(self._rest) + self._held

    @property
    def pending(self) -> bytes:
        """The data of an event whose closing blank line has not arrived."""
        rest = bytes(self._rest)
        if rest.startswith(b"data:"):
            return b"\n".join([*self._data, rest[5:].removeprefix(b" ")])
        return b"\n".join(self._data)
