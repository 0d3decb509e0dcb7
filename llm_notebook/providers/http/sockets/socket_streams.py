"""Connections of sync code, in the form in which httpcore reads and writes them. No wait outlasts the time for the whole answer."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import Future

import httpcore

from llm_notebook.providers.http.sockets.deadlines import TimeLeft
from llm_notebook.turns.concurrency.interrupts import LONGEST_WAIT

__all__ = ["SocketBackend", "addresses_of"]

# How much is sent before the time is checked again.
_PIECE = 2**16


class SocketBackend(httpcore.NetworkBackend):
    """Opens connections whose waits are limited.

    Args:
        time_left: how long each wait may take.
    """

    def __init__(self, time_left: TimeLeft) -> None:
        self._time_left = time_left
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        bound = self._time_left.bound
        failure: Exception = httpcore.ConnectError("it has no address")
        options = list(socket_options or ())
        # Each address is tried separately, because otherwise each of them would be given the whole time, one after the other.
        for address in self._look_up(host, port, timeout):
            try:
                opened = self._sockets.connect_tcp(address, port, bound(timeout), local_address, options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Stream(opened, self._time_left)
        raise failure

    def _look_up(self, host: str, port: int, timeout: float | None) -> list[str]:
        is_limited = self._time_left.of_whole is not None
        try:
            return addresses_of(host, port, self._time_left.bound(timeout) if is_limited else None)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name of the server was not found in time") from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error


class _Stream(httpcore.NetworkStream):
    """One connection whose waits are limited."""

    def __init__(self, opened: httpcore.NetworkStream, time_left: TimeLeft) -> None:
        self._opened = opened
        self._time_left = time_left
        self.get_extra_info = opened.get_extra_info  # type: ignore[method-assign]

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._bounded(timeout)
        while left is None or left > LONGEST_WAIT:
            try:
                return self._opened.read(max_bytes, LONGEST_WAIT)
            except httpcore.ReadTimeout:
                left = None if left is None else left - LONGEST_WAIT
        return self._opened.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._opened.write(buffer[start : start + _PIECE], self._bounded(timeout))

    def close(self) -> None:
        self._opened.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        opened = self._opened.start_tls(ssl_context, server_hostname, self._bounded(timeout))
        return _Stream(opened, self._time_left)

    def _bounded(self, seconds: float | None) -> float | None:
        # Most answers have no time limit.
        return seconds if self._time_left.of_whole is None else self._time_left.bound(seconds)


def addresses_of(host: str, port: int, seconds: float | None) -> list[str]:
    """Return the IP addresses of a name, as the system resolves it.

    Args:
        host, port: what is looked up.
        seconds: how long that may take; None means no limit. Nothing can interrupt the system, so with a limit the look-up runs in a separate
            thread.

    Raises:
        OSError: the name is not known.
        UnicodeError: it is not a name.
        TimeoutError: the time is over.
    """
    if seconds is None:
        return _addresses_of(host, port)
    found: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            addresses = _addresses_of(host, port)
        except BaseException as error:
            found.set_exception(error)
        else:
            found.set_result(addresses)

    threading.Thread(target=look_up, daemon=True, name="llm_notebook look-up").start()
    return found.result(seconds)


def _addresses_of(host: str, port: int) -> list[str]:
    known = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in known))
