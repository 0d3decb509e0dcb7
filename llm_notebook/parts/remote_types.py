"""The type of what an address leads to, as its server tells it, for addresses whose name does not.

Only the headers are read, and only of addresses that the user has written. A public address may not lead on to a private one: the redirect
was written by its server, and would ask what only this machine can reach.
"""

from __future__ import annotations

import http.client
import socket
import urllib.error
import urllib.request
from typing import IO
from urllib.parse import urlsplit

from llm_notebook.parts.public_addresses import is_public, is_public_name

__all__ = ["type_at"]

_SECONDS = 5.0


def type_at(url: str) -> str | None:
    """Return the content type that a server gives for an address, within some seconds; None if it gives none."""
    if urlsplit(url).scheme not in ("http", "https"):
        return None
    opener = urllib.request.build_opener(_Redirects(must_be_public=_is_public(url)))
    # Some servers answer only requests for the whole; of those the body is not read.
    for method in ("HEAD", "GET"):
        request = urllib.request.Request(url, method=method, headers={"user-agent": "llm_notebook"})  # noqa: S310  checked above
        try:
            with opener.open(request, timeout=_SECONDS) as reply:
                kind: str | None = reply.headers.get("content-type")
                return kind
        except urllib.error.HTTPError:
            continue
        except (OSError, ValueError, http.client.HTTPException):
            break
    return None


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as far as they may be followed."""

    max_redirections = 5

    def __init__(self, *, must_be_public: bool) -> None:
        self._must_be_public = must_be_public

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
        if urlsplit(newurl).scheme not in ("http", "https") or (self._must_be_public and not _is_public(newurl)):
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
