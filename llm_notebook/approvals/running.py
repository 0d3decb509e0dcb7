"""Knows which code runs as a tool: the consent in force there, and the threads that belong to it.

How it works. While the body of a tool runs, context variables say so. Python's tasks inherit them, but threads do not. Yet the code that a tool
starts belongs to the tool: it may not decide about calls, its chains are inside the tool, and its output belongs to the tool's call. So when
the first chain with tools begins, the functions that start a thread are wrapped, and a thread or a pool's job that a tool starts runs in a
copy of the tool's context. Code that is started elsewhere is left alone. A thread that existed before the tool belongs to no tool, except in a pool, where each
job belongs to the code that has submitted it.

A tool has code that runs outside of its body, too: the types of its arguments check and convert, conditions look at arguments, and values that
it holds say what they are. So whatever prepares its calls runs in a copy of the context in which `in_tool` is False.
"""

from __future__ import annotations

import _thread
import contextlib
import threading
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar, copy_context
from typing import TYPE_CHECKING, Any, TypeVar

from llm_notebook.parts.messages import error_message

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

__all__ = [
    "INHERITS",
    "approved",
    "as_tool",
    "in_tool",
    "inside_tool",
    "let_tools_own_what_they_start",
    "said_by",
    "under_approval",
]

T = TypeVar("T")
R = TypeVar("R")

INHERITS = "__llm_inherits__"
"""The attribute of a function that starts a thread by which one can tell that it is wrapped."""
in_tool: ContextVar[bool | None] = ContextVar("llm_notebook_approved", default=None)
"""Whether a human has approved the tool whose code runs; None outside of tools."""


def approved() -> bool:
    """Return whether a human has approved the call that is running. Call it inside a tool; elsewhere it returns False."""
    return bool(in_tool.get())


def inside_tool() -> bool:
    """Return whether the calling code runs inside a tool, or in a thread or task that a tool has started."""
    return in_tool.get() is not None


@contextlib.contextmanager
def under_approval(consent: bool | None) -> Iterator[None]:
    """Set what `approved()` returns while the body of a tool runs.

    Args:
        consent: whether a human has approved the call; None for code that is no tool, such as a hook. Inside a tool, a hook counts as part of
            the tool.
    """
    if consent is None:
        yield
        return
    token = in_tool.set(consent)
    try:
        let_tools_own_what_they_start()
        yield
    finally:
        in_tool.reset(token)


def as_tool(function: Callable[[T], R], value: T) -> R:
    """Call a function that may run code of a tool, such as the `repr()` of something that the tool has raised. That code cannot decide about
    calls."""
    # It has its own context, because otherwise ■ at the wrong moment would make all later code count as inside a tool.
    return copy_context().run(_call_as_tool, function, value)


def said_by(error: BaseException) -> tuple[str, str]:
    """Return the name of an error's class and its message, which is empty if there is none or if getting it fails.

    An error that a tool has raised may compute both with code of its own.
    """
    return as_tool(lambda raised: (type(raised).__name__, error_message(raised)), error)


def _call_as_tool(function: Callable[[T], R], value: T) -> R:
    with under_approval(False):
        return function(value)


def let_tools_own_what_they_start() -> None:
    """Wrap the functions that start a thread, unless they are wrapped already.

    The wrappers stay, because removing them would need a lock, which would never be released if ■ struck at the wrong moment.
    """
    from concurrent.futures import ThreadPoolExecutor  # loads logging, and only tools need it

    ways: list[tuple[object, str, Callable[[Any], object]]] = [
        (threading.Thread, "start", _inheriting_start),
        (ThreadPoolExecutor, "submit", _inheriting_submit),
        (_thread, "start_new_thread", _inheriting_raw_start),
    ]
    for holder, name, make in ways:
        present = getattr(holder, name)
        if not hasattr(present, INHERITS):
            wrapper = make(present)
            setattr(wrapper, INHERITS, True)
            setattr(holder, name, wrapper)


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


def _inheriting_raw_start(start: Callable[..., object]) -> Callable[..., object]:
    def inheriting(function: Callable[..., object], arguments: tuple[object, ...], *options: object) -> object:
        return (
            start(copy_context().run, (function, *arguments), *options)
            if inside_tool()
            else start(function, arguments, *options)
        )

    return inheriting


def _inheriting_submit(submit: Callable[..., object]) -> Callable[..., object]:
    def inheriting(
        pool: ThreadPoolExecutor, function: Callable[..., object], /, *arguments: object, **options: Any
    ) -> object:
        if not inside_tool():
            return submit(pool, function, *arguments, **options)
        # The threads of a pool are not the tool's: other jobs come after this one.
        return Context().run(submit, pool, copy_context().run, function, *arguments, **options)

    return inheriting
