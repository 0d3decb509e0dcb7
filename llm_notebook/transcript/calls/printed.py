"""A tool's output, of which the beginning and the end are kept."""

from __future__ import annotations

import re
import threading

__all__ = ["Printed"]

_HEAD, _TAIL = 12_000, 4_000  # characters
_GROWTH, _PATIENCE = 1 / 16, 2.0  # shown again when it has grown by this share, or after this many seconds
# A lone carriage return goes back to the beginning of the line, as progress bars do.
_BACK = re.compile(r"\r+(?!\n|\Z)")


class Printed:
    """Text that grows piece by piece, from any thread.

    Args:
        text: what was kept of it earlier.

    Attributes:
        head: its beginning; empty if nothing was printed.
    """

    def __init__(self, text: str = "") -> None:
        # A finalizer or a signal handler may print in the middle of a piece.
        self._lock = threading.RLock()
        self.head = text
        self._tail: list[str] = []
        self._tail_size = 0
        self._rest = ""
        self._dropped = 0
        self._total = 0
        self._shown = 0
        self._shown_at = 0.0

    def __bool__(self) -> bool:
        return bool(self.head)

    def add(self, text: str) -> None:
        """Append a piece."""
        with self._lock:
            self._total += len(text)
            # Only the next piece shows whether a carriage return ends a line or starts it again.
            text = self._rest + text
            end = len(text.rstrip("\r"))
            text, self._rest = text[:end], text[end:]
            first, *overwriting = _BACK.split(text)
            self._append(first)
            for line in overwriting:
                self._return()
                self._append(line)

    def clear(self) -> None:
        """Forget everything that was printed so far."""
        with self._lock:
            self.head, self._tail, self._tail_size, self._rest, self._dropped = "", [], 0, "", 0
            self._total += 1

    def kept(self) -> tuple[str, int, int]:
        """Return (the text that is kept, the position in it where some is left out, how many characters that are)."""
        with self._lock:
            self._compact()
            return self.head + "".join(self._tail), len(self.head), self._dropped

    @property
    def text(self) -> str:
        """The text that is kept, with a line in place of what is left out."""
        text, at, hidden = self.kept()
        return f"{text[:at]}\n… {hidden:,} characters are not kept …\n{text[at:]}" if hidden else text

    def is_due(self, now: float | None) -> bool:
        """Return whether there is something new that is worth showing, and if so, count it as shown.

        The cost of showing grows with what is kept, so fast output is shown less and less often.

        Args:
            now: the time in seconds, on a monotonic clock; None to show everything.
        """
        new = self._total - self._shown
        if not new or (now is not None and new < self._shown * _GROWTH and now - self._shown_at < _PATIENCE):
            return False
        self._shown, self._shown_at = self._total, self._shown_at if now is None else now
        return True

    def _append(self, text: str) -> None:
        text = text.replace("\r\n", "\n")
        room = max(0, _HEAD - len(self.head)) if not self._tail else 0
        self.head += text[:room]
        if len(text) > room:
            self._tail.append(text[room:])
            self._tail_size += len(text) - room
        if self._tail_size > 8 * _TAIL:
            self._compact()

    def _return(self) -> None:
        """Forget the line that is being written."""
        tail = "".join(self._tail)
        if tail:
            kept = tail[: tail.rfind("\n") + 1]
            self._tail, self._tail_size = ([kept] if kept else []), len(kept)
        else:
            self.head = self.head[: self.head.rfind("\n") + 1]

    def _compact(self) -> None:
        tail = "".join(self._tail)
        kept = tail[-_TAIL:]
        self._dropped += len(tail) - len(kept)
        self._tail, self._tail_size = ([kept] if kept else []), len(kept)
