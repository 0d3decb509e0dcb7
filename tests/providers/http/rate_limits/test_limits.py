"""Limits: what headers of many servers say, and when requests are let through, by a clock that the tests turn."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_notebook.parts.messages import Usage
from llm_notebook.providers.http.rate_limits.limit_headers import Stated, stated_in
from llm_notebook.providers.http.rate_limits.limits import Limit


def _headers(**named: str) -> list[tuple[bytes, bytes]]:
    return [(name.replace("_", "-").encode(), value.encode()) for name, value in named.items()]


_NOW = 1_790_000_000.0


def _in(seconds: float) -> str:
    return datetime.fromtimestamp(_NOW + seconds, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    ("headers", "counted", "left", "limit", "seconds"),
    [
        (
            _headers(x_ratelimit_limit_requests="500", x_ratelimit_remaining_requests="9", x_ratelimit_reset_requests="1m2.5s"),
            "requests", 9, 500, 62.5,
        ),
        (
            _headers(x_ratelimit_limit_tokens="30000", x_ratelimit_remaining_tokens="21", x_ratelimit_reset_tokens="20ms"),
            "tokens", 21, 30000, 0.02,
        ),
        (
            _headers(
                Anthropic_Ratelimit_Input_Tokens_Limit="100", Anthropic_Ratelimit_Input_Tokens_Remaining="50",
                Anthropic_Ratelimit_Input_Tokens_Reset=_in(30),
            ),
            "input-tokens", 50, 100, 30,
        ),
        (_headers(x_ratelimit_limit_req_minute="60", x_ratelimit_remaining_req_minute="0"), "requests-minute", 0, 60, None),
        (_headers(ratelimitbysize_limit="60", ratelimitbysize_remaining="5", ratelimitbysize_reset="7"), "tokens", 5, 60, 7),
        (_headers(ratelimit_remaining="3", ratelimit_reset="12"), "requests", 3, None, 12),
        (
            _headers(x_ratelimit_remaining="3", x_ratelimit_reset=str(int(_NOW * 1000) + 12000)),
            "requests", 3, None, 12,
        ),
    ],
)  # fmt: skip
def test_headers_of_many_servers_say_the_same(
    headers: list[tuple[bytes, bytes]], counted: str, left: float, limit: float | None, seconds: float | None
) -> None:
    [(name, stated)] = stated_in(headers, lambda: _NOW).items()
    assert (name, stated.left, stated.limit) == (counted, left, limit)
    assert stated.full_in == (None if seconds is None else pytest.approx(seconds))


@given(
    st.lists(
        st.tuples(st.sampled_from(["x-ratelimit-remaining", "ratelimit-limit", "ratelimit-reset", "a"]), st.text())
    )
)
def test_headers_that_make_no_sense_are_ignored(headers: list[tuple[str, str]]) -> None:
    stated_in([(name.encode(), value.encode()) for name, value in headers])


@dataclass
class Fake:
    """A server that counts requests by a clock of its own, and clients that follow a `Limit`.

    Attributes:
        allows: returns whether the server answers a request at this time.
        states: returns what its replies say of the limit.
        takes: the seconds until a reply.
    """

    allows: Callable[[float], bool]
    states: Callable[[float], dict[str, Stated]] = lambda _now: {}
    retry_after: Callable[[float], float | None] = lambda _now: None
    takes: float = 0.05
    now: float = 100.0
    limit: Limit = field(default_factory=Limit)
    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    _left: int = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _asleep: set[Callable[[], None]] = field(default_factory=set)

    def ask(self, count: int, at_once: int) -> None:
        """Ask so many requests, each until it is answered, so many at once."""
        self._left = count
        for _ in range(at_once):
            self._begin()
        while self._events:
            time, _, act = heapq.heappop(self._events)
            self.now = max(self.now, time)
            act()

    def _at(self, time: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), act))

    def _begin(self) -> None:
        if self._left:
            self._left -= 1
            self._attempt()

    def _attempt(self) -> None:
        waits = self.limit.waits(lambda: self.now)

        def go_on() -> None:
            if (seconds := next(waits, None)) is None:
                self._send()
                return

            def wake() -> None:
                if wake in self._asleep:
                    self._asleep.remove(wake)
                    go_on()

            self._asleep.add(wake)
            self._at(self.now + seconds, wake)

        go_on()

    def _send(self) -> None:
        # No two requests are sent at the same moment.
        self.now += 1e-6
        number, sent_at = self.limit.number, self.now
        is_allowed = self.allows(self.now)
        stated, seconds = self.states(self.now), self.retry_after(self.now)

        def reply() -> None:
            self.limit.learn(stated, number, self.now)
            if not is_allowed:
                self.refused.append(self.now)
                self.limit.refused(seconds, sent_at, self.now)
                self._at(self.now + (seconds or 0.5), self._attempt)
                return
            self.answered.append(self.now)
            for wake in list(self._asleep) if self.limit.answered(sent_at, self.now) else ():
                wake()
            self._begin()

        self._at(self.now + self.takes, reply)


class _Window:
    """A limit of so many requests in each window of so many seconds."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds, self.counts = limit, seconds, {0: 0}

    def allows(self, now: float) -> bool:
        number = int(now // self.seconds)
        self.counts[number] = self.counts.get(number, 0) + 1
        return self.counts[number] <= self.limit

    def end(self, now: float) -> float:
        return self.seconds - now % self.seconds

    def states(self, now: float) -> dict[str, Stated]:
        left = self.limit - self.counts.get(int(now // self.seconds), 0)
        return {"requests": Stated(max(0, left), self.limit, self.end(now))}


class _Bucket:
    """A limit that lets a request through whenever there is one left, and fills at an even rate."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.rate, self.left, self.at = limit, limit / seconds, float(limit), 0.0

    def allows(self, now: float) -> bool:
        self.left = min(self.limit, self.left + self.rate * (now - self.at))
        self.at = now
        is_allowed = self.left >= 1
        self.left -= is_allowed
        return is_allowed

    def states(self, now: float) -> dict[str, Stated]:
        return {"requests": Stated(int(self.left), self.limit, (self.limit - self.left) / self.rate)}


def test_a_window_that_is_used_up_is_waited_for() -> None:
    window = _Window(20, 10.0)
    fake = Fake(window.allows, window.states)
    fake.ask(100, 16)
    assert len(fake.answered) == 100
    assert len(fake.refused) <= 16
    # Five windows: nothing goes faster, and nothing is left unused.
    assert fake.now == pytest.approx(100 + 4 * 10, abs=1)


def test_a_bucket_gives_each_request_a_time_of_its_own() -> None:
    bucket = _Bucket(60, 60.0)
    fake = Fake(bucket.allows, bucket.states)
    fake.ask(100, 16)
    assert len(fake.answered) == 100
    assert len(fake.refused) <= 8
    assert fake.now == pytest.approx(100 + 40, abs=5)


@pytest.mark.parametrize("says", [True, False])
def test_a_limit_that_is_not_stated_is_learned_from_refusals(says: bool) -> None:
    window = _Window(60, 60.0)
    fake = Fake(window.allows, retry_after=window.end if says else lambda _now: None)
    fake.ask(300, 32)
    assert len(fake.answered) == 300
    # Without the limit, each of the 32 would be refused every half a second.
    assert len(fake.refused) < (200 if says else 700)
    assert fake.now < 100 + 5 * 60 + 60


def test_one_refusal_among_answers_stops_nobody() -> None:
    seen = 0

    def allows(_now: float) -> bool:
        nonlocal seen
        seen += 1
        return seen % 20 != 0

    fake = Fake(allows, retry_after=lambda _now: 1.0)
    fake.ask(2000, 64)
    # 2,000 answers in rounds of 64 take 31 rounds, and one in twenty waits a second by itself.
    assert fake.now - 100 < 2000 / 64 * 0.05 * 3 + 3


def test_a_refusal_pauses_every_other_request_until_the_server_said() -> None:
    limit = Limit()
    limit.refused(3.0, 10.0, 10.1)
    waits = limit.waits(lambda: 11.1)
    assert next(waits) == pytest.approx(2.0)
    # An answer to what was sent before says nothing of the limit.
    assert not limit.answered(9.0, 11.1)
    assert next(waits) == pytest.approx(2.0)
    assert limit.answered(10.05, 11.1)
    assert next(waits, None) is None


def test_whoever_stops_waiting_gives_back_what_was_reserved() -> None:
    limit = Limit()
    limit.learn({"requests": Stated(0, 60, 60.0)}, None, 10.0)
    first, second, third = (limit.waits(lambda: 10.0) for _ in range(3))
    assert (next(first), next(second)) == (pytest.approx(1.0), pytest.approx(2.0))
    second.close()
    assert next(third) == pytest.approx(2.0)


def test_a_longer_pause_than_anybody_waits_for_is_left_to_the_server_to_explain() -> None:
    limit = Limit()
    limit.refused(3600.0, 10.0, 10.1)
    assert list(limit.waits(lambda: 11.0)) == []
    limit.learn({"requests-day": Stated(0, 1000, 80_000.0)}, None, 11.0)
    assert sum(1 for _ in zip(limit.waits(lambda: 12.0), range(3), strict=False)) in (0, 3)


def test_tokens_are_counted_by_what_requests_have_used() -> None:
    limit = Limit()
    limit.learn({"tokens": Stated(1000, 6000, 50.0)}, None, 10.0)
    limit.used(Usage(300, 200))
    assert [list(limit.waits(lambda: 10.0)) for _ in range(2)] == [[], []]
    # 500 of 100 a second are missing.
    assert next(limit.waits(lambda: 10.0)) == pytest.approx(5.0)


def test_a_share_of_a_limit_is_all_that_one_of_several_processes_uses() -> None:
    limit = Limit(share=0.25)
    limit.learn({"requests": Stated(8, 60, 52.0)}, None, 10.0)
    assert [list(limit.waits(lambda: 10.0)) for _ in range(2)] == [[], []]
    assert next(limit.waits(lambda: 10.0)) == pytest.approx(1 / (52 / 52 / 4))


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("answered"), st.floats(0, 5)),
            st.tuples(st.just("refused"), st.none() | st.floats(0, 300)),
            st.tuples(st.just("stated"), st.integers(0, 20)),
            st.tuples(st.just("ask"), st.none()),
        ),
        max_size=60,
    ),
    st.floats(0, 30),
)
def test_whatever_replies_say_nobody_waits_for_ever(events: list[tuple[str, float | None]], step: float) -> None:
    limit, now = Limit(), 100.0
    for kind, value in events:
        now += step
        if kind == "answered":
            limit.answered(now - (value or 0), now)
        elif kind == "refused":
            limit.refused(value, now - 0.1, now)
        elif kind == "stated":
            limit.learn({"requests": Stated(value or 0, 20, step)}, limit.number, now)
        else:
            waited = 0.0
            waits = limit.waits(lambda: now)  # noqa: B023  it is used up in this round
            for seconds in waits:
                assert seconds > 0
                waited += seconds
                now += seconds
                assert waited < 1000
