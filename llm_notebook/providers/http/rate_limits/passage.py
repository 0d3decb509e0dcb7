"""Takes one request past the limit of its server and key: waits for its turn, and reports what the replies say about the limit."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import TYPE_CHECKING

from llm_notebook.parts.messages import Usage
from llm_notebook.providers.http.rate_limits.limit_headers import stated_in

if TYPE_CHECKING:
    from llm_notebook.providers.http.rate_limits.limiter import Asked, Gate, Limits
    from llm_notebook.providers.http.wire import Decoder

__all__ = ["Passage"]

# A wait of at least this many seconds is announced.
_LONG_WAIT = 1.0


class Passage:
    """One request before a limit, over all its attempts.

    Args:
        limits: the limits of the process.
        asked: the server and the key.

    Attributes:
        gate: the limit, if one was known at the last look.
        sent_at: the moment at which the latest attempt was sent.
    """

    __slots__ = ("_asked", "_limits", "_number", "gate", "sent_at")

    def __init__(self, limits: Limits, asked: Asked) -> None:
        self._limits = limits
        self._asked = asked
        self._number: int | None = None
        self.sent_at = 0.0
        self.gate: Gate | None = limits.seen.get(asked)

    def look(self) -> None:
        """Look for the limit again, which may have been seen in the meantime."""
        self.gate = self._limits.seen.get(self._asked)

    def passes(self) -> bool:
        """Return whether the next attempt may be sent at once; otherwise, it takes its `waits()`."""
        gate = self.gate
        if gate is None:
            return True
        if not gate.passes():
            return False
        self._number = gate.number
        return True

    def waits(
        self, time_to_wait: Callable[[float], float], notify: Callable[[float], object]
    ) -> Generator[float, None, None]:
        """Yield the seconds of each wait until the next attempt may be sent.

        Args:
            time_to_wait: returns how many of so many seconds can be waited. What it raises ends the waiting.
            notify: is told the seconds of the first long wait.
        """
        gate, is_told = self.gate, False
        if gate is None:
            return
        with closing(gate.waits()) as waits:
            for seconds in waits:
                time = time_to_wait(seconds)
                if seconds >= _LONG_WAIT and not is_told:
                    notify(seconds)
                    is_told = True
                yield time
        self._number = gate.number

    def replied(self, headers: Iterable[tuple[bytes, bytes]], is_success: bool) -> None:
        """Take the head of a reply.

        Args:
            headers: its headers.
            is_success: it is an answer.
        """
        stated = stated_in(headers)
        if stated:
            self.gate = self._limits.of(self._asked)
            self.gate.learn(stated, self._number)
        elif self.gate is None:
            # Another request may have been refused since this one was sent.
            self.gate = self._limits.seen.get(self._asked)
        if self.gate is not None and is_success:
            self.gate.answered(self.sent_at)

    def refused(self, seconds: float | None) -> None:
        """Take that the server refuses because of its limit, and asks to wait so many seconds; None if it does not say."""
        self._limits.of(self._asked).refused(seconds, self.sent_at)

    def used(self, decoder: Decoder) -> None:
        """Take how many tokens an answer took, where its decoder knows that."""
        if self.gate is not None and self.gate.counts_tokens:
            usage = getattr(decoder, "usage", None)
            if isinstance(usage, Usage):
                self.gate.used(usage)
