"""Fetches documents from the web for attachments, fragments and tools, by the rule of `addresses.py`, within limits of size and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import httpx

from llm_notebook.configuration.proxies import proxy_for
from llm_notebook.configuration.scrubbing import secrets_in_url, shown_url
from llm_notebook.errors import ModelError, ProviderError, TransportError
from llm_notebook.providers.http.answers.bounded import BoundedBody
from llm_notebook.providers.http.documents.addresses import Hop, hop_of
from llm_notebook.providers.http.sockets.direct import Reply
from llm_notebook.providers.http.sockets.failures import failure_words
from llm_notebook.providers.http.sockets.proxied import connection_to
from llm_notebook.providers.http.sockets.requests import Address, request_to
from llm_notebook.providers.http.sockets.socket_streams import addresses_of

if TYPE_CHECKING:
    import ssl

__all__ = ["Fetched", "Web", "afetch", "fetch"]

_MOST_BYTES = 20 * 2**20
_SECONDS = 30.0
_MOST_REDIRECTS = 5
_HEADERS = MappingProxyType({"accept": "*/*", "accept-encoding": "gzip, identity", "user-agent": "llm_notebook"})

Resolve = Callable[[str, int], Sequence[str]]
"""Returns the IP addresses of a name and a port."""


@dataclass(slots=True, frozen=True)
class Fetched:
    """A document that was fetched.

    Attributes:
        url: its address, after redirects.
        content: its bytes.
        type: the MIME type that the server gives, without parameters; empty if it gives none.
        charset: the encoding of its text that the server gives; None if it gives none.
    """

    url: str
    content: bytes
    type: str
    charset: str | None

    @property
    def text(self) -> str:
        """The document as text; bytes that are invalid in the encoding that the server gives are replaced."""
        try:
            return self.content.decode(self.charset or "utf-8", errors="replace")
        except LookupError:
            return self.content.decode(errors="replace")


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a name, as the system resolves it.

    Raises:
        OSError: the name is not known.
    """
    return addresses_of(host, port, _SECONDS)


def fetch(
    url: str,
    *,
    by_user: bool,
    most: int = _MOST_BYTES,
    seconds: float = _SECONDS,
    resolve: Resolve = resolve,
) -> Fetched:
    """Fetch a document.

    Args:
        url: its address.
        by_user: whether the user wrote the address, in a cell or in code. Any other one must be public.
        most: the largest number of bytes that it may have, decompressed.
        seconds: how long the whole document may take.
        resolve: resolves names.

    Raises:
        ModelError: the address may not be fetched, or the document is too large or takes too long.
        ProviderError: the server refused.
        TransportError: no document arrived.
    """
    hop = hop_of(url, must_be_public=not by_user)
    until = time.monotonic() + seconds
    for _ in range(_MOST_REDIRECTS + 1):
        fetched, hop = _visit(hop, most, until, resolve)
        if fetched is not None:
            return fetched
    raise TransportError(f"{shown_url(url)} sends us on from one address to the next; it was not fetched.")


class Web:
    """Fetches documents for rooms below this one, which know it only by a protocol."""

    def fetch(self, url: str, *, by_user: bool) -> tuple[bytes, str]:
        """Return the content and the MIME type of a document, or raise as `fetch()` does. The type is empty if its server gives none."""
        fetched = fetch(url, by_user=by_user)
        return fetched.content, fetched.type


async def afetch(url: str, *, by_user: bool, most: int = _MOST_BYTES, seconds: float = _SECONDS) -> Fetched:
    """Do what `fetch()` does, in a thread, so that the event loop is not blocked."""
    import asyncio  # a slow import that only async code needs, and async code has it loaded

    return await asyncio.to_thread(fetch, url, by_user=by_user, most=most, seconds=seconds)


def _visit(hop: Hop, most: int, until: float, resolve: Resolve) -> tuple[Fetched | None, Hop]:
    """Ask one server. Return the document, or None and the next hop."""
    shown = shown_url(hop.url)
    if time.monotonic() >= until:
        raise _too_slow(shown)
    proxy = proxy_for(hop.url)
    try:
        found = None if proxy is not None else resolve(hop.host, hop.port)
    except TimeoutError:
        raise _too_slow(shown) from None
    except (OSError, UnicodeError):
        raise TransportError(f"{shown} could not be fetched: there is no server called {hop.host!r}.") from None
    public = hop.check(found)
    try:
        with _asked(hop, found, proxy, until) as reply:
            if reply.redirects_to is not None:
                return None, hop.redirected(reply.redirects_to, is_public=public)
            return _read(reply, hop, most, until), hop
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        if isinstance(error, httpx.TimeoutException) or time.monotonic() >= until:
            raise _too_slow(shown) from None
        secrets = secrets_in_url(hop.url) | secrets_in_url(proxy or "")
        said = secrets.scrub(failure_words(error)) or type(error).__name__
        raise TransportError(f"{shown} could not be fetched ({said[:200]}).") from None


@contextmanager
def _asked(hop: Hop, found: Sequence[str] | None, proxy: str | None, until: float) -> Iterator[Reply]:
    """Send the request to an address that was checked, because a name that is resolved again may lead elsewhere."""
    url = httpx.URL(hop.url)
    tls: ssl.SSLContext | Literal[False] = httpx.create_ssl_context() if url.scheme == "https" else False
    headers = {**_HEADERS, "host": url.netloc.decode().rpartition("@")[2]}
    failure: Exception = httpx.ConnectError("it has no address")
    for address in [url.host] if found is None else found:
        there = url.copy_with(host=address)
        name = None if found is None else hop.host
        request = request_to(
            "GET", Address(there), headers, {}, left=lambda: max(0.001, until - time.monotonic()), tls_name=name
        )
        with closing(connection_to(there, tls, proxy)) as connection:
            try:
                reply = connection.send(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                failure = error
                continue
            with closing(reply):
                yield reply
                return
    raise failure


def _read(reply: Reply, hop: Hop, most: int, until: float) -> Fetched:
    shown = shown_url(hop.url)
    if not reply.is_success:
        raise ProviderError(
            f"{shown} could not be fetched: its server answered with HTTP {reply.status_code}.",
            status=reply.status_code,
        )
    body = BoundedBody(reply.headers, most=most, seconds=max(0.0, until - time.monotonic()))
    for piece in reply:
        if not body.feed(piece):
            break
    if time.monotonic() >= until:
        raise _too_slow(shown)
    if body.is_cut:
        raise ModelError(f"{shown} is larger than {most / 2**20:g} MB, or compressed in a way that cannot be read.")
    kind = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    charset = httpx.Response(reply.status_code, headers=reply.headers).charset_encoding
    return Fetched(hop.url, body.content, kind, charset)


def _too_slow(shown: str) -> TransportError:
    return TransportError(f"{shown} could not be fetched: it takes too long.")
