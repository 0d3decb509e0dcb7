"""Retries: whether a request is sent again, and after how long. Decisions only, no I/O."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["LONGEST_ASKED_DELAY", "Retries", "Retry", "retry_after", "retry_delay"]

_RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
_FIRST_DELAY = 0.5
_LONGEST_DELAY = 8.0
# If a server asks for a longer pause, the request is not repeated: the user should decide whether to wait.
LONGEST_ASKED_DELAY = 120.0


@dataclass(slots=True)
class Retry:
    """A decision to send a request again.

    Attributes:
        reason: why, in a few words.
        delay: seconds to wait before that.
        attempt: the number of the coming attempt; the first request was attempt 1.
        of: the largest number of attempts there can be.
    """

    reason: str
    delay: float
    attempt: int
    of: int


class Retries:
    """The retries of one request. The caller must not ask for one once any of the answer has arrived.

    Args:
        max_retries: the largest number of retries.
        loading_patience: for how many seconds a server that is still loading its model is asked again, however often.
        clock: the time in seconds.
    """

    def __init__(
        self,
        max_retries: int,
        *,
        loading_patience: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max = max_retries
        self._count = 0
        self._clock = clock
        self._patient_until = clock() + loading_patience

    def decide_after_reply(
        self,
        status: int,
        headers: Mapping[str, str],
        *,
        body: object = None,
        loading: bool = False,
        final: bool = False,
    ) -> Retry | None:
        """Decide what to do after an error status.

        Args:
            status: the HTTP status.
            headers: the reply's headers.
            body: the reply's parsed body.
            loading: whether the server says that it is loading its model.
            final: whether the server says that waiting does not help, as when a quota is used up.

        Returns:
            A Retry, or None to give up."""
        # OpenAI's and Anthropic's servers send this header to overrule what their clients make of a status.
        wanted = headers.get("x-should-retry")
        if final or wanted == "false" or (wanted != "true" and status not in _RETRIED):
            return None
        asked = retry_after(headers)
        asked = retry_delay(body) if asked is None else asked
        if asked is not None and asked > LONGEST_ASKED_DELAY:
            return None
        if loading and self._max > 0 and self._clock() < self._patient_until:
            return Retry("The server is loading the model", asked or _FIRST_DELAY, self._count + 2, self._max + 1)
        reason = {429: "Too many requests (429)"}.get(status, f"The server answered {status}")
        return self._next(reason, asked)

    def decide_after_failure(self, reason: str) -> Retry | None:
        """Decide what to do after a connection failed before any reply: a Retry, or None to give up."""
        return self._next(reason, None)

    def wait(self, seconds: float) -> Retry:
        """Return the notice about a wait for the server's limit, before the next attempt."""
        return Retry("Waiting for the server's limit", seconds, self._count + 1, self._max + 1)

    def _next(self, reason: str, asked: float | None) -> Retry | None:
        if self._count >= self._max:
            return None
        self._count += 1
        # A random share keeps clients that failed together from returning together.
        backoff = min(_FIRST_DELAY * 2 ** (self._count - 1), _LONGEST_DELAY) * random.uniform(0.75, 1.0)  # noqa: S311
        return Retry(reason, backoff if asked is None else asked, self._count + 1, self._max + 1)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds the server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return max(0.0, milliseconds / 1000)
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is not None:
        return max(0.0, seconds)
    if not value:
        return None
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def retry_delay(body: object) -> float | None:
    """Return how many seconds Google asks to wait: `retryDelay`, such as `34.07s`, among the details in its error bodies."""
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return None
    try:
        delays = [detail["retryDelay"] for detail in body["error"]["details"] if "retryDelay" in detail]
        seconds = _number(delays[0].removesuffix("s"))
    except (AttributeError, IndexError, KeyError, TypeError):
        return None
    return None if seconds is None else max(0.0, seconds)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None
