"""The end of the time that a whole answer may take: each step is given what is left, and whatever still waits then is cut off.

An HTTP library takes a time for each step, such as connecting or one read, and asks for it when a phase begins. A body is one phase, however
many reads it takes, so a server that falls silent near the end would be waited for twice as long as it may. In async code every step that
waits is therefore bounded by the event loop. A thread that waits for a socket can be woken only by the socket: `CutOff` shuts the
connection down when the time is over, which ends the read as if the server had hung up.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, suppress
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["CutOff", "EnteredInTime", "PiecesInTime", "StepTimes"]

T = TypeVar("T")

Left = Callable[[], float]
"""Returns the seconds that are left, more than 0 even where the time is over."""

_OPENED = ("connect_tcp.complete", "start_tls.complete")


class StepTimes(dict[str, float | None]):
    """The seconds that each step of a request may take, of which none is longer than what is left of the whole when the step begins.

    Args:
        times: the seconds for each step by its name in httpx; None means no limit.
        left: the seconds that are left of the whole.
    """

    def __init__(self, times: Mapping[str, float | None], left: Left) -> None:
        super().__init__(times)
        self._left = left

    def get(self, name: str, default: Any = None) -> Any:
        """Return the seconds for the step that begins now."""
        seconds = super().get(name, default)
        return self._left() if seconds is None else min(seconds, self._left())


class CutOff:
    """Ends the wait of the thread that is in its `with` block when the time is over, by shutting down the connection that it reads.

    Args:
        seconds: the time.
    """

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._is_over = False
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> CutOff:
        self._timer.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._timer.cancel()
        with self._lock:
            # From here on the connection may serve another request.
            self._socket = None

    def trace(self, step: str, told: Mapping[str, Any]) -> None:
        """Note the connection that a request opens. This is what httpcore calls with each of its steps."""
        if step.endswith(_OPENED):
            self.watch(told["return_value"])

    def watch(self, stream: Any) -> None:
        """Note the connection that a reply comes on."""
        with self._lock:
            self._socket = stream.get_extra_info("socket")
            if self._is_over:
                self._shut_down()

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                # An SSLSocket would take its TLS layer away from the thread that reads it.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class EnteredInTime(AbstractAsyncContextManager[T]):
    """A context manager that must be entered before the time is over.

    Raises:
        TimeoutError: (when it is entered) the time is over.
    """

    def __init__(self, manager: AbstractAsyncContextManager[T], left: Left) -> None:
        self._manager = manager
        self._left = left

    async def __aenter__(self) -> T:
        import asyncio  # a slow import that only async code needs, and async code has it loaded

        async with asyncio.timeout(self._left()):
            return await self._manager.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._manager.__aexit__(kind, error, trace)


class PiecesInTime(AsyncIterator[bytes]):
    """The pieces of a body, of which each must come before the time is over.

    Raises:
        TimeoutError: (when it is advanced) the time is over.
    """

    def __init__(self, pieces: AsyncIterator[bytes], left: Left) -> None:
        self._pieces = pieces
        self._left = left

    async def __anext__(self) -> bytes:
        import asyncio  # a slow import that only async code needs, and async code has it loaded

        async with asyncio.timeout(self._left()):
            return await anext(self._pieces)
