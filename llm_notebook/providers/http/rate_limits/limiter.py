"""Waits for the limits of all servers that this process asks: one `Limit` for each server and key, shared by sync and async code.

A limit is created when a server mentions one, so a request to any other server costs only a look into a dict.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from llm_notebook.providers.http.rate_limits.limits import Limit
from llm_notebook.turns.concurrency.interrupts import wait_stoppably
from llm_notebook.turns.concurrency.withdrawal import refuse_withdrawn, waking

if TYPE_CHECKING:
    from llm_notebook.parts.messages import Usage
    from llm_notebook.providers.http.rate_limits.limit_headers import Stated

__all__ = ["Gate", "Limits", "await_turn", "wait_for_turn"]

N = TypeVar("N")
Waits = Generator[float, None, None]

Asked = tuple[str, str]
"""A server's scheme, host and port, and the key that is sent to it; empty for none."""


class Gate:
    """One limit, which threads and event loops may use at once.

    Args:
        share: the part of it that this process may use.
    """

    def __init__(self, share: float) -> None:
        # The garbage collector may close a dropped wait in a thread that holds the lock.
        self._lock = threading.RLock()
        self._limit = Limit(share)
        self._sleepers: set[Callable[[], object]] = set()

    @property
    def number(self) -> int:
        """The number of requests that were let through."""
        return self._limit.number

    def share(self, share: float) -> None:
        """Set the part of the limit that this process may use."""
        self._limit.share = share

    def passes(self) -> bool:
        """Let a request through that need not wait, as `Limit.passes()` does."""
        with self._lock:
            return self._limit.passes(monotonic())

    def waits(self) -> Waits:
        """Yield the seconds of each wait until a request may be sent, as `Limit.waits()` does."""
        waits = self._limit.waits(monotonic)
        try:
            while True:
                with self._lock:
                    seconds = next(waits, None)
                if seconds is None:
                    return
                yield seconds
        finally:
            with self._lock:
                waits.close()

    def learn(self, stated: Mapping[str, Stated], number: int | None) -> None:
        """Learn from the headers of a reply."""
        with self._lock:
            self._limit.learn(stated, number, monotonic())

    def refused(self, asked: float | None, sent_at: float) -> None:
        """Note that a request was refused because there were too many."""
        with self._lock:
            self._limit.refused(asked, sent_at, monotonic())

    def answered(self, sent_at: float) -> None:
        """Note that a request was answered."""
        with self._lock:
            is_open = self._limit.answered(sent_at, monotonic())
            woken = list(self._sleepers) if is_open else []
        for wake in woken:
            wake()

    def used(self, usage: Usage) -> None:
        """Note how many tokens a request has used."""
        with self._lock:
            self._limit.used(usage)

    @property
    def counts_tokens(self) -> bool:
        """Whether one of its limits is for tokens."""
        return self._limit.counts_tokens

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Iterator[None]:
        """Let a function be called, by any thread, when a pause ends early during the `with` block."""
        with self._lock:
            self._sleepers.add(wake)
        try:
            yield
        finally:
            with self._lock:
                self._sleepers.discard(wake)


class Limits:
    """The limits that this process knows. A forked child begins without its parent's limits, because the parent's waits are not its own.

    Attributes:
        seen: the limits that were seen, by server and key.
    """

    def __init__(self) -> None:
        self._share = 1.0
        self.seen: dict[Asked, Gate] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self.seen = {}

    def of(self, asked: Asked) -> Gate:
        """Return the limit of a key on a server, creating it if necessary."""
        return self.seen.setdefault(asked, Gate(self._share))

    def divide(self, processes: int) -> None:
        """Use only a part of each limit, because this many processes use the same keys."""
        if self._share != 1 / processes:
            self._share = 1 / processes
            for gate in list(self.seen.values()):
                gate.share(self._share)


def wait_for_turn(gate: Gate, begin: Callable[[N], Waits], notify: N) -> None:
    """Perform the waits until a request may be sent.

    Args:
        gate: the limit, which may end a wait early.
        begin: returns the generator that yields the seconds of each wait.
        notify: passed to `begin`.
    """
    with closing(begin(notify)) as waits:
        if next(waits, None) is None:
            return
        woken = threading.Event()
        # The seconds are asked for once more: a pause may have ended before anybody could be woken.
        with gate.waking(woken.set), waking(woken.set):
            for seconds in waits:
                wait_stoppably(woken, seconds)
                refuse_withdrawn()
                woken.clear()


async def await_turn(gate: Gate, begin: Callable[[N], Waits], notify: N) -> None:
    """Do what `wait_for_turn()` does, on the running event loop."""
    import asyncio  # a slow import that only async code needs, and async code has it loaded

    from llm_notebook.turns.concurrency.waits import wake_task  # loads asyncio too

    with closing(begin(notify)) as waits:
        if next(waits, None) is None:
            return
        loop, woken = asyncio.get_running_loop(), asyncio.Event()
        wake = functools.partial(wake_task, loop, woken)
        with gate.waking(wake), waking(wake):
            for seconds in waits:
                timer = loop.call_later(seconds, woken.set)
                try:
                    await woken.wait()
                finally:
                    timer.cancel()
                refuse_withdrawn()
                woken.clear()
