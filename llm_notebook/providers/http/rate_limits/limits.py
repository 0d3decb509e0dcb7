"""How much one key may ask of a server, according to its replies: requests and tokens per minute, and pauses. Decisions only, no I/O.

How it works. Each limit that a server states in its headers is an `Allowance`: what is left, and when more becomes available. Servers refill a
limit in one of two ways, which look alike in the headers but differ in their meaning. A bucket fills continuously, so the moment when it is
full moves with each request. A window ends at a fixed moment, when all of it becomes available again. An allowance finds out which of the two
it is by checking whether that moment moves. If a bucket is empty, each request gets its own time, one after the other; if a window is used up,
everybody waits for its end.

A refusal (429) pauses every request with that key. A busy server may refuse one request and answer the next, though. So an answer to a request
that was sent after the refused one ends the pause. If nothing is answered before the pause is over, the limit is real. For servers that do not
state it, it is then learned from what was answered during the last minute, and what was learned loosens with time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from llm_notebook.parts.messages import Usage
from llm_notebook.providers.http.rate_limits.limit_headers import Stated
from llm_notebook.providers.http.retries import LONGEST_ASKED_DELAY

__all__ = ["Limit"]

_LEARNED = "learned"
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 8.0
_MINUTE = 60.0
_UNKNOWN = float("-inf")
# A learned limit is believed after this many answers, doubles in this many seconds, and is finally forgotten.
_FEWEST_ANSWERS, _DOUBLES_IN, _FORGOTTEN_IN = 10, 30.0, 600.0
# Until it is known how an allowance refills, a short wait for all of it does less harm than a refusal.
_SHORT_WINDOW = 5.0
# The weight of one request in the running average.
_SHARE_OF_LATEST = 0.1


@dataclass(slots=True)
class Allowance:
    """One limit of a server.

    Attributes:
        left: how much may still be asked; below 0 if requests wait for it.
        limit: how much it is when it is full; None if it is not known.
        full_at: when it is full again, by the clock of the caller.
        rate: how much comes back per second; 0 if it is not known.
        is_window: whether all of it comes back at one moment; None if it is not known.
        period: the longest time in seconds that a window was seen to last.
        grows: whether it was learned from refusals, so that it loosens with time.
    """

    left: float
    limit: float | None
    full_at: float
    rate: float = 0.0
    is_window: bool | None = None
    period: float = 0.0
    grows: bool = False
    _at: float = 0.0
    _first: tuple[float, float] | None = None

    def learn(self, stated: Stated, sent_since: float, waiting: float, now: float) -> None:
        """Learn from a reply.

        Args:
            stated: what it says.
            sent_since: what was asked after that request, which the server may not have counted yet.
            waiting: what is reserved for requests that are not sent yet.
            now: the time.
        """
        self.refill(now)
        most = stated.left - waiting
        self.left = min(max(self.left, most - sent_since), most)
        self.limit = stated.limit
        used = None if stated.limit is None else stated.limit - stated.left
        if stated.full_in is None:
            self.full_at, self.is_window = now + stated.window, False
            self.rate = 0.0 if stated.limit is None else stated.limit / stated.window
            return
        self._look_how_it_fills(stated, used, now)
        self.full_at, self.period = now + stated.full_in, max(self.period, stated.full_in)
        if used and used > 0 and stated.full_in > 0:
            self.rate = used / stated.full_in

    def _look_how_it_fills(self, stated: Stated, used: float | None, now: float) -> None:
        """Find out whether the moment at which everything is available again moves as the allowance is used."""
        assert stated.full_in is not None
        full_at = now + stated.full_in
        if self._first is None or stated.left >= self._first[0]:
            self._first = (stated.left, full_at)
            return
        left, full_at_first = self._first
        expected = (left - stated.left) * stated.full_in / used if used else 0.0
        if expected > 2 * stated.tolerance:
            self.is_window = full_at - full_at_first < expected / 2

    def refill(self, now: float) -> None:
        """Add what has come back until now."""
        elapsed, self._at = max(0.0, now - self._at), max(now, self._at)
        if self.grows:
            self.rate *= 2 ** (elapsed / _DOUBLES_IN)
            self.limit = max(1.0, self.rate)
        if self.is_window is not False and now >= self.full_at:
            self.left = float("inf") if self.limit is None else self.limit
            self.full_at = now + (self.period or _MINUTE)
        elif not self._waits_for_all(now):
            self.left += self.rate * elapsed
        if self.limit is not None:
            self.left = min(self.left, self.limit)

    def _waits_for_all(self, now: float) -> bool:
        if self.is_window is None:
            return not self.rate or self.full_at - now <= _SHORT_WINDOW
        return self.is_window

    def closed_until(self, need: float, now: float) -> float:
        """Return until when nothing more is let through because a window is used up; a time in the past if something is left."""
        self.refill(now)
        if not self._waits_for_all(now) or self.left >= min(need, self.limit or need):
            return now
        return self.full_at if self.full_at - now <= LONGEST_ASKED_DELAY else now

    def take(self, need: float, now: float) -> float:
        """Reserve a part, and return the time from which it may be used."""
        self.refill(now)
        need = min(need, self.limit or need)
        self.left -= need
        is_slow = not self.rate or need / self.rate > LONGEST_ASKED_DELAY
        return now if self.left >= 0 or is_slow or self._waits_for_all(now) else now - self.left / self.rate


@dataclass(slots=True)
class Limit:
    """Everything that is known about the limits of one key on one server. Times come from any monotonic clock.

    Attributes:
        share: the part of it that this process may use, if several processes share a key.
        allowances: the limits by the names that the server has for them.
        paused_until: when the pause after a refusal ends.
        number: how many requests have been let through.
    """

    share: float = 1.0
    allowances: dict[str, Allowance] = field(default_factory=dict)
    paused_until: float = 0.0
    number: int = 0
    _refused_at: float | None = None  # when the refused request was sent that began the pause; None outside of pauses
    _waiting: int = 0  # how many requests have been given a time in the future
    _refusals: int = 0
    _pauses: int = 0
    _answers: Counter[int] = field(default_factory=Counter)
    _since: float | None = None
    _tokens: dict[str, float] = field(default_factory=dict)

    def waits(self, clock: Callable[[], float]) -> Generator[float, None, None]:
        """Yield how many seconds to wait, again and again, until a request may be sent. A wait may end early.

        A caller that stops waiting closes the generator, which gives back what was reserved.
        """
        while True:
            now = clock()
            closed = self._closed_until(now)
            if closed > now:
                yield closed - now
                continue
            slot = self._take(now)
            try:
                while (left := slot - clock()) > 0:
                    yield left
            except GeneratorExit:
                self._give_back()
                raise
            if self._closed_until(now := clock(), is_taken=True) <= now:
                self._waiting -= 1
                self.number += 1
                return
            self._give_back()

    def passes(self, now: float) -> bool:
        """Let a request through that need not wait, as most need not. Return whether it was let through; otherwise, it takes its `waits()`."""
        if self._closed_until(now) > now:
            return False
        if self._take(now) > now or self._closed_until(now, is_taken=True) > now:
            self._give_back()
            return False
        self._waiting -= 1
        self.number += 1
        return True

    def learn(self, stated: Mapping[str, Stated], number: int | None, now: float) -> None:
        """Take what the headers of a reply say.

        Args:
            stated: what they say.
            number: what `number` was when the request was let through; None if that is not known.
            now: the time.
        """
        later = 0 if number is None else self.number - number
        for name, said in stated.items():
            shared = said
            if self.share != 1.0:
                limit = None if said.limit is None else said.limit * self.share
                shared = Stated(said.left * self.share, limit, said.full_in, said.tolerance, said.window)
            known = self.allowances.get(name)
            if known is None:
                known = self.allowances[name] = Allowance(_UNKNOWN, shared.limit, float("inf"), _at=now)
            need = self._need(name)
            known.learn(shared, later * need, self._waiting * need, now)

    def refused(self, asked: float | None, sent_at: float, now: float) -> None:
        """Take that a request was refused, because there were too many.

        Args:
            asked: how many seconds the server asks to wait; None if it does not say.
            sent_at: when the request was sent.
            now: the time.
        """
        self._since = now if self._since is None else self._since
        self._refusals += 1
        if self._refused_at is None or now >= self.paused_until:
            self._learn_from_pause(now)
            self._refused_at = sent_at
            self._pauses += 1
        if asked is None:
            asked = min(_FIRST_PAUSE * 2 ** (self._pauses - 1), _LONGEST_PAUSE)
        if asked <= LONGEST_ASKED_DELAY:
            self.paused_until = max(self.paused_until, now + asked)

    def answered(self, sent_at: float, now: float) -> bool:
        """Take that a request was answered. Return whether that ends a pause.

        Args:
            sent_at: when the request was sent.
            now: the time.
        """
        if self._since is not None:
            self._answers[int(now)] += 1
        if self._refused_at is not None and sent_at <= self._refused_at:
            return False
        self._learn_from_pause(now)
        was_paused = self._refused_at is not None
        self._refused_at, self._refusals, self._pauses, self.paused_until = None, 0, 0, 0.0
        return was_paused

    def used(self, usage: Usage) -> None:
        """Take how many tokens a request has used, by which it is estimated how many the next ones will use."""
        for name in self.allowances:
            if "token" in name:
                counts = [usage.input] * ("output" not in name) + [usage.output] * ("input" not in name)
                tokens = float(sum(count or 0 for count in counts))
                before = self._tokens.get(name, tokens)
                self._tokens[name] = before + _SHARE_OF_LATEST * (tokens - before)

    @property
    def counts_tokens(self) -> bool:
        """Whether one of the limits is for tokens."""
        return any("token" in name for name in self.allowances)

    def _need(self, name: str) -> float:
        return self._tokens.get(name, 1.0) if "token" in name else 1.0

    def _closed_until(self, now: float, *, is_taken: bool = False) -> float:
        if self.paused_until > now:
            return self.paused_until
        self._learn_from_pause(now)
        if (learned := self.allowances.get(_LEARNED)) is not None and now > learned.full_at:
            del self.allowances[_LEARNED]
        closed = (
            known.closed_until(0.0 if is_taken else self._need(name), now) for name, known in self.allowances.items()
        )
        return max(closed, default=now)

    def _take(self, now: float) -> float:
        self._waiting += 1
        return max((known.take(self._need(name), now) for name, known in self.allowances.items()), default=now)

    def _give_back(self) -> None:
        self._waiting -= 1
        for name, known in self.allowances.items():
            known.left += self._need(name)

    def _learn_from_pause(self, now: float) -> None:
        """Learn how much the server lets through from a pause that no answer has ended."""
        if self._refused_at is None or now < self.paused_until:
            return
        self._refused_at = None
        assert self._since is not None
        seconds = min(_MINUTE, max(1.0, now - self._since))
        self._answers = Counter({second: count for second, count in self._answers.items() if second > now - _MINUTE})
        answers = self._answers.total()
        is_stated = any(not known.grows for known in self.allowances.values())
        if self._refusals > 1 and answers >= _FEWEST_ANSWERS and not is_stated:
            rate = answers / seconds
            self.allowances[_LEARNED] = Allowance(
                0.0, max(1.0, rate), now + _FORGOTTEN_IN, rate, is_window=False, grows=True, _at=now
            )
