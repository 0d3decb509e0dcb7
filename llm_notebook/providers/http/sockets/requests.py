"""Requests as they are sent, and addresses in the forms that they need."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from llm_notebook.configuration.keys import Secret
from llm_notebook.providers.http.sockets.deadlines import Left

__all__ = ["VALUE", "Address", "Headers", "Request", "request_to"]

Headers = list[tuple[bytes, bytes]]

_METHOD_OR_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_TARGET = re.compile(rb"[\x21-\x7e]+")
# No control characters, and no space at the ends.
VALUE = re.compile(rb"(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?")
"""What the value of a header may be."""


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
        head: what is sent before the body.
    """

    method: str
    address: Address
    headers: Headers
    times: Mapping[str, float | None]
    body: bytes | None
    left: Left | None
    tls_name: str | None
    head: bytes


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

    Raises:
        httpx.LocalProtocolError: a header cannot be sent.
    """
    sent = [] if "host" in headers else [(b"Host", address.host)]
    sent += [(name.encode(), value.encode()) for name, value in {**headers, **address.login}.items()]
    if body is not None:
        sent.append((b"Content-Length", str(len(body)).encode()))
    head = _head(method.encode(), address.target, sent)
    return Request(method, address, sent, times, body, left, tls_name, head)


def _head(method: bytes, target: bytes, headers: Headers) -> bytes:
    if not (_METHOD_OR_NAME.fullmatch(method) and _TARGET.fullmatch(target)):
        raise httpx.LocalProtocolError("the address cannot be sent")
    lines = [b"%s %s HTTP/1.1\r\n" % (method, target)]
    for name, value in headers:
        if not (_METHOD_OR_NAME.fullmatch(name) and VALUE.fullmatch(value)):
            raise httpx.LocalProtocolError("a header cannot be sent")
        lines.append(b"%s: %s\r\n" % (name, value))
    lines.append(b"\r\n")
    return b"".join(lines)


def _login(url: httpx.URL) -> dict[str, str]:
    """Return the header for the user and password in an address; nothing if it has none."""
    if not url.userinfo:
        return {}
    pair = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return {"authorization": Secret(f"Basic {pair}")}
