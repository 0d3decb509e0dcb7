"""A scripted model behind a real server, with the requests that the server got, and the tools that the scripts in `aimock/` call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.fakes.faces import Face
from tests.peers.aimock import AIMock

__all__ = ["INHABITANTS", "Scripted", "population", "results_in", "roles_in"]

INHABITANTS = {"Oslo": 717605, "Bergen": 291940, "Narvik": 21580}


def population(city: str) -> int:
    """How many people live in a city."""
    return INHABITANTS[city]


@dataclass(slots=True)
class Scripted:
    """The scripted model of one test, with what the server recorded for that test."""

    face: Face
    model: Any
    server: AIMock
    test_id: str

    @property
    def statuses(self) -> list[int]:
        """Return the HTTP status of every answer, oldest first."""
        return [exchange["response"]["status"] for exchange in self.server.exchanges(self.test_id)]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """Return the bodies that the server was sent, oldest first, after checking that they are well-formed."""
        bodies = [exchange["body"] for exchange in self.server.exchanges(self.test_id)]
        for body in bodies:
            _assert_well_formed(body)
        return bodies


def results_in(body: dict[str, Any]) -> dict[str, str]:
    """Return the tool results in a request, by call id."""
    return {message["tool_call_id"]: message["content"] for message in body["messages"] if message["role"] == "tool"}


def roles_in(body: dict[str, Any]) -> list[str]:
    """Return the roles of the messages in a request."""
    return [message["role"] for message in body["messages"]]


def _assert_well_formed(body: dict[str, Any]) -> None:
    """Assert what Chat Completions requires of messages: every call has one result, before any other message."""
    open_calls: list[str] = []
    for message in body["messages"]:
        if message["role"] == "tool":
            assert isinstance(message["content"], str)
            open_calls.remove(message["tool_call_id"])
            continue
        assert not open_calls
        assert message["role"] in {"system", "user", "assistant"}
        calls = message.get("tool_calls", [])
        if message["role"] == "user" and isinstance(message["content"], list):
            assert {block["type"] for block in message["content"]} <= {"text", "image_url"}
        else:
            assert isinstance(message["content"], str) or (calls and message["content"] is None)
        for call in calls:
            assert call["type"] == "function"
            assert isinstance(json.loads(call["function"]["arguments"]), dict)
            open_calls.append(call["id"])
        assert len(set(open_calls)) == len(open_calls)
    assert not open_calls
    assert body["messages"][-1]["role"] in {"user", "tool"}
    for tool in body.get("tools", []):
        assert tool["type"] == "function"
        # aimock does not record `parametersJsonSchema` of requests to Gemini.
        assert tool["function"].get("parameters", {"type": "object"})["type"] == "object"
