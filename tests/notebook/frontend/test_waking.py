"""A signal wakes the event loop, as ■ has to while a cell awaits a silent model."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from llm_notebook.notebook.frontend.waking import LoopWaker


@pytest.fixture(autouse=True)
def handled() -> Iterator[None]:
    """Keep the signal from ending the tests, and look whether its socket is given back."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    yield
    signal.signal(signal.SIGUSR1, before)
    assert signal.set_wakeup_fd(-1) == -1


async def _wait_for_signal() -> None:
    """Wait for what a handler asks the loop to do from its own thread, as tornado asks it, without waking it."""
    loop, heard = asyncio.get_running_loop(), asyncio.Event()

    def hear(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon(heard.set)

    signal.signal(signal.SIGUSR1, hear)
    # It arrives while the loop sleeps.
    child = await asyncio.create_subprocess_exec("sh", "-c", f"sleep 0.2; kill -USR1 {os.getpid()}; exec sleep 100")
    await heard.wait()
    child.kill()
    await child.wait()


def test_a_sleeping_loop_hears_a_signal() -> None:
    async def run() -> None:
        waker = LoopWaker()
        waker.open()
        await _wait_for_signal()
        waker.close()
        waker.close()

    asyncio.run(run())


def test_who_wakes_the_loop_already_is_left_alone() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR2, lambda: None)
        theirs = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(theirs)
        waker = LoopWaker()
        waker.open()
        assert signal.set_wakeup_fd(theirs) == theirs
        waker.close()
        assert signal.set_wakeup_fd(theirs) == theirs
        loop.remove_signal_handler(signal.SIGUSR2)

    asyncio.run(run())


def test_another_thread_leaves_it_as_it_is() -> None:
    async def run() -> None:
        waker = LoopWaker()
        waker.open()
        await asyncio.to_thread(waker.close)
        await _wait_for_signal()
        waker.close()

    asyncio.run(run())


def test_without_a_loop_there_is_nothing_to_wake() -> None:
    waker = LoopWaker()
    waker.open()
    waker.close()
