"""Chains that pause for a human, over HTTP against aimock: what is sent after the decision, and that nothing is done twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

import llm_notebook as llm
from tests.contract.scripted import Scripted, population, results_in, roles_in

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)


class Registry:
    """Tools that record what they did."""

    def __init__(self) -> None:
        self.done: list[str] = []

    @property
    def tools(self) -> list[Any]:
        return [self.population, llm.require_approval(self.rename)]

    def population(self, city: str) -> int:
        """How many people live in a city."""
        self.done.append(f"counted {city}")
        return population(city)

    def rename(self, city: str, name: str) -> str:
        """Give a city a new name."""
        self.done.append(f"renamed {city}{'' if llm.approved() else ' without being asked'}")
        return f"{city} is now {name}."


@pytest.fixture
def registry() -> Registry:
    return Registry()


def paused(scripted: Scripted, chain: Any) -> llm.PauseChain:
    with pytest.raises(llm.PauseChain) as caught:
        scripted.face.text(chain)
    return caught.value


def stored_and_loaded(scripted: Scripted, pause: llm.PauseChain, tools: list[Any]) -> llm.PauseChain:
    """Return the pause as another process would find it."""
    return llm.load_pause(json.loads(json.dumps(pause.to_dict())), model=scripted.model, tools=tools)


@pytest.mark.parametrize("agreed", [True, False], ids=["approved", "denied"])
@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_a_stored_pause_goes_on_where_it_stopped(
    scripted: Scripted, registry: Registry, stream: bool, agreed: bool
) -> None:
    chain = scripted.model.chain(
        "Rename Narvik to Nordvik.", system="Obey.", tools=registry.tools, stream=stream, temperature=0.5
    )
    pause = stored_and_loaded(scripted, paused(scripted, chain), registry.tools)
    assert pause.request.arguments == {"city": "Narvik", "name": "Nordvik"}
    assert pause.tool_call is not None
    assert pause.tool_call.tool_call_id == "call_rename"
    assert registry.done == ["counted Narvik"]

    rest = pause.approve() if agreed else pause.deny("too confusing")
    assert len(scripted.requests) == 1
    assert scripted.face.text(rest) == ("Done." if agreed else "Then it stays Narvik.")
    assert scripted.face.text(rest) == ("Done." if agreed else "Then it stays Narvik.")
    assert registry.done == ["counted Narvik"] + (["renamed Narvik"] if agreed else [])
    first, second = scripted.requests
    assert roles_in(second) == ["system", "user", "assistant", "tool", "tool"]
    assert second["messages"][:2] == first["messages"]
    said = "Narvik is now Nordvik." if agreed else "Denied by the user: too confusing"
    assert results_in(second) == {"call_population": "21580", "call_rename": said}
    assert second["tools"] == first["tools"]
    assert second["temperature"] == 0.5


@pytest.mark.parametrize("through_storage", [True, False], ids=["stored", "in memory"])
def test_two_calls_are_decided_one_after_the_other(
    scripted: Scripted, registry: Registry, through_storage: bool
) -> None:
    first = paused(scripted, scripted.model.chain("Rename both, please.", tools=registry.tools))
    assert first.request.tool_call_id == "call_one"
    second = paused(scripted, first.approve())
    assert second.request.tool_call_id == "call_two"
    assert registry.done == ["renamed Oslo"]
    if through_storage:
        second = stored_and_loaded(scripted, second, registry.tools)
    assert len(scripted.requests) == 1
    assert scripted.face.text(second.approve({"city": "Bergen", "name": "Bjorgvin"})) == "Both have new names."
    assert registry.done == ["renamed Oslo", "renamed Bergen"]
    told = results_in(scripted.requests[1])
    assert told["call_one"] == "Oslo is now Christiania."
    assert told["call_two"].endswith("Bergen is now Bjorgvin.")
    assert list(told) == ["call_one", "call_two"]


def test_a_pause_in_a_later_round_keeps_the_rounds_before_it(scripted: Scripted, registry: Registry) -> None:
    pause = paused(scripted, scripted.model.chain("Rename the smallest city.", tools=registry.tools))
    rest = stored_and_loaded(scripted, pause, registry.tools).approve()
    assert scripted.face.text(rest) == "Renamed."
    assert registry.done == ["counted Narvik", "renamed Narvik"]
    last = scripted.requests[-1]
    assert roles_in(last) == ["user", "assistant", "tool", "assistant", "tool"]
    assert last["messages"][3]["content"] == "Narvik it is."
    assert results_in(last) == {"call_size": "21580", "call_small": "Narvik is now Nordvik."}


def test_a_picture_that_a_sibling_drew_comes_after_all_results(scripted: Scripted, registry: Registry) -> None:
    def draw(city: str) -> llm.ToolOutput:
        """Draw a city."""
        return llm.ToolOutput(f"A picture of {city}", [llm.Attachment(type="image/png", content=PNG)])

    scripted.model.attachment_types = frozenset({"image/png"})
    tools = [draw, *registry.tools]
    pause = paused(scripted, scripted.model.chain("Draw and rename Oslo.", tools=tools))
    rest = stored_and_loaded(scripted, pause, tools).approve()
    assert scripted.face.text(rest) == "A fine picture."
    body = scripted.requests[1]
    assert roles_in(body) == ["user", "assistant", "tool", "tool", "user"]
    assert results_in(body) == {"call_draw": "A picture of Oslo", "call_after": "Oslo is now Christiania."}
    (picture,) = body["messages"][-1]["content"]
    assert picture["image_url"]["url"].startswith("data:image/png;base64,iVBORw0KGgo")


def test_a_conversation_remembers_what_was_done_after_the_pause(scripted: Scripted, registry: Registry) -> None:
    conversation = scripted.model.conversation(tools=registry.tools)
    pause = paused(scripted, conversation.chain("Rename Narvik to Nordvik."))
    assert scripted.face.text(pause.approve()) == "Done."
    assert scripted.face.text(conversation.prompt("Never mind the rest.")) == "As you like."
    last = scripted.requests[-1]
    assert roles_in(last) == ["user", "assistant", "tool", "tool", "assistant", "user"]
    assert last["messages"][4]["content"] == "Done."
    assert registry.done == ["counted Narvik", "renamed Narvik"]


def test_a_conversation_that_goes_on_without_the_decision_still_sends_a_history_that_providers_take(
    scripted: Scripted, registry: Registry
) -> None:
    conversation = scripted.model.conversation(tools=registry.tools)
    paused(scripted, conversation.chain("Rename Narvik to Nordvik."))
    assert scripted.face.text(conversation.prompt("Never mind.")) == "As you like."
    last = scripted.requests[-1]
    assert roles_in(last)[-1] == "user"
    assert "Waiting: a human has not decided" in results_in(last)["call_rename"]
    assert registry.done == ["counted Narvik"]


def test_a_stored_response_replies_with_the_tools_it_is_given(scripted: Scripted, registry: Registry) -> None:
    asked = scripted.model.prompt("Rename the smallest city.", tools=registry.tools)
    assert scripted.face.do(asked.tool_calls())
    stored = json.loads(json.dumps(asked.to_dict()))
    response_class: Any = scripted.face.response_class
    loaded = response_class.from_dict(stored, model=scripted.model)
    answer = scripted.face.do(loaded.reply(tools=registry.tools))
    assert scripted.face.text(answer) == "Narvik it is."
    assert registry.done == ["counted Narvik"]
    with pytest.raises(llm.PauseChain) as caught:
        scripted.face.do(answer.reply())
    assert caught.value.request.tool_call_id == "call_small"
    assert results_in(scripted.requests[-1]) == {"call_size": "21580"}
