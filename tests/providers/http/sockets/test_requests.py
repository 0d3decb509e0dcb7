"""The bytes that are sent for a request."""

from __future__ import annotations

import httpx
import pytest

from llm_notebook.providers.http.sockets.requests import Address, Request, request_to

ADDRESS = Address(httpx.URL("http://server.example/v1/chat?a=b"))


def request(body: bytes | None = None, **headers: str) -> Request:
    return request_to("POST", ADDRESS, headers, {}, body=body)


def test_a_request_is_sent_as_it_was_made() -> None:
    made = request(b'{"a": 1}', **{"x-key": "k\u00e4\ttab"})
    head = "POST /v1/chat?a=b HTTP/1.1\r\nHost: server.example\r\nx-key: k\u00e4\ttab\r\nContent-Length: 8\r\n\r\n"
    assert made.head == head.encode()
    assert made.body == b'{"a": 1}'


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x", "a\r\nHost: evil"),
        ("x", "a\nb"),
        ("x", " a"),
        ("x", "a "),
        ("x", "\x00"),
        ("x y", "a"),
        ("", "a"),
        ("x:", ""),
    ],
)
def test_what_would_be_another_header_is_not_sent(name: str, value: str) -> None:
    with pytest.raises(httpx.LocalProtocolError, match="a header cannot be sent"):
        request(**{name: value})
