"""Conversations, sync and async: each turn is sent with the turns before it."""

from __future__ import annotations

from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import AsyncFace, Face, asks
from tests.fakes.openai_server import OpenAIServer, Reply, text_reply


def fetch(url: str) -> str:
    """Fetch a page."""
    return url


def test_each_turn_is_sent_with_the_turns_before(face: Face) -> None:
    model = face.model("Yo")
    conversation = model.conversation()
    first = conversation.prompt("Hi", system="S")
    assert conversation.responses == []
    assert face.text(first) == "Yo"
    second = conversation.prompt("And?")
    face.text(second)
    assert conversation.responses == [first, second]
    assert [prompt.messages for prompt in model.requests] == [
        [llm.system("S"), llm.user("Hi")],
        [llm.system("S"), llm.user("Hi"), llm.assistant("Yo"), llm.user("And?")],
    ]


def test_it_may_begin_with_responses_of_before(face: Face) -> None:
    model = face.model("Yo")
    before = face.response_class.fake(model, "Hi", response="Hello")  # type: ignore[attr-defined]
    cls = llm.AsyncConversation if face.is_async else llm.Conversation
    conversation: Any = cls(model, responses=[before])
    face.text(conversation.prompt("And?"))
    assert model.requests[0].messages == [llm.user("Hi"), llm.assistant("Hello"), llm.user("And?")]


def test_it_has_an_id_and_may_have_a_name(face: Face) -> None:
    model = face.model("Yo")
    conversation = model.conversation()
    assert conversation.id == conversation.id == conversation.conversation_id != model.conversation().id
    assert (conversation.name, conversation.loaded_messages, conversation.loaded_tools) == (None, None, None)
    cls = llm.AsyncConversation if face.is_async else llm.Conversation
    named: Any = cls(model, id="c1", name="Birds", loaded_tools=["search"])
    assert (named.id, named.conversation_id, named.name, named.loaded_tools) == ("c1", "c1", "Birds", ["search"])
    named.id = "c2"
    assert named.conversation_id == "c2"


def test_it_may_begin_with_messages_that_were_stored_elsewhere(face: Face) -> None:
    model = face.model("Yo")
    stored = [llm.system("Be brief."), llm.user("Hi"), llm.assistant("Hello")]
    cls = llm.AsyncConversation if face.is_async else llm.Conversation
    conversation: Any = cls(model, loaded_messages=stored)
    assert conversation.history() == stored
    response = conversation.prompt("And?")
    assert conversation.loaded_messages == stored
    face.text(response)
    assert model.requests[0].messages == [*stored, llm.user("And?")]
    assert conversation.loaded_messages is None
    face.text(conversation.prompt("More"))
    assert model.requests[1].messages == [*stored, llm.user("And?"), llm.assistant("Yo"), llm.user("More")]


def test_an_async_one_can_be_handed_to_code_that_does_not_await() -> None:
    face = AsyncFace()
    model = face.rounds("Yo")
    conversation = model.conversation(tools=[fetch], chain_limit=3)
    conversation.name = "Birds"
    face.text(conversation.prompt("Hi"))
    handed = conversation.to_sync_conversation()
    assert type(handed) is llm.Conversation
    assert (handed.model, handed.id, handed.name) == (model, conversation.id, "Birds")
    assert (handed.tools, handed.chain_limit, handed.responses) == ([fetch], 3, [])
    assert handed.history() == conversation.history() == [llm.user("Hi"), llm.assistant("Yo")]
    face.close()


def test_what_was_sent_does_not_change_afterwards(face: Face) -> None:
    conversation = face.model("Yo").conversation()
    first = conversation.prompt("Hi")
    face.text(first)
    face.text(conversation.prompt("And?"))
    assert first.prompt.messages == [llm.user("Hi")]


def test_the_history_is_that_of_the_moment_of_reading(face: Face) -> None:
    model = face.model("Yo")
    conversation = model.conversation()
    early = conversation.prompt("Later")
    face.text(conversation.prompt("Hi"))
    face.text(early)
    assert early.prompt.messages == [llm.user("Hi"), llm.assistant("Yo"), llm.user("Later")]


def test_a_failed_turn_does_not_join(face: Face) -> None:
    conversation = face.model("a", llm.ModelError("no")).conversation()
    with pytest.raises(llm.ModelError):
        face.text(conversation.prompt("Hi"))
    assert conversation.responses == []
    assert conversation.prompt("Again").prompt.messages == [llm.user("Again")]


def test_a_turn_read_twice_joins_once(face: Face) -> None:
    conversation = face.model("a").conversation()
    response = conversation.prompt("Hi")
    face.text(response)
    face.text(response)
    list(face.chunks(response))
    assert conversation.responses == [response]


def test_given_messages_replace_the_history(face: Face) -> None:
    model = face.model("Yo")
    conversation = model.conversation()
    face.text(conversation.prompt("Hi"))
    face.text(conversation.prompt("And?", messages=[llm.user("a"), llm.assistant("b")]))
    face.text(conversation.prompt("So?"))
    assert model.requests[-1].messages == [
        llm.user("a"),
        llm.assistant("b"),
        llm.user("And?"),
        llm.assistant("Yo"),
        llm.user("So?"),
    ]


def test_reasoning_and_calls_stay_in_the_history(face: Face) -> None:
    model = face.model(
        llm.StreamEvent("reasoning", "Hm"), "Yo", llm.StreamEvent("tool_call_name", "f", tool_call_id="1")
    )
    conversation = model.conversation()
    face.text(conversation.prompt("Hi"))
    result = llm.ToolResult("f", "1", tool_call_id="1")
    face.text(conversation.prompt(tool_results=[result]))
    assert model.requests[-1].messages == [
        llm.user("Hi"),
        llm.assistant(llm.ReasoningPart("Hm"), "Yo", llm.ToolCallPart("f", {}, "1")),
        llm.tool_message(llm.ToolResultPart("f", "1", "1")),
    ]


def test_options_are_checked_as_in_a_prompt(face: Face) -> None:
    conversation = face.model("a").conversation()
    with pytest.raises(TypeError, match="given both in options="):
        conversation.prompt("Hi", x=1, options={"x": 1})
    with pytest.raises(ValueError, match="does not support tools"):
        conversation.prompt("Hi", tools=[llm.Tool("f")])


def test_the_hooks_of_a_conversation_are_those_of_its_chains_unless_others_are_given(face: Face) -> None:
    def hooks(name: str) -> dict[str, Any]:
        return {
            "before_call": lambda tool, call: seen.append(f"before, {name}"),
            "after_call": lambda tool, call, result: seen.append(f"after, {name}"),
        }

    def upper(text: str) -> str:
        return text.upper()

    seen: list[str] = []
    call = asks(llm.ToolCall("upper", {"text": "a"}, "1"))
    conversation = face.rounds(call, "A", call, "A").conversation(tools=[upper], **hooks("the conversation's"))
    face.text(conversation.chain("Hi"))
    face.text(conversation.chain("Again", **hooks("the chain's")))
    assert seen == [
        "before, the conversation's",
        "after, the conversation's",
        "before, the chain's",
        "after, the chain's",
    ]


def test_over_http(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(text_reply("Yo"), Reply.of_json({"error": {"message": "no"}}, 400), text_reply("4"))
    conversation = face.openai(openai_server.base_url).conversation()
    face.text(conversation.prompt("Hi"))
    with pytest.raises(llm.ProviderError, match="no"):
        face.text(conversation.prompt("Broken"))
    assert face.text(conversation.prompt("2+2?")) == "4"
    assert openai_server.requests[-1].json()["messages"] == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yo"},
        {"role": "user", "content": "2+2?"},
    ]


def test_repr(face: Face) -> None:
    name = "AsyncConversation" if face.is_async else "Conversation"
    assert repr(face.model("a").conversation()) == f"<{name} model='scripted' responses=0>"
