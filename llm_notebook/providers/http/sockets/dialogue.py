"""The replies on one connection, without I/O: what the bytes that arrive mean.

httptools reads the replies. It is written in C, and a parser in Python takes a fifth of all the time that a thousand small requests take.
The parser calls a `Dialogue` back with what it finds, at once and for all the bytes that it is given. So the body is kept until `piece()` asks for
it, and a failure waits until everything before it has been asked for.

A parser knows nothing of the connection, so three things are decided here: whether a body that has no length ends where the connection does,
whether a server goes on without end before any content comes, and whether it sends more than one reply to a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpcore
import httptools
import httpx

from llm_notebook.providers.http.sockets.requests import VALUE, Headers

__all__ = ["BegunReply", "Dialogue", "Head"]

# A server that sends more than this without any content is not one that we know.
_LARGEST_HEAD = 100 * 1024
_SWITCHED = 101
_FINAL = 200


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


class BegunReply:
    """The part of a reply that has arrived when its body begins.

    Args:
        head: the beginning.
        pieces: the body, iterated once and then closed.

    Attributes:
        status_code: the HTTP status.
        is_success: whether it says that the request was fulfilled.
        raw_headers: its headers as they were sent.
        content_encoding: how its body is compressed; empty if it is not.
        content_type: its type, such as `application/json`, perhaps with parameters; empty if it has none.
        stays_open: whether the connection may serve another request afterwards.
        is_whole: whether the body was read to its end.
    """

    __slots__ = (
        "_headers",
        "_pieces",
        "content_encoding",
        "content_type",
        "is_success",
        "is_whole",
        "raw_headers",
        "status_code",
        "stays_open",
    )

    def __init__(self, head: Head, pieces: Any) -> None:
        self.status_code = head.status
        self.is_success = httpx.codes.OK <= head.status < httpx.codes.MULTIPLE_CHOICES
        self.raw_headers = head.headers
        self.content_encoding = self._header(b"content-encoding")
        self.content_type = self._header(b"content-type")
        self.stays_open = head.version != b"1.0" and self._header(b"connection").lower() != "close"
        self.is_whole = False
        self._headers: httpx.Headers | None = None
        self._pieces = pieces

    def _header(self, name: bytes) -> str:
        """Return the value of one header, given its name in lower case; empty if there is none.

        This does without `headers`, which take longer to make than a small reply takes to read.
        """
        values = [value for known, value in self.raw_headers if known.lower() == name]
        return b", ".join(values).decode("latin-1") if values else ""

    @property
    def headers(self) -> httpx.Headers:
        """Its headers."""
        if self._headers is None:
            self._headers = httpx.Headers(self.raw_headers)
        return self._headers

    @property
    def redirects_to(self) -> str | None:
        """The address to ask instead; None if this is no redirect."""
        return self.headers.get("location") if httpx.codes.is_redirect(self.status_code) else None


class Dialogue:
    """The replies on one connection, one after the other.

    Attributes:
        is_in_step: false if the server has sent more than its reply, which would be mistaken for the reply to the next request.
        may_follow: whether another request may follow: the reply was read to its end, and the server wants to go on.
    """

    __slots__ = (
        "_ends_with_connection",
        "_failure",
        "_has_ended",
        "_head",
        "_headers",
        "_is_interim",
        "_parser",
        "_pieces",
        "_since_content",
        "_stays_open",
        "is_in_step",
        "may_follow",
        "on_body",
    )

    def __init__(self) -> None:
        self.is_in_step, self.may_follow = True, False
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
        self._has_ended = self._is_interim = self._ends_with_connection = self._stays_open = False
        self._since_content = 0

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
        if not self._has_ended:
            return None
        self.may_follow = self._stays_open and self.is_in_step
        self._begin()
        return b""

    def on_message_begin(self) -> None:
        """Called by the parser when a reply begins.

        Raises:
            _TooMuch: the reply that was asked for has ended. The parser stops, so that the content of this one is not taken for its content.
        """
        if self._has_ended:
            raise _TooMuch
        self._headers = []
        self.may_follow = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by the parser with each header, and with what comes after a body in pieces."""
        self._headers.append((name, value.strip()))

    def on_headers_complete(self) -> None:
        """Called by the parser when the body of a reply begins."""
        status = self._parser.get_status_code()
        self._is_interim = status < _FINAL and status != _SWITCHED
        if self._is_interim:
            return
        if not all(VALUE.fullmatch(value) for _, value in self._headers):
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
            self._stays_open = self._parser.should_keep_alive()

    def _close(self) -> None:
        if self._head is None:
            raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
        self._stays_open = False
        if self._ends_with_connection:
            self._has_ended = True
        elif not self._has_ended and self._failure is None:
            self._failure = httpcore.RemoteProtocolError("the server closed it before the end")

    def _feed(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            self.is_in_step = False
            cause = error.__context__
            if not isinstance(cause, _TooMuch):
                # Only ■ interrupts what is called back, and the parser is of no use afterwards.
                raise cause or error from None
        except httptools.HttpParserError as error:
            # A reply that has ended stays as good as it was.
            self.is_in_step = False
            if not self._has_ended:
                self._failure = httpcore.RemoteProtocolError(str(error))
        except httptools.HttpParserUpgrade:
            self.is_in_step = False


class _TooMuch(Exception):
    """A server sends another reply than the one that was asked for."""
