"""The scripted server that the tests of chains share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.scripted import Scripted
from tests.fakes.faces import Face
from tests.peers.aimock import AIMock, NotInstalled, aimock


@pytest.fixture(scope="session")
def aimock_server() -> Iterator[AIMock]:
    """Run aimock with the scripts in `aimock/`."""
    try:
        with aimock(Path(__file__).with_name("aimock")) as server:
            yield server
    except NotInstalled as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None


@pytest.fixture
def scripted(face: Face, aimock_server: AIMock, request: pytest.FixtureRequest) -> Scripted:
    """Return a model that plays these scripts. The requests of other tests do not count."""
    test_id = request.node.nodeid
    model = face.openai(aimock_server.base_url, "scripted", headers={"x-test-id": test_id}, max_retries=2)
    return Scripted(face, model, aimock_server, test_id)
