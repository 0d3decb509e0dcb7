"""HTTP/1.1 on one connection, without I/O: the bytes of a request, and what the bytes that arrive mean. h11 reads and writes them.

httpcore has such connections too, but for sync and async code of any kind. A lock, a trace and a check for each step make up most of the CPU time
that a request takes there, and a connection here serves one task at a time anyway. `direct.py` moves the bytes, with and without `await`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import h11
import httpcore
import httpx

from llm_notebook.configuration.keys import Secret
from llm_notebook.providers.http.sockets.deadlines import Left

__all__ = ["Address", "Dialogue", "Head", "Request", "request_to"]

# A server that sends more before its headers end is not one that we know.
_LARGEST_HEAD = 100 * 1024
_SWITCHED = 101

Headers = list[tuple[bytes, bytes]]


class Address:
    """An address in the forms that a request needs. Making them takes longer than sending a small request, so they are made once.

    Attributes:
        url: the address.
        host: the value of the header `Host`.
        target: what is asked of the server.
        login: the header for the user and password in the address, if it has them.
        server: the scheme, host and port.
    """

    __slots__ = ("host", "login", "server", "target", "url")

    def __init__(self, url: httpx.URL) -> None:
        self.url = url
        self.host = url.netloc.rpartition(b"@")[2]
        self.target = url.raw_path
        self.login = _login(url)
        self.server = f"{url.scheme}://{url.netloc.decode()}"


@dataclass(slots=True, repr=False)
class Request:
    """A request, which `request_to()` creates. Its repr shows no headers, because they hold the key.

    Attributes:
        method: the HTTP method.
        address: where it is sent.
        headers: all headers.
        times: how many seconds each phase may take, by the names that httpx has for them; None means no limit.
        body: what is sent.
        left: returns the seconds that are left for the whole request; None if there is no limit.
        tls_name: the name that the server's certificate must have, if it differs from the address.
    """

    method: str
    address: Address
    headers: Headers
    times: Mapping[str, float | None]
    body: bytes | None
    left: Left | None
    tls_name: str | None


def request_to(
    method: str,
    address: Address,
    headers: Mapping[str, str],
    times: Mapping[str, float | None],
    *,
    body: bytes | None = None,
    left: Left | None = None,
    tls_name: str | None = None,
) -> Request:
    """Return a request.

    Args:
        method, address, times, body, left, tls_name: as for `Request`.
        headers: the headers, without those that result from the address and the body.
    """
    sent = [] if "host" in headers else [(b"Host", address.host)]
    sent += [(name.encode(), value.encode()) for name, value in {**headers, **address.login}.items()]
    if body is not None:
        sent.append((b"Content-Length", str(len(body)).encode()))
    return Request(method, address, sent, times, body, left, tls_name)


@dataclass(slots=True, frozen=True)
class Head:
    """The beginning of a reply.

    Attributes:
        status: the HTTP status.
        headers: the headers.
        version: the version of HTTP that the server speaks, such as `1.1`.
    """

    status: int
    headers: Headers
    version: bytes


class Dialogue:
    """The requests on one connection and their replies, one after the other."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)

    def sent(self, request: Request) -> bytes:
        """Return what is sent for a request.

        Raises:
            httpcore.LocalProtocolError: a header cannot be sent.
        """
        try:
            head = h11.Request(method=request.method, target=request.address.target, headers=request.headers)
            pieces = [self._state.send(head)]
            if request.body:
                pieces.append(self._state.send(h11.Data(data=request.body)))
            pieces.append(self._state.send(h11.EndOfMessage()))
        except h11.LocalProtocolError as error:
            raise httpcore.LocalProtocolError(str(error)) from error
        return b"".join(piece for piece in pieces if piece)

    def arrived(self, data: bytes) -> None:
        """Take what has arrived; nothing means that the server has closed its side.

        Raises:
            httpcore.RemoteProtocolError: it has done so without a reply.
        """
        if not data and self._state.their_state is h11.SEND_RESPONSE:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        self._state.receive_data(data)

    def head(self) -> Head | None:
        """Return the beginning of the reply; None if more has to arrive first.

        Raises:
            httpcore.RemoteProtocolError: this is no reply.
        """
        while True:
            event = self._next()
            if event is h11.NEED_DATA:
                return None
            if isinstance(event, h11.Response) or (
                isinstance(event, h11.InformationalResponse) and event.status_code == _SWITCHED
            ):
                return Head(event.status_code, event.headers.raw_items(), event.http_version)

    def piece(self) -> bytes | None:
        """Return the next piece of the body, which is empty at its end; None if more has to arrive first.

        Raises:
            httpcore.RemoteProtocolError: the body ends too early, or is not sent as HTTP wants it.
        """
        event = self._next()
        if event is h11.NEED_DATA:
            return None
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    def end(self) -> bool:
        """End the exchange. Return whether another request may follow: both sides have sent everything, and want to go on."""
        if self._state.our_state is not h11.DONE or self._state.their_state is not h11.DONE:
            return False
        self._state.start_next_cycle()
        return True

    @property
    def is_in_step(self) -> bool:
        """False if the server has sent more than its reply, which would be mistaken for the reply to the next request."""
        return not self._state.trailing_data[0]

    def _next(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            return self._state.next_event()
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error


def _login(url: httpx.URL) -> dict[str, str]:
    """Return the header for the user and password in an address; nothing if it has none."""
    if not url.userinfo:
        return {}
    pair = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {"authorization": Secret(f"Basic {pair}")}
