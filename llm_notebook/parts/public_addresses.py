"""Distinguishes addresses and names of the public internet from those of this machine or the user's network. No I/O."""

from __future__ import annotations

import ipaddress

__all__ = ["is_public", "is_public_name"]

_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
# Names that mean this machine or a private network wherever they are resolved.
_PRIVATE_SUFFIXES = (
    "localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private", "home.arpa", "onion",
)  # fmt: skip
# Microsoft's virtual machines reach their host at this address, which looks public.
_HOSTS_OF_CLOUDS = frozenset({ipaddress.ip_address("168.63.129.16")})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet, considering also an IPv4 address inside it."""
    try:
        found: _IP = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner = _inner(found)
    if inner is not None:
        return is_public(str(inner))
    if found in _LOCAL_NAT64:
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved and found not in _HOSTS_OF_CLOUDS


def _inner(address: _IP) -> _IP | None:
    """Return the IPv4 address that an IPv6 address leads to; None if it leads to none."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


def is_public_name(host: str) -> bool:
    """Return whether a name, or an IP address, is public, as far as one can tell without resolving it."""
    if ":" in host or host.replace(".", "").isdigit() or host.startswith("0x"):
        return is_public(host)
    last_labels = tuple(f".{suffix}" for suffix in _PRIVATE_SUFFIXES)
    return "." in host and not host.endswith(last_labels) and host not in _PRIVATE_SUFFIXES
