"""Reads a server's limits for a key from the headers of a reply, whatever their names. No I/O."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["Stated", "stated_in"]

_NAMED = b"ratelimit"
_FACTS = ("limit", "remaining", "reset")
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0, "month": 2_592_000.0}
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhd])")
# Larger numbers are not durations but times since 1970, in seconds or in milliseconds.
_EPOCH, _EPOCH_MS = 1e9, 1e12


@dataclass(slots=True, frozen=True)
class Stated:
    """What a server says about one of its limits.

    Attributes:
        left: how much is left.
        limit: how much there is in all; None if it is not said.
        full_in: after how many seconds all of it is available again; None if it is not said.
        tolerance: by how many seconds `full_in` may be rounded.
        window: the seconds that the limit is for, if its name says so.
    """

    left: float
    limit: float | None = None
    full_in: float | None = None
    tolerance: float = 0.1
    window: float = 60.0


def stated_in(headers: Iterable[tuple[bytes, bytes]], clock: Callable[[], float] = time.time) -> dict[str, Stated]:
    """Return what headers say about limits, by the limit's name. Names with the word `token` count tokens, all others requests.

    Args:
        headers: the headers of a reply.
        clock: the seconds since 1970.

    This reads the headers of OpenAI and of servers like it (`x-ratelimit-remaining-requests`), of Azure, Groq and Mistral
    (`x-ratelimit-remaining-req-minute`), of Anthropic (`anthropic-ratelimit-input-tokens-remaining`), and those without a name for what they
    count (`ratelimit-remaining`).
    """
    facts: dict[str, dict[str, str]] = {}
    for raw_name, value in headers:
        name = raw_name.lower()
        if _NAMED in name:
            words = name.decode("latin-1").partition("ratelimit")[2].strip("-").split("-")
            fact = next((word for word in words if word in _FACTS), None)
            if fact is not None:
                counted = _counted([word for word in words if word != fact])
                facts.setdefault(counted, {})[fact] = value.decode("latin-1")
    found = {
        counted: _stated(said, counted, clock) for counted, said in facts.items() if counted and "remaining" in said
    }
    return {counted: stated for counted, stated in found.items() if stated is not None}


def _counted(words: list[str]) -> str:
    """Return what a limit counts, without abbreviations; empty if it is neither requests nor tokens."""
    name = "-".join(words).replace("bysize", "tokens")
    if not name:
        return "requests"
    if words[0] == "req":
        return "-".join(["requests", *words[1:]])
    return name if "request" in name or "token" in name else ""


def _stated(said: dict[str, str], counted: str, clock: Callable[[], float]) -> Stated | None:
    left, limit = _number(said["remaining"]), _number(said.get("limit", ""))
    if left is None:
        return None
    window = next((seconds for name, seconds in _SECONDS.items() if counted.endswith(name)), 60.0)
    full_in, tolerance = _seconds_until(said.get("reset", ""), clock)
    return Stated(max(0.0, left), limit, full_in, tolerance, window)


def _number(text: str) -> float | None:
    try:
        number = float(text.partition(",")[0].partition(";")[0])
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None


def _seconds_until(text: str, clock: Callable[[], float]) -> tuple[float | None, float]:
    """Return the number of seconds until a moment, and by how many it may be rounded.

    Servers write it as `6m0.5s`, as seconds, as a time since 1970, or as a date.
    """
    number = _number(text)
    if number is not None and number >= _EPOCH:
        number = number / 1000 if number >= _EPOCH_MS else number
        return max(0.0, number - clock()), 1.0
    if number is not None:
        return number, 0.1 if "." in text else 1.0
    pieces = _DURATION.findall(text)
    if pieces and "".join(map("".join, pieces)) == text:
        return sum(float(count) * _UNITS[unit] for count, unit in pieces), 0.1 if "." in text or "ms" in text else 1.0
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None, 1.0
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - clock()), 1.0
