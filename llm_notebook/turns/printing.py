"""Which call the running code prints for, so that what a tool prints can be shown with its call.

A sink takes what one call prints. It is a context variable while the tool runs, so asyncio's tasks and `asyncio.to_thread()` pass it on.
Threads that the tool starts do not inherit it; whoever routes output notes them with `owned_by_caller()`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol
from weakref import WeakKeyDictionary

from llm_notebook.configuration.process import process

__all__ = ["Output", "Sink", "current_sink", "outside_calls", "owned_by_caller", "printed_by", "printing_to"]

Sink = Callable[[str | None], None]
"""Takes a piece of what a call prints, in whatever thread it is printed; None where the call clears what it has printed."""

_SINKS: ContextVar[tuple[Sink | None] | None] = ContextVar("llm_notebook_sink", default=None)


class Output(Protocol):
    """Takes what calls print."""

    def add(self, call_id: str, text: str | None) -> None:
        """Take a piece of what a call prints, in any thread; None where the call clears what it has printed."""

    def text_of(self, call_id: str) -> str:
        """Return what a call has printed, shortened."""


class ThreadSinks:
    """The sinks of the threads that tools have started."""

    def __init__(self) -> None:
        self.by_thread: WeakKeyDictionary[threading.Thread, Sink] = WeakKeyDictionary()


@contextlib.contextmanager
def printing_to(sink: Sink | None) -> Iterator[None]:
    """Let the `with` block print to a sink; with None, it prints to where the code around it prints."""
    if sink is None:
        yield
        return
    token = _SINKS.set((sink,))
    try:
        yield
    finally:
        _SINKS.reset(token)


@contextlib.contextmanager
def outside_calls() -> Iterator[None]:
    """Let the `with` block print as if no tool were running."""
    token = _SINKS.set((None,))
    try:
        yield
    finally:
        _SINKS.reset(token)


def current_sink() -> Sink | None:
    """Return what takes the output of the running code; None outside of calls, and for calls that nobody listens to."""
    known = _SINKS.get()
    if known is not None:
        return known[0]
    return process.of(ThreadSinks).by_thread.get(threading.current_thread())


def owned_by_caller(thread: threading.Thread) -> None:
    """Note that what a thread prints belongs to the call that the running code belongs to. Call it before the thread starts."""
    sink = current_sink()
    if sink is not None:
        process.of(ThreadSinks).by_thread[thread] = sink


def printed_by(call_id: str, output: Output | None) -> str:
    """Return what a call has printed so far, shortened; empty if nobody listens to it."""
    return "" if output is None else output.text_of(call_id)
