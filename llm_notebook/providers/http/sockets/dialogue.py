"""The requests on one connection and their replies, without I/O: which bytes are sent, and what the bytes that arrive mean.

httptools reads the replies. It is written in C, and a parser in Python takes a fifth of all the time that a thousand small requests take.
The parser calls a `Dialogue` back with what it finds, at once and for all the bytes that it is given. So the body is kept until `piece()` asks for
it, and a failure waits until everything before it has been asked for.

A parser knows nothing of the connection, so three things are decided here: whether a body that has no length ends where the connection does,
whether a server goes on without end before any content comes, and whether it sends more than one reply to a request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpcore
import httptools

from llm_notebook.providers.http.sockets.requests import Headers, Request

__all__ = ["Dialogue", "Head"]

# A server that sends more than this without any content is not one that we know.
_LARGEST_HEAD = 100 * 1024
_SWITCHED = 101
_FINAL = 200
_METHOD_OR_NAME = re.compile(rb"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_VALUE = re.compile(rb"(?:[^\x00-\x20\x7f](?:[^\x00-\x08\x0a-\x1f\x7f]*[^\x00-\x20\x7f])?)?")
_TARGET = re.compile(rb"[\x21-\x7e]+")


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

    __slots__ = (
        "_ends_with_connection",
        "_failure",
        "_has_ended",
        "_head",
        "_headers",
        "_is_interim",
        "_may_follow",
        "_parser",
        "_pieces",
        "_since_content",
        "is_in_step",
        "on_body",
    )

    def __init__(self) -> None:
        self.is_in_step = True
        """False if the server has sent more than its reply, which would be mistaken for the reply to the next request."""
        self._pieces: list[bytes] = []
        self.on_body = self._pieces.append
        self._headers: Headers = []
        self._begin()
        self._parser = httptools.HttpResponseParser(self)
        # Such replies are not correct, but they are clear, and somebody has paid for them. The first also lets control characters through.
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_chunked_length=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )

    def _begin(self) -> None:
        self._head: Head | None = None
        self._failure: httpcore.RemoteProtocolError | None = None
        self._has_ended = self._is_interim = self._ends_with_connection = self._may_follow = False
        self._since_content = 0

    def sent(self, request: Request) -> bytes:
        """Return what is sent for a request, which begins another exchange.

        Raises:
            httpcore.LocalProtocolError: a header cannot be sent.
        """
        method, target = request.method.encode(), request.address.target
        if not (_METHOD_OR_NAME.fullmatch(method) and _TARGET.fullmatch(target)):
            raise httpcore.LocalProtocolError("the address cannot be sent")
        lines = [b"%s %s HTTP/1.1\r\n" % (method, target)]
        for name, value in request.headers:
            if not (_METHOD_OR_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
                raise httpcore.LocalProtocolError("a header cannot be sent")
            lines.append(b"%s: %s\r\n" % (name, value))
        self._begin()
        return b"".join([*lines, b"\r\n", request.body or b""])

    def arrived(self, data: bytes) -> None:
        """Take what has arrived; nothing means that the server has closed its side.

        Raises:
            httpcore.RemoteProtocolError: it has done so without a reply.
        """
        if not data:
            self._close()
            return
        self._since_content += len(data)
        self._feed(data)
        if self._pieces:
            self._since_content = 0
        elif self._since_content > _LARGEST_HEAD and not self._has_ended:
            self._failure = httpcore.RemoteProtocolError(f"it sent {_LARGEST_HEAD // 1024} kB without any content")

    def head(self) -> Head | None:
        """Return the beginning of the reply; None if more has to arrive first.

        Raises:
            httpcore.RemoteProtocolError: this is no reply.
        """
        if self._head is None and self._failure is not None:
            raise self._failure
        return self._head

    def piece(self) -> bytes | None:
        """Return the next piece of the body, which is empty at its end; None if more has to arrive first.

        Raises:
            httpcore.RemoteProtocolError: the body ends too early, or is not sent as HTTP wants it.
        """
        if self._pieces:
            arrived = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            self._pieces.clear()
            return arrived
        if self._failure is not None:
            raise self._failure
        return b"" if self._has_ended else None

    def end(self) -> bool:
        """End the exchange. Return whether another request may follow: the reply has ended, and the server wants to go on."""
        may_follow, self._may_follow = self._has_ended and self._may_follow and self.is_in_step, False
        return may_follow

    def on_message_begin(self) -> None:
        """Called by the parser when a reply begins."""
        self._headers = []
        if self._has_ended:
            self.is_in_step = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser with each header, and with what comes after a body in pieces."""
        self._headers.append((name, value.strip()))

    def on_headers_complete(self) -> None:
        """Called by the parser when the body of a reply begins."""
        status = self._parser.get_status_code()
        self._is_interim = status < _FINAL and status != _SWITCHED
        if self._is_interim or not self.is_in_step:
            return
        if not all(_VALUE.fullmatch(value) for _, value in self._headers):
            self._failure = httpcore.RemoteProtocolError("control characters in a header")
            return
        self._head = Head(status, self._headers, self._parser.get_http_version().encode())
        self._since_content = 0
        # What follows the body must not change what has been said.
        self._headers = []
        known = {name.lower(): value.lower() for name, value in self._head.headers}
        coding = known.get(b"transfer-encoding")
        has_length = b"content-length" in known if coding is None else coding.rstrip().endswith(b"chunked")
        self._ends_with_connection = not has_length

    def on_message_complete(self) -> None:
        """Called by the parser when a reply ends."""
        if not self._is_interim:
            self._has_ended = True
            self._may_follow = self._parser.should_keep_alive()

    def _close(self) -> None:
        if self._head is None:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        self._may_follow = False
        if self._ends_with_connection:
            self._has_ended = True
        elif not self._has_ended and self._failure is None:
            self._failure = httpcore.RemoteProtocolError("the server closed it before the end")

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            # Only ■ interrupts what is called back, and the parser is of no use afterwards.
            self.is_in_step = False
            raise error.__context__ or error from None
        except httptools.HttpParserError as error:
            # A reply that has ended stays as good as it was.
            self.is_in_step = False
            if not self._has_ended:
                self._failure = httpcore.RemoteProtocolError(str(error))
        except httptools.HttpParserUpgrade:
            self.is_in_step = False
