"""Fixtures that the tests of providers share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llm_notebook.configuration.process import process
from llm_notebook.providers.http import retries
from llm_notebook.providers.http.transport import Transport


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait as little as possible before a request is sent again."""
    monkeypatch.setattr(retries, "_FIRST_DELAY", 0.001)


@pytest.fixture
def own_transport() -> Iterator[None]:
    """Give the test a transport of its own, without connections."""
    process.made.pop(Transport, None)
    yield
    transport = process.made.pop(Transport, None)
    if transport is not None:
        transport.close()
