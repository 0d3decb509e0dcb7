"""What runs as a tool: the consent that is in force there, and the threads that belong to it.

How it works. While the body of a tool runs, context variables say so. Python's tasks inherit them, and threads do not. But what a tool starts
is the tool's: it decides about no call, the chains that it asks are inside the tool, and what it prints belongs to its call. So as long as
tools run, the ways to start a thread are wrapped, and a thread or a job of a pool that a tool starts runs in a copy of the tool's context.
What is started elsewhere meanwhile is left alone. A thread that was there before the tool belongs to nobody's tool, unless it is that of a
pool, where each job belongs to the code that has submitted it.
"""

from __future__ import annotations

import _thread
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from llm_notebook.configuration.process import process

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = ["approved", "inside_tool", "under_approval"]

# True or False while a tool's body runs, None outside of tools.
_under_approval: ContextVar[bool | None] = ContextVar("llm_notebook_approved", default=None)


def approved() -> bool:
    """Return whether a human has approved the call that is running. Call it inside a tool; elsewhere it returns False."""
    return bool(_under_approval.get())


def inside_tool() -> bool:
    """Return whether the calling code runs inside a tool, or in a thread or task that a tool has started."""
    return _under_approval.get() is not None


@contextlib.contextmanager
def under_approval(consent: bool | None) -> Iterator[None]:
    """Set what `approved()` returns while the body of a tool runs.

    Args:
        consent: whether a human has approved the call; None for what is no tool, such as a hook. Inside a tool, that counts as part of the tool.
    """
    if consent is None:
        yield
        return
    token = _under_approval.set(consent)
    try:
        with process.of(_StartedThreads).kept():
            yield
    finally:
        _under_approval.reset(token)


@dataclass(slots=True)
class _StartedThreads:
    """The wrappers around the ways to start a thread, which are there while at least one tool runs."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _users: int = 0
    _undo: list[Callable[[], None]] = field(default_factory=list)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Let what tools start in the `with` block belong to them."""
        from concurrent.futures import ThreadPoolExecutor  # loads logging, and only tools need it

        with self._lock:
            self._users += 1
            if self._users == 1:
                self._wrap(threading.Thread, "start", _inheriting_start)
                self._wrap(ThreadPoolExecutor, "submit", _inheriting_submit)
                self._wrap(_thread, "start_new_thread", _inheriting_raw_start)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                while not self._users and self._undo:
                    self._undo.pop()()

    def _wrap(self, holder: Any, name: str, make: Callable[[Any], Any]) -> None:
        original = getattr(holder, name)
        wrapper = make(original)

        def undo() -> None:
            # If somebody has wrapped it since, their wrapper stays.
            if getattr(holder, name) is wrapper:
                setattr(holder, name, original)

        setattr(holder, name, wrapper)
        self._undo.append(undo)


def _inheriting_start(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def inheriting(thread: threading.Thread) -> None:
        if inside_tool():
            context, run = copy_context(), thread.run

            def run_inside() -> None:
                # A thread that refers to itself would wait for the garbage collector.
                vars(thread).pop("run", None)
                context.run(run)

            thread.run = run_inside  # type: ignore[method-assign]
        start(thread)

    return inheriting


def _inheriting_raw_start(start: Callable[..., Any]) -> Callable[..., Any]:
    def inheriting(function: Callable[..., Any], arguments: tuple[Any, ...], *options: Any) -> Any:
        return (
            start(copy_context().run, (function, *arguments), *options)
            if inside_tool()
            else start(function, arguments, *options)
        )

    return inheriting


def _inheriting_submit(submit: Callable[..., Any]) -> Callable[..., Any]:
    def inheriting(pool: ThreadPoolExecutor, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Any:
        if not inside_tool():
            return submit(pool, function, *arguments, **options)
        # The threads of a pool are not the tool's: other jobs come after this one.
        return Context().run(submit, pool, copy_context().run, function, *arguments, **options)

    return inheriting
