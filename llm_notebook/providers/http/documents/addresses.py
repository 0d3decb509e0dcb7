"""Which web addresses may be fetched: one rule for attachments, fragments and tools. No I/O.

Who wrote an address decides. An address in the user's own cell or code may lead anywhere, including this machine and the user's network. An
address from a model, a tool, a server or somebody else's template must be public, because otherwise it could read what only this machine can
reach. A public address may not redirect to a private one, no matter who wrote it: the redirect was written by that server.

A name is public if every address to which it resolves is public. So the rule is applied after the name has been resolved, once for each
redirect, and the connection goes to the addresses that were checked. A proxy resolves names itself, so in that case only the name is checked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from llm_notebook.configuration.scrubbing import shown_url
from llm_notebook.errors import ModelError
from llm_notebook.parts.public_addresses import is_public, is_public_name

__all__ = ["Hop", "hop_of"]


@dataclass(slots=True, frozen=True)
class Hop:
    """One address on the way to a document.

    Attributes:
        url: the address.
        host: its name, or its IP address without brackets, in lower case.
        port: its port.
        must_be_public: whether a private address is refused here.
    """

    url: str
    host: str
    port: int
    must_be_public: bool

    def check(self, resolved: Iterable[str] | None) -> bool:
        """Return whether this address is public.

        Args:
            resolved: the IP addresses that the name resolves to; None if a proxy resolves it.

        Raises:
            ModelError: it is private, and must not be.
        """
        public = is_public_name(self.host) if resolved is None else all(map(is_public, resolved))
        if self.must_be_public and not public:
            raise ModelError(
                f"{shown_url(self.url)} is not a public address, so it was not fetched: only an address that you write yourself may be "
                "on this machine or in your network."
            )
        return public

    def redirected(self, location: str, *, is_public: bool) -> Hop:
        """Return the hop that a redirect leads to.

        Args:
            location: the redirect's target, which may be relative.
            is_public: what `check()` has returned here.

        Raises:
            ModelError: the target is not an address, or drops encryption.
        """
        following = hop_of(urljoin(self.url, location), must_be_public=self.must_be_public or is_public)
        if self.url.lower().startswith("https:") and not following.url.lower().startswith("https:"):
            raise ModelError(f"{shown_url(self.url)} sends us on to an address without encryption; it was not fetched.")
        return following


def hop_of(url: str, *, must_be_public: bool) -> Hop:
    """Return the hop for an address.

    Raises:
        ModelError: it is not an address on the web.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        host = (parts.hostname or "").rstrip(".")
        # Unusual spellings of an IP address, such as 0x7f.1, are left to the system, which resolves them.
        host = host if host.isascii() else host.encode("idna").decode()
    except (ValueError, KeyError, UnicodeError):
        host = ""
    if not host or any(letter.isspace() or not letter.isprintable() for letter in url):
        raise ModelError(f"{shown_url(url)[:200]!r} is not an address on the web, such as https://example.com/cat.png.")
    return Hop(url, host, port, must_be_public)
