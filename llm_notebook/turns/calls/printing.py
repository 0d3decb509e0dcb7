"""Knows for which call the running code prints, so that a tool's output can be shown with its call.

A sink receives what one call prints. While the tool runs, the sink stands in a context variable, which the tool's tasks and threads inherit
(see `approvals.running`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Protocol

__all__ = ["Output", "Sink", "current_sink", "outside_calls", "printing_to"]

Sink = Callable[[str | None], None]
"""Receives a piece of a call's output, in whatever thread it is printed; None if the call clears its output."""

_sink: ContextVar[Sink | None] = ContextVar("llm_notebook_sink", default=None)


class Output(Protocol):
    """Receives what calls print."""

    def add(self, call_id: str, text: str | None) -> None:
        """Receive a piece of a call's output, in any thread; None if the call clears its output."""

    def text_of(self, call_id: str) -> str:
        """Return what a call has printed, shortened."""


@contextlib.contextmanager
def printing_to(sink: Sink | None) -> Iterator[None]:
    """Let the `with` block print to a sink; with None, it prints where the surrounding code prints."""
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
    """Return the sink for the output of the running code; None outside of calls, and for calls to which nobody listens."""
    return _sink.get()
