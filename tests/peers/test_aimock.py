"""aimock starts, plays its fixtures, stops with its `with` block, and names what is missing."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

from tests.peers import aimock as aimock_module
from tests.peers.aimock import AIMock, NotInstalled, aimock

GREETING = {"fixtures": [{"match": {"userMessage": "Hello"}, "response": {"content": "Good morning."}}]}


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    path = tmp_path / "greeting.json"
    path.write_text(json.dumps(GREETING))
    return path


def answer_of(server: AIMock, test_id: str) -> str:
    body = {"model": "any", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"content-type": "application/json", "x-test-id": test_id}
    request = urllib.request.Request(f"{server.base_url}/chat/completions", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        text: str = json.load(reply)["choices"][0]["message"]["content"]
        return text


def test_it_answers_and_remembers_by_test_and_ends_with_its_block(fixtures: Path) -> None:
    with aimock(fixtures) as server:
        assert answer_of(server, "one test") == "Good morning."
        (exchange,) = server.exchanges("one test")
        assert exchange["body"]["messages"] == [{"role": "user", "content": "Hello"}]
        assert exchange["response"]["status"] == 200
        assert server.exchanges("another test") == []
    assert not server.is_up()


def test_it_says_what_is_wrong_with_its_fixtures(tmp_path: Path) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text(
        json.dumps({"fixtures": [{"match": {}, "response": {"toolCalls": [{"name": "f", "arguments": "{"}]}}]})
    )
    with pytest.raises(RuntimeError, match=r"did not start\. It said: .*not valid JSON"), aimock(broken):
        pass


def test_where_it_is_not_installed_it_says_what_to_run(monkeypatch: pytest.MonkeyPatch, fixtures: Path) -> None:
    monkeypatch.setattr(aimock_module, "_PROGRAM", fixtures.with_name("cli.js"))
    with pytest.raises(NotInstalled, match="run `make test`"), aimock(fixtures):
        pass
