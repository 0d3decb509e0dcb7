"""Which tools are running in this process, so that code beside a tool is not taken for a human."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from llm_notebook.configuration.process import process

__all__ = ["is_beside_a_tool", "tool_running"]


class RunningTools:
    """Counts the tools that are running, in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def add(self, number: int) -> None:
        """Change the count."""
        with self._lock:
            self.count += number


@contextlib.contextmanager
def tool_running() -> Iterator[None]:
    """Count a tool as running for the length of the `with` block."""
    tools = process.of(RunningTools)
    tools.add(1)
    try:
        yield
    finally:
        tools.add(-1)


def is_beside_a_tool() -> bool:
    """Return whether a tool is running, and the calling code is in a thread other than the main one.

    A thread that a tool has started is not known to belong to it. But a human's click is carried out in the main thread.
    """
    return process.of(RunningTools).count > 0 and threading.current_thread() is not threading.main_thread()
