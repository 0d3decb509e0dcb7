"""Messages that were encoded before: what is sent is the same, and what is kept of a conversation grows with it once."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
from typing import Any

import llm_notebook as llm
from llm_notebook.turns.messages.encoded import EncodedMessages
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, text_reply


def _asked_in_turn(face: Face, server: OpenAIServer, conversation: Any, count: int) -> None:
    server.play(*[text_reply("a" * 1000)] * count)
    for _ in range(count):
        face.text(conversation.prompt("q" * 1000))


def test_every_turn_of_a_conversation_is_sent_what_was_said_before(face: Face, openai_server: OpenAIServer) -> None:
    conversation = face.openai(openai_server.base_url).conversation()
    _asked_in_turn(face, openai_server, conversation, 3)
    for position, request in enumerate(openai_server.requests):
        said = [(message["role"], message["content"]) for message in request.json()["messages"]]
        assert said == [("user", "q" * 1000), ("assistant", "a" * 1000)] * position + [("user", "q" * 1000)]


def test_what_a_conversation_keeps_grows_with_its_text_once(face: Face, openai_server: OpenAIServer) -> None:
    conversation = face.openai(openai_server.base_url).conversation()
    _asked_in_turn(face, openai_server, conversation, 2)
    tracemalloc.start()
    try:
        _asked_in_turn(face, openai_server, conversation, 60)
        openai_server.requests.clear()
        gc.collect()
        # Each turn has 2,000 characters. With the text of all turns before it, it would keep thirty times as much.
        assert tracemalloc.get_traced_memory()[0] < 60 * 20_000
    finally:
        tracemalloc.stop()


def test_a_history_that_the_user_gives_is_read_anew(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(*[text_reply("ok")] * 2)
    conversation = face.openai(openai_server.base_url).conversation()
    given = [llm.user("before"), llm.assistant("Yes?")]
    face.text(conversation.prompt("Go", messages=given))
    given[0].parts[0].text = "after"
    face.text(conversation.prompt("Go", messages=given))
    sent = [request.json()["messages"][0]["content"] for request in openai_server.requests]
    assert sent == ["before", "after"]


def test_texts_in_another_form_are_forgotten() -> None:
    encoded, message = EncodedMessages(), llm.user("Hi")
    encoded.in_form("one", [message])[id(message)] = (message, "1")
    assert encoded.in_form("one", [message]) == {id(message): (message, "1")}
    assert encoded.in_form("another", [message]) == {}


def test_messages_that_are_sent_no_more_are_forgotten() -> None:
    encoded, messages = EncodedMessages(), [llm.user(str(number)) for number in range(100)]
    encoded.in_form("one", messages).update({id(message): (message, "") for message in messages})
    assert len(encoded.in_form("one", messages)) == 100
    assert list(encoded.in_form("one", messages[:2])) == [id(message) for message in messages[:2]]


def test_a_pickle_has_no_texts() -> None:
    encoded, message = EncodedMessages(), llm.user("Hi")
    encoded.in_form("one", [message])[id(message)] = (message, "1")
    assert pickle.loads(pickle.dumps(encoded)).in_form("one", [message]) == {}
