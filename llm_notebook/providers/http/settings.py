"""How a model's requests are sent: how long they may take, how often they are tried, and TLS."""

from __future__ import annotations

from dataclasses import dataclass

from llm_notebook.providers.http.wire import TLSSettings

__all__ = ["TransportSettings"]

_DEFAULT_TIMEOUT = 600.0
_CONNECT_TIMEOUT = 10.0
_WRITE_TIMEOUT = 120.0


@dataclass(slots=True, frozen=True)
class TransportSettings:
    """How a model's requests are sent.

    Attributes:
        timeout: seconds without a byte after which a request is given up; None means 600.
        max_retries: how often an unanswered request is sent again.
        tls: how the server's certificate is checked; None means the usual way.
        total_timeout: seconds after which the answer must be complete, further attempts included; None means no limit.
    """

    timeout: float | None = None
    max_retries: int = 2
    tls: TLSSettings | None = None
    total_timeout: float | None = None

    @property
    def seconds(self) -> float:
        """The seconds without a byte after which a request is given up, with the default filled in."""
        idle = self.timeout if self.timeout is not None else _DEFAULT_TIMEOUT
        return idle if self.total_timeout is None else min(idle, self.total_timeout)

    def phases(self, left: float) -> dict[str, float]:
        """Return the seconds for each phase by its name. Waiting for a free connection or for a piece of the answer may take all of them.

        Args:
            left: the seconds that are left for all phases together.
        """
        seconds = min(self.seconds, left)
        connect, write = min(seconds, _CONNECT_TIMEOUT), min(seconds, _WRITE_TIMEOUT)
        return {"connect": connect, "read": seconds, "write": write, "pool": seconds}
