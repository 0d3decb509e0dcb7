"""Links: the addresses that a model's text may link to, written so that every parser reads them in the same way."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlsplit

__all__ = ["disguised_host", "safe_url"]

# All other characters are percent-encoded: quotes, brackets, `$`, `\`, `|`, `*`, backticks, `;`, controls and non-ASCII characters.
_KEPT = "-._~:/?#@!+,=&%"
_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?")
_MAIL = re.compile(r"[A-Za-z0-9.+_=-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_NOT_IN_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\\\ud800-\udfff]")
_MAX_URL = 2_000

_CLAIMED_URL = re.compile(r"(?:https?:[/\\]{1,2}|www\.)([^\s/?#\\]+)", re.IGNORECASE)
_CLAIMED_HOST = re.compile(r"(?:[\w-]+\.)+([^\W\d_]{2,})(?::\d+)?(?:[/?#]\S*)?")
# Names of files look like names of hosts, but a label such as `setup.py` does not claim that a link goes to a host.
_FILE_ENDINGS = frozenset(
    """
    c cfg conf cpp cs css csv go h html ini ipynb java js json lock log lua md pdf php png py rb rs rst sh sql svg toml ts
    tsx txt xml yaml yml
    """.split()
)


def safe_url(url: str) -> str | None:
    """Return `url` in a canonical form that is inert in any Markdown or HTML, or None if it may not be a link.

    Absolute `http:` and `https:` addresses without a user name or password are allowed, and `mailto:` with one address.
    """
    url = url.strip(" \t\n")
    if len(url) > _MAX_URL or _NOT_IN_AN_ADDRESS.search(url):
        return None
    try:
        parts = urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme == "mailto":
            return f"mailto:{parts.path}" if _MAIL.fullmatch(parts.path) else None
        if scheme in {"http", "https"}:
            return _web_address(scheme, parts)
    except ValueError:
        pass
    return None


def disguised_host(label: str, url: str) -> str | None:
    """Return the host that a link really goes to if its label names another host, and None otherwise.

    Args:
        label: the visible text of the link.
        url: the address, as `safe_url()` returned it.
    """
    host = urlsplit(url).hostname or url.rpartition("@")[2]
    claimed = [match.group(1) for match in _CLAIMED_URL.finditer(label)]
    bare = _CLAIMED_HOST.fullmatch(label.strip())
    if bare and bare.group(1).lower() not in _FILE_ENDINGS:
        claimed.append(re.split("[/?#]", label.strip(), maxsplit=1)[0])
    for claim in claimed:
        if _plain_host(claim) != _plain_host(host):
            return host
    return None


def _web_address(scheme: str, parts: SplitResult) -> str | None:
    # A user name before the host can look like another host. Addresses in brackets are IPv6, which hardly any link needs.
    if "@" in parts.netloc or "[" in parts.netloc or not parts.hostname:
        return None
    host = _ascii_host(parts.hostname)
    if host is None:
        return None
    port = f":{parts.port}" if parts.port else ""
    rest = parts._replace(scheme="", netloc="").geturl()
    rest = rest if rest.startswith(("/", "?", "#")) else f"/{rest}" if rest else ""
    # A path that begins with two slashes could be read as another host.
    rest = rest if not rest.startswith("//") else "/%2F" + rest.lstrip("/")
    # A notebook marks the places of formulas that it has taken out with `@@`.
    encoded = quote(_BARE_PERCENT.sub("%25", rest), safe=_KEPT).replace("@@", "%40%40")
    return f"{scheme}://{host}{port}{encoded}"


def _ascii_host(host: str) -> str | None:
    host = host.lower().rstrip(".")
    if not host.isascii():
        import idna  # has large tables, and few answers need it

        try:
            host = idna.encode(host, uts46=True).decode("ascii")
        except idna.IDNAError:
            return None
    return host if _HOST.fullmatch(host) and ".." not in host else None


def _plain_host(host: str) -> str:
    bare = host.lower().rpartition("@")[2].partition(":")[0].rstrip(".,;!)'\"").removeprefix("www.")
    return _ascii_host(bare) or bare
