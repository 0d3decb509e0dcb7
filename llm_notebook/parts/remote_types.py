"""Asks servers for the type of the content at an address, if the name of the address does not reveal it.

Only the headers are read, only from addresses that the user has written, and for no longer than a few seconds. A public address may not
redirect to a private one: its server wrote the redirect, which could reach what only this machine can reach. This is checked by the name, and
once more by the machine that the connection has reached, before anything is sent there.
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
    # A server can prolong each step of an exchange, and looking up a name has no time limit.
    asking = threading.Thread(target=lambda: told.append(_ask(url)), name="the type of an address", daemon=True)
    asking.start()
    asking.join(_SECONDS)
    return told[0] if told else None


def _ask(url: str) -> str | None:
    rule = _Rule()
    opener = urllib.request.build_opener(_Redirects(rule), _HTTP(rule), _HTTPS(rule))
    # Some servers answer only requests for the whole document; its body is not read.
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
        must_be_public: whether the next address must be public, because an earlier one was.
    """

    must_be_public = False

    def check(self, connection: http.client.HTTPConnection) -> None:
        """Check the machine that a connection has reached.

        Raises:
            OSError: the machine is private, and must not be.
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
    """Opens connections that obey the rule. A proxy resolves names itself, so in that case only the name is checked."""

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
    """Follows redirects as far as the rule allows."""

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
    """Return whether every address to which a name resolves is on the public internet."""
    parts = urlsplit(url)
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError):
        # Behind a proxy, names are not resolved here, so only the name is checked.
        return is_public_name((parts.hostname or "").rstrip("."))
    return all(is_public(str(address[4][0])) for address in found)
