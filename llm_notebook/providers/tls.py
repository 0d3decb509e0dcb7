"""How a server's certificate is checked, where it is not the usual way."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TLSSettings"]


@dataclass(slots=True, frozen=True)
class TLSSettings:
    """TLS for servers with a certificate of one's own.

    Attributes:
        verify: False accepts every certificate: only for a server that is reached over a network one trusts.
        ca_file: certificates of the authorities to trust, a PEM file or a folder of them; None means the usual ones.
        cert_file: the certificate that identifies this client, with its key unless `key_file` has that.
        key_file: the key of `cert_file`.
    """

    verify: bool = True
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
