"""What was asked under a policy is asked under it, no matter who continues it and with which tools."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face, asks

ran: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    ran.clear()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Any]:
    with llm.open_journal(tmp_path / "journal.db") as opened:
        yield opened


def delete(path: str) -> str:
    ran.append(path)
    return "deleted"


def calls(*paths: str) -> list[Any]:
    return asks(*(llm.ToolCall("delete", {"path": path}, path) for path in paths))


def pause_of(face: Face, chain: Any) -> llm.PauseChain:
    with pytest.raises(llm.PauseChain) as caught:
        face.text(chain)
    return caught.value


def results(model: Any) -> list[str]:
    return [part.output for message in model.requests[-1].messages for part in message.parts if hasattr(part, "output")]


def asked(face: Face, *paths: str, **mark: Any) -> llm.PauseChain:
    tool = llm.require_approval(delete, **mark)
    return pause_of(face, face.rounds(calls(*paths), "done").chain("Hi", tools=[tool]))


def test_other_tools_given_to_a_pause_are_asked_about_as_the_first_ones_were(face: Face) -> None:
    pause = asked(face, "/a", "/b", destructive=True)
    pause.deny("no")
    second = pause_of(face, pause.resume(tools=[delete]))
    assert (second.request.arguments, second.request.destructive) == ({"path": "/b"}, True)
    assert ran == []


def test_a_pause_written_to_json_keeps_its_policy(face: Face) -> None:
    pause = asked(face, "/a", "/b", destructive=True)
    data = json.loads(json.dumps(pause.to_dict()))
    loaded = llm.load_pause(data, model=face.rounds(calls("/c"), "done"))
    loaded.approve()
    second = pause_of(face, loaded.resume(tools=[delete]))
    assert ran == ["/a"]
    second.deny("no")
    third = pause_of(face, second.resume(tools=[delete]))
    assert third.request.arguments == {"path": "/c"}
    assert third.request.destructive
    assert ran == ["/a"]


def test_what_became_harmless_by_its_condition_still_waits_for_its_decision(face: Face, journal: Any) -> None:
    dangerous = ["/a"]
    pause = asked(face, "/a", when=lambda path: path in dangerous)
    dangerous.clear()
    again = pause_of(face, pause.resume())
    assert again.request.digest == pause.request.digest
    model = face.rounds("done")
    tool = llm.require_approval(delete, when=lambda path: False)
    resumed = llm.resume(pause.request.id, tools=[tool], model=model)
    pause_of(face, resumed)
    assert ran == []
    assert face.text(again.approve()) == "done"
    assert ran == ["/a"]


def test_after_a_restart_the_condition_of_the_tool_as_it_is_then_counts(face: Face, journal: Any) -> None:
    pause = asked(face, "/a", "/b", when=lambda path: path == "/a")
    pause.deny("no")
    tool = llm.require_approval(delete, when=lambda path: path == "/c")
    model = face.rounds(calls("/c"), "done")
    third = pause_of(face, llm.resume(pause.request.id, tools=[tool], model=model))
    assert third.request.arguments == {"path": "/c"}
    assert ran == ["/b"]


def test_after_a_restart_a_tool_without_its_condition_always_asks(face: Face, journal: Any) -> None:
    pause = asked(face, "/a", "/b", when=lambda path: path == "/a")
    pause.deny("no")
    second = pause_of(face, llm.resume(pause.request.id, tools=[delete], model=face.rounds("done")))
    assert second.request.arguments == {"path": "/b"}
    assert ran == []


def test_what_was_destructive_is_never_always_allowed_later(face: Face, journal: Any) -> None:
    pause = asked(face, "/a", "/b", destructive=True)
    pause.deny("no")
    second = pause_of(
        face, llm.resume(pause.request.id, tools=[llm.require_approval(delete)], model=face.rounds("done"))
    )
    assert second.paused is not None
    with pytest.raises(ValueError, match="marked destructive"):
        second.paused.settle(second.request, "approved", scope="session")


def test_what_becomes_destructive_is_asked_about_again(face: Face, journal: Any) -> None:
    pause = asked(face, "/a")
    pause.approve()
    tool = llm.require_approval(delete, destructive=True)
    again = pause_of(face, llm.resume(pause.request.id, tools=[tool], model=face.rounds("done")))
    assert again.request.changed == "You decided about this before. Since then when it asks changed."
    assert again.request.destructive
    assert ran == []


def test_calls_that_are_run_by_hand_keep_their_policy_too(face: Face, journal: Any) -> None:
    model = face.rounds(calls("/a", "/b"), "done")
    response = model.prompt("Hi", tools=[llm.require_approval(delete)])
    with pytest.raises(llm.PauseChain) as caught:
        face.do(response.execute_tool_calls())
    caught.value.deny("no")
    later = llm.resume(caught.value.request.id, tools=[delete], model=face.rounds("done"))
    assert pause_of(face, later).request.arguments == {"path": "/b"}
    assert ran == []


def test_calls_that_are_run_by_hand_with_other_tools_ask_as_those_that_were_offered(face: Face) -> None:
    response = face.rounds(calls("/a", "/b"), "done").prompt("Hi", tools=[llm.require_approval(delete)])
    with pytest.raises(llm.PauseChain) as caught:
        face.do(response.execute_tool_calls(tools=[delete]))
    caught.value.deny("no")
    assert pause_of(face, caught.value.resume(tools=[delete])).request.arguments == {"path": "/b"}
    assert ran == []


def test_the_digest_covers_the_policy(face: Face) -> None:
    digests = {
        asked(face, "/a", **mark).request.digest for mark in ({}, {"destructive": True}, {"when": lambda path: True})
    }
    assert len(digests) == 3


def test_an_edited_argument_is_converted_before_it_runs(face: Face) -> None:
    def count(by: int, ids: set[int]) -> str:
        ran.append((by, ids))
        return "counted"

    model = face.rounds(asks(llm.ToolCall("count", {"by": "1", "ids": [1]}, "c")), "done")
    pause = pause_of(face, model.chain("Hi", tools=[llm.require_approval(count)]))
    assert face.text(pause.approve({"by": "2", "ids": ["3", 3]})) == "done"
    assert ran == [(2, {3})]
    assert results(model) == ['(The user changed the arguments to {"by":2,"ids":[3]}.)\ncounted']
