"""Decides when something is sent as a whole, so that the total that a run sends this way is bounded, however long its answer becomes."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Pace", "Reminders", "SteadyPace"]

# A text of this many bytes must double before it is sent as a whole again.
_DOUBLES_AT = 2**18
# The share of all bytes that may be spent because time has passed, rather than because the text has grown.
_IMPATIENT_SHARE = 1 / 3
_FIRST_REMINDER = 2.0  # seconds after the run began
_REMINDERS_APART = 1.25  # how much later each reminder comes than the one before


@dataclass(slots=True)
class Pace:
    """Decides when an output is repainted, which costs all of its text.

    Attributes:
        growth: the share of itself by which the text must have grown; more for a long text.
        patience: the seconds after which it is repainted in any case.
        most: how many bytes all repaints together may take.
        spent: how many bytes they have taken so far.
    """

    growth: float = 1 / 64
    patience: float = 2.0
    most: int = 3_500_000
    spent: int = 0
    _size: int = 0
    _at: float = 0.0

    def due(self, size: int, now: float, cost: int) -> bool:
        """Return whether the output is to be repainted now.

        Args:
            size: the length of the text, in bytes.
            now: the time in seconds, on a monotonic clock.
            cost: the bytes that a repaint takes.
        """
        growth = max(self.growth, self._size / _DOUBLES_AT)
        after = self.spent + cost
        has_grown = size - self._size >= self._size * growth
        is_late = now - self._at >= self.patience and after <= self.most * _IMPATIENT_SHARE
        if not (has_grown or is_late) or after > self.most:
            return False
        self._size, self._at = size, now
        return True


@dataclass(slots=True)
class SteadyPace(Pace):
    """Decides when an output that stays short, such as a bar, is repainted: at growing intervals.

    Attributes:
        interval: the seconds until the next repaint.
    """

    interval: float = 0.5

    def due(self, size: int, now: float, cost: int) -> bool:
        """Return whether the output is to be repainted now; only the time counts."""
        if self._at and now - self._at < self.interval:
            return False
        self.interval *= 1.05 if self._at else 1.0
        self._at = now
        return True


@dataclass(slots=True)
class Reminders:
    """Decides when pages are sent the whole document.

    A page that was loaded during the run shows only what was saved, and cannot ask a busy kernel for the rest.

    Attributes:
        most: how many bytes all reminders together may take at first.
        each_second: how many more bytes they may take for each second of the run, so that a page need not wait for the end of a long silence.
        spent: how many bytes they have taken so far.
    """

    most: int = 400_000
    each_second: int = 20_000
    spent: int = 0
    _next: float = _FIRST_REMINDER

    def due(self, seconds: float, cost: int) -> bool:
        """Return whether a reminder is to be sent now, and if so, count it as sent.

        Args:
            seconds: the time since the run began.
            cost: the bytes that a reminder takes.
        """
        if seconds < self._next or self.spent + cost > self.most + self.each_second * seconds:
            return False
        self.spent += cost
        self._next = max(self._next * _REMINDERS_APART, seconds)
        return True
