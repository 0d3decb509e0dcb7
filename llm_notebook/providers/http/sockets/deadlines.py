"""The deadline of a whole answer: no step that waits for a server continues after it.

An HTTP library has a time limit for each phase, such as connecting or reading the body, and applies it to every single wait of that phase. A
server that sends a byte now and then could go on forever. So the streams of `socket_streams.py` and `asyncio_streams.py` ask, before each wait,
how long it may take: no longer than the phase allows, and no longer than what is left of the whole.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Left", "TimeLeft"]

Left = Callable[[], float]
"""Returns the seconds that are left, which are more than 0 even if the time is over."""


class TimeLeft:
    """How long one connection may wait for its current request.

    Attributes:
        of_whole: returns the seconds that are left of the whole time; None if there is no limit.
    """

    __slots__ = ("of_whole",)

    def __init__(self) -> None:
        self.of_whole: Left | None = None

    def bound(self, seconds: float | None) -> float | None:
        """Return how long a wait may take that begins now, at most the seconds given; None means no limit."""
        if self.of_whole is None:
            return seconds
        left = self.of_whole()
        return left if seconds is None else min(seconds, left)
