"""Finds the proxy for an address, as named by the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

Other programs write all sorts of things into these variables: networks such as `::1/128`, addresses in brackets, `socks://`. HTTP libraries
fail over some of them, even if no proxy is needed. So they are read here, and an address gets its proxy, none, or an error in one sentence.
"""

from __future__ import annotations

import importlib.util
import ipaddress
from urllib.parse import urlsplit

from llm_notebook.errors import TransportError

__all__ = ["proxy_for"]

_PORTS = {"http": 80, "https": 443}
_SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_for(url: str) -> str | None:
    """Return the address of the proxy for a URL; None if there is none, or the URL is reached without it.

    Raises:
        TransportError: the environment names a proxy that cannot be used.
    """
    from urllib.request import getproxies  # loads ssl

    proxies = getproxies()
    target = urlsplit(url)
    named = (proxies.get(target.scheme) or proxies.get("all") or "").strip()
    if not named or _is_exempt(target.hostname or "", target.port or _PORTS.get(target.scheme), proxies.get("no", "")):
        return None
    return _usable(named)


def _usable(named: str) -> str:
    """Return a proxy's address with its scheme.

    Raises:
        TransportError: it cannot be used. The message shows neither user name nor password.
    """
    full = named if "://" in named else f"http://{named}"
    # Programs take `socks`, as desktop settings call it, to mean SOCKS 5.
    full = f"socks5{full[5:]}" if full.lower().startswith("socks://") else full
    try:
        address = urlsplit(full)
        is_address = bool(address.hostname) and address.port != 0
    except ValueError:
        is_address = False
    shown = f"{full.partition('://')[0]}://{full.partition('://')[2].rpartition('@')[2]}"
    if not is_address or address.scheme not in _SCHEMES:
        raise TransportError(
            f"The proxy {shown} that the environment names cannot be used, so nothing was sent: set HTTPS_PROXY, HTTP_PROXY or ALL_PROXY to "
            "an address such as http://proxy.example.org:8080, or name this server in NO_PROXY."
        )
    if address.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise TransportError(
            f"The proxy {shown} that the environment names needs the package socksio, so nothing was sent: pip install socksio, or name "
            "this server in NO_PROXY."
        )
    return full


def _is_exempt(host: str, port: int | None, exempt: str) -> bool:
    """Return whether the value of `NO_PROXY` names a server: by its name or a name above it, by its address or a network of it."""
    return any(_matches(host.lower(), port, entry) for entry in exempt.replace(";", ",").replace(" ", ",").split(","))


def _matches(host: str, port: int | None, entry: str) -> bool:
    entry = entry.strip().lower().rpartition("://")[2].rstrip("/")
    if not entry or entry == "*":
        return entry == "*"
    network = _network(entry.strip("[]"))
    if network is None:
        entry, wanted = _split_port(entry)
        if wanted not in (None, port):
            return False
        network = _network(entry.strip("[]"))
    if network is not None:
        address = _network(host)
        return address is not None and address.version == network.version and address.network_address in network
    name = entry.lstrip("*").lstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    name, colon, port = entry.rpartition(":")
    is_port = bool(colon) and port.isdecimal() and (":" not in name or name.endswith("]"))
    return (name, int(port)) if is_port else (entry, None)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Return an address or a network such as `10.0.0.0/8`; None if it is neither."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
