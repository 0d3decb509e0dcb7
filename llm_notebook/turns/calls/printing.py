"""Which call the running code prints for, so that what a tool prints can be shown with its call.

A sink takes what one call prints. It is a context variable while the tool runs, which the tasks and threads that the tool starts inherit
(see `approvals.running`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol

__all__ = ["Output", "Sink", "current_sink", "outside_calls", "printing_to"]

Sink = Callable[[str | None], None]
"""Takes a piece of what a call prints, in whatever thread it is printed; None where the call clears what it has printed."""

_sink: ContextVar[Sink | None] = ContextVar("llm_notebook_sink", default=None)


class Output(Protocol):
    """Takes what calls print."""

    def add(self, call_id: str, text: str | None) -> None:
        """Take a piece of what a call prints, in any thread; None where the call clears what it has printed."""

    def text_of(self, call_id: str) -> str:
        """Return what a call has printed, shortened."""


@contextlib.contextmanager
def printing_to(sink: Sink | None) -> Iterator[None]:
    """Let the `with` block print to a sink; with None, it prints to where the code around it prints."""
    if sink is None:
        yield
        return
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)


@contextlib.contextmanager
def outside_calls() -> Iterator[None]:
    """Let the `with` block print as if no tool were running."""
    token = _sink.set(None)
    try:
        yield
    finally:
        _sink.reset(token)


def current_sink() -> Sink | None:
    """Return what takes the output of the running code; None outside of calls, and for calls that nobody listens to."""
    return _sink.get()
