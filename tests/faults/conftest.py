"""Fixtures that the tests of faults share with those of providers."""

from tests.providers.conftest import own_transport, short_waits

__all__ = ["own_transport", "short_waits"]
