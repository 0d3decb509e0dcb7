"""Keeps secrets out of what is shown and stored: knows the secret values of a request, and removes them from texts.

A server may repeat what it was sent, and so may a library that quotes the bytes of a reply. Their text is shown, saved in notebooks and kept
in the journal, so every secret is replaced in it first, in each of the spellings in which it may come back. A secret of a few characters cannot
be distinguished from the text around it. If a request carries one, the whole foreign text is withheld instead.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from llm_notebook.configuration.keys import Secret

__all__ = [
    "NO_SECRETS",
    "WITHHELD",
    "Secrets",
    "is_harmless_header",
    "secrets_in_headers",
    "secrets_in_url",
    "shown_url",
    "spellings",
    "without_secrets",
]

WITHHELD = "what it said is withheld, as it may repeat a secret that is too short to be found in it"
"""Replaces a foreign text, in a sentence that has said who speaks."""

_SHORTEST = 6
_MASK = "…"
_SECRET_NAME = re.compile(r"auth|cookie|key|token|secret|passw|credential|signature|^(sig|code)$", re.IGNORECASE)
_HARMLESS = frozenset(
    """
    accept accept-encoding accept-language anthropic-beta anthropic-version content-type http-referer openai-beta referer
    user-agent x-title
    """.split()
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:@\s]+)(:\d+)?")


@dataclass(slots=True, frozen=True)
class Secrets:
    """Values that no message may show.

    Attributes:
        values: the values, without empty ones.
    """

    values: tuple[Secret, ...] = ()

    @classmethod
    def of(cls, values: Iterable[str | None]) -> Secrets:
        """Return these values, leaving out those that are empty or None."""
        return cls(found) if (found := tuple(dict.fromkeys(Secret(value) for value in values if value))) else NO_SECRETS

    def __or__(self, other: Secrets) -> Secrets:
        """Return the values of both."""
        return Secrets(tuple(dict.fromkeys((*self.values, *other.values)))) if other.values else self

    @property
    def recognizable(self) -> Secrets:
        """Those that are long enough to be recognized in a text."""
        return Secrets(tuple(value for value in self.values if len(value) >= _SHORTEST))

    @property
    def withhold(self) -> bool:
        """True if one of them is too short to be recognized in a text, so that foreign text must not be shown at all."""
        return any(len(value) < _SHORTEST for value in self.values)

    def scrub(self, text: str, otherwise: str = "") -> str:
        """Return a foreign text with every secret replaced.

        Args:
            text: what a server, a library or a plugin said. Scrub it before it is shortened, or the beginning of a secret may be
                left at its end.
            otherwise: replaces the whole text if it has to be withheld.
        """
        if self.withhold:
            return otherwise
        spelled = {spelling for value in self.values for spelling in spellings(value)}
        for spelling in sorted(spelled, key=len, reverse=True):
            text = text.replace(spelling, _MASK)
        return text

    def occur_in(self, text: str) -> bool:
        """Return True if the text has one of them, or may have one that is too short to be recognized."""
        return self.scrub(text, otherwise="") != text


NO_SECRETS = Secrets()


def spellings(value: str) -> list[str]:
    """Return a secret in all its spellings: unchanged, and as JSON, Python, a URL, HTML and base64 write it."""
    text = str(value)
    return [
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        quote(text),
        quote(text, safe=""),
        html.escape(text),
        base64.b64encode(text.encode(errors="replace")).decode().rstrip("="),
    ]


def secrets_in_headers(headers: Mapping[str, str]) -> Secrets:
    """Return the secrets in headers.

    The names of some headers say that they have one, such as `authorization`, `cookie` and `x-api-key`. Any other header may have one too,
    unless it is known to be harmless; but a short value is more likely to be a common word than a secret.
    """
    found: list[str] = []
    perhaps: list[str] = []
    for name, value in headers.items():
        if not _SECRET_NAME.search(name):
            perhaps += [] if is_harmless_header(name) else [value.strip()]
            continue
        if "cookie" in name.lower():
            found += [value, *(pair.partition("=")[2].strip() for pair in value.split(";"))]
            continue
        scheme, _, rest = value.strip().partition(" ")
        found += [value.strip(), rest.strip() or scheme]
        if scheme.lower() == "basic":
            found += _parts_of_basic(rest.strip())
    return Secrets.of(found) | Secrets.of(perhaps).recognizable


def is_harmless_header(name: str) -> bool:
    """Return whether a header of this name is known to contain no secret."""
    return name.lower() in _HARMLESS


def _parts_of_basic(encoded: str) -> list[str]:
    """Return the user with the password, and the password, that Basic authentication encodes; none if it does not."""
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return []
    return [pair, pair.partition(":")[2]]


@functools.lru_cache(maxsize=64)
def secrets_in_url(url: str) -> Secrets:
    """Return the password in an address, and the values in its query whose names say that they are secret."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return NO_SECRETS
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    pair = f"{unquote(user)}:{unquote(password)}" if password else ""
    queried = [value for name, value in parse_qsl(parts.query) if _SECRET_NAME.search(name)]
    return Secrets.of([password, unquote(password), pair, *queried])


def without_secrets(url: str) -> str:
    """Return an address without its user and password, and without the values in its query whose names say that they are secret."""
    parts = urlsplit(url)
    query = "&".join(item for item in parts.query.split("&") if not _SECRET_NAME.search(item.partition("=")[0]))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def shown_url(url: str) -> str:
    """Return an address, or any other text, without the user, the password and the query, which may be secret."""
    head = url.partition("?")[0]
    scheme, slashes, rest = head.rpartition("://")
    host, slash, path = rest.partition("/")
    host = host.rpartition("@")[2]
    # In a text that is not an address, a password may stand anywhere before the last such mark.
    return f"{scheme}{slashes}{host}{slash}{path}" if _HOST.fullmatch(host) else head.rpartition("@")[2]
