"""The type of what an address leads to, as its server tells it, for addresses whose name does not.

Only the headers are read, only of addresses that the user has written, and for no longer than some seconds. A public address may not lead on to a
private one: the redirect was written by its server, and would ask what only this machine can reach. That is judged by the name, and once
more by the machine that the connection has reached, before anything is sent there.
"""

from __future__ import annotations

import functools
import http.client
import socket
import threading
import urllib.error
import urllib.request
from typing import IO, Any
from urllib.parse import urlsplit

from llm_notebook.parts.public_addresses import is_public, is_public_name

__all__ = ["type_at"]

_SECONDS = 5.0


def type_at(url: str) -> str | None:
    """Return the content type that a server gives for an address, within some seconds; None if it gives none."""
    if urlsplit(url).scheme not in ("http", "https"):
        return None
    told: list[str | None] = []
    # A server can make each step of an exchange last, and the names of servers are waited for without a limit.
    asking = threading.Thread(target=lambda: told.append(_ask(url)), name="the type of an address", daemon=True)
    asking.start()
    asking.join(_SECONDS)
    return told[0] if told else None


def _ask(url: str) -> str | None:
    rule = _Rule()
    opener = urllib.request.build_opener(_Redirects(rule), _HTTP(rule), _HTTPS(rule))
    # Some servers answer only requests for the whole; of those the body is not read.
    for method in ("HEAD", "GET"):
        rule.must_be_public = False
        try:
            request = urllib.request.Request(url, method=method, headers={"user-agent": "llm_notebook"})  # noqa: S310  checked above
            with opener.open(request, timeout=_SECONDS) as reply:
                kind: str | None = reply.headers.get("content-type")
                return kind
        except urllib.error.HTTPError:
            continue
        except (OSError, ValueError, http.client.HTTPException):
            break
    return None


class _Rule:
    """Where the next request may lead.

    Attributes:
        must_be_public: an address before it was public, so this one must be.
    """

    must_be_public = False

    def check(self, connection: http.client.HTTPConnection) -> None:
        """Check the machine that a connection has reached.

        Raises:
            OSError: it is a private one, and must not be.
        """
        if self.must_be_public and not is_public(connection.sock.getpeername()[0]):
            connection.close()
            raise OSError("the redirect leads to a private address")


class _Connection(http.client.HTTPConnection):
    """A connection that obeys the rule."""

    def __init__(self, *given: Any, rule: _Rule, **more: Any) -> None:
        super().__init__(*given, **more)
        self._rule = rule

    def connect(self) -> None:
        super().connect()
        self._rule.check(self)


class _SecureConnection(http.client.HTTPSConnection):
    """A connection with TLS that obeys the rule."""

    def __init__(self, *given: Any, rule: _Rule, **more: Any) -> None:
        super().__init__(*given, **more)
        self._rule = rule

    def connect(self) -> None:
        super().connect()
        self._rule.check(self)


class _HTTP(urllib.request.HTTPHandler):
    """Opens connections that obey the rule. A proxy resolves names itself, so there the name alone is judged."""

    def __init__(self, rule: _Rule) -> None:
        super().__init__()
        self._rule = rule

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        if req.has_proxy():
            return super().http_open(req)
        return self.do_open(functools.partial(_Connection, rule=self._rule), req)


class _HTTPS(urllib.request.HTTPSHandler):
    """The same with TLS."""

    def __init__(self, rule: _Rule) -> None:
        super().__init__()
        self._rule = rule

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        if getattr(req, "_tunnel_host", None):
            return super().https_open(req)
        return self.do_open(functools.partial(_SecureConnection, rule=self._rule), req)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as far as they may be followed."""

    max_redirections = 5

    def __init__(self, rule: _Rule) -> None:
        self._rule = rule

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the next request.

        Raises:
            HTTPError: it may not be sent.
        """
        rule = self._rule
        rule.must_be_public = rule.must_be_public or _is_public(req.full_url)
        if urlsplit(newurl).scheme not in ("http", "https") or (rule.must_be_public and not _is_public(newurl)):
            raise urllib.error.HTTPError(newurl, code, "the redirect leads to a private address", headers, fp)
        following = super().redirect_request(req, fp, code, msg, headers, newurl)
        if following is not None:
            following.method = req.get_method()
        return following


def _is_public(url: str) -> bool:
    """Return whether everything that the name in an address resolves to is on the public internet."""
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        # Behind a proxy names are not resolved here, so the name alone is judged.
        return is_public_name((parts.hostname or "").rstrip("."))
    return all(is_public(str(address[4][0])) for address in found)
