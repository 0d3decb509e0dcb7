"""Retries: whether a request is sent again, and after how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from llm_notebook.providers.http.retries import Retries, retry_after


def test_delays_grow_and_end() -> None:
    retries = Retries(6)
    delays = []
    while (retry := retries.decide_after_reply(500, {})) is not None:
        delays.append(retry.delay)
        assert retry.attempt == len(delays) + 1
        assert retry.of == 7
    assert len(delays) == 6
    for delay, most in zip(delays, [0.5, 1, 2, 4, 8, 8], strict=True):
        assert 0.75 * most <= delay <= most


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_a_status_that_may_pass_is_retried(status: int) -> None:
    retry = Retries(1).decide_after_reply(status, {})
    assert retry is not None
    assert str(status) in retry.reason


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 422, 501])
def test_a_status_that_will_not_pass_is_not_retried(status: int) -> None:
    assert Retries(1).decide_after_reply(status, {}) is None


def test_the_server_may_decide() -> None:
    assert Retries(1).decide_after_reply(500, {"x-should-retry": "false"}) is None
    assert Retries(1).decide_after_reply(400, {"x-should-retry": "true"}) is not None


def test_no_retries_means_none() -> None:
    assert Retries(0).decide_after_reply(500, {}) is None
    assert Retries(0).decide_after_reply(503, {}, loading=True) is None
    assert Retries(0).decide_after_failure("No connection") is None


def test_the_server_says_how_long_to_wait() -> None:
    retry = Retries(1).decide_after_reply(429, {"retry-after": "7"})
    assert retry is not None
    assert retry.delay == 7
    assert Retries(1).decide_after_reply(429, {"retry-after": "3600"}) is None


@pytest.mark.parametrize(("asked", "waited"), [("120", 120), ("121", None), ("120.5", None), ("inf", None)])
def test_a_wait_of_two_minutes_is_the_longest(asked: str, waited: float | None) -> None:
    retry = Retries(1).decide_after_reply(429, {"retry-after": asked})
    assert (retry.delay if retry is not None else None) == waited
    milliseconds = Retries(1).decide_after_reply(429, {"retry-after-ms": str(float(asked) * 1000)})
    assert (milliseconds.delay if milliseconds is not None else None) == waited


def test_a_refusal_that_waiting_does_not_change_is_not_retried() -> None:
    assert Retries(1).decide_after_reply(429, {"retry-after": "1"}, final=True) is None


def test_a_server_that_loads_its_model_is_waited_for() -> None:
    now = [0.0]
    retries = Retries(1, loading_patience=120, clock=lambda: now[0])
    for _ in range(50):
        retry = retries.decide_after_reply(503, {"retry-after": "0"}, loading=True)
        assert retry is not None
        assert retry.delay > 0
        assert "loading" in retry.reason
    now[0] = 121
    assert retries.decide_after_reply(503, {}, loading=True) is not None
    assert retries.decide_after_reply(503, {}, loading=True) is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "-1"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "nan"}, 0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
    ],
)
def test_how_long_the_server_asks_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_date_to_wait_for() -> None:
    asked = retry_after({"retry-after": format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)})
    assert asked is not None
    assert 3000 < asked <= 3600
