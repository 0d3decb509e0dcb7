"""Requests as they are sent, and addresses in the forms that they need."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from llm_notebook.configuration.keys import Secret
from llm_notebook.providers.http.sockets.deadlines import Left

__all__ = ["Address", "Headers", "Request", "request_to"]

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


def _login(url: httpx.URL) -> dict[str, str]:
    """Return the header for the user and password in an address; nothing if it has none."""
    if not url.userinfo:
        return {}
    pair = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {"authorization": Secret(f"Basic {pair}")}
