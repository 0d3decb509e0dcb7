"""Models of `llm` plugins answer like any other model: text, reasoning, tool calls, usage, errors, history."""

from __future__ import annotations

import base64
import gc
import pickle
import traceback
from typing import Any

import llm as their_llm
import pytest
from llm.parts import StreamEvent
from pydantic import ValidationError

import llm_notebook as llm
from llm_notebook.configuration.keys import set_key
from llm_notebook.parts.messages import AttachmentPart, ReasoningPart, TextPart, ToolCallPart, ToolResultPart
from tests.fakes.faces import Face
from tests.fakes.file_server import FileServer, Served
from tests.plugins.llm_package import plugin

PNG = b"\x89PNG\r\n\x1a\n" + bytes(24)


@pytest.fixture
def scripted(face: Face) -> Any:
    return face.get_model("scripted")


def test_a_model_and_a_prompt_travel_by_the_name_of_the_model(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = ["Hello"]
    scripted.theirs.key = "sk-SECRET"
    data = pickle.dumps((scripted, scripted.prompt("Hi")))
    assert b"SECRET" not in data
    model, response = pickle.loads(data)
    assert model is scripted
    assert face.text(response) == "Hello"
    scripted.theirs.key = None


def test_a_model_is_found_by_its_alias_and_listed_once(face: Face) -> None:
    assert face.get_model("script").model_id == "scripted"
    listed = [entry for entry in llm.get_models_with_aliases() if entry.model_id == "scripted"]
    assert [entry.aliases for entry in listed] == [["script"]]
    assert llm.get_model("markov") in llm.get_models()
    with pytest.raises(llm.UnknownModelError, match="use get_model"):
        llm.get_async_model("markov")


def test_text_arrives_chunk_by_chunk(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = ["Hello", " ", "you"]
    response = scripted.prompt("Hi")
    assert list(face.chunks(response)) == ["Hello", " ", "you"]
    assert face.do(response.messages()) == [llm.assistant("Hello you")]


def test_what_goes_along_with_an_answer_is_told(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = ["Hello"]
    response = scripted.prompt("Hi", temperature=0.5)
    assert face.do(response.usage()) == llm.Usage(7, 5, {"cached": 2})
    assert face.do(response.json()) == {"id": "r1"}
    assert response.resolved_model == "scripted-2026"
    assert plugin.SENT[0].options.temperature == 0.5


def test_events_keep_everything_a_plugin_says(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = [
        StreamEvent("reasoning", "Let me ", provider_metadata={"maker": {"signature": "a"}}),
        StreamEvent("reasoning", "see.", provider_metadata={"maker": {"signature": "ab"}}),
        StreamEvent("text", "Look: "),
        *plugin.call_events("look", {"at": "x"}, "c1", provider_metadata={"maker": {"thought": "t"}}),
        StreamEvent("tool_call_name", "search", tool_call_id="s1", server_executed=True),
        StreamEvent("tool_call_args", "{}", tool_call_id="s1", server_executed=True),
        StreamEvent("tool_result", "found", tool_call_id="s1", server_executed=True, tool_name="search"),
        StreamEvent("text", "Next message", message_index=1),
        StreamEvent("kind of the future", "?"),
    ]
    first, second = face.do(scripted.prompt("Hi").messages())
    assert first.parts == [
        ReasoningPart("Let me see.", provider_metadata={"maker": {"signature": "ab"}}),
        TextPart("Look: "),
        ToolCallPart("look", {"at": "x"}, "c1", provider_metadata={"maker": {"thought": "t"}}),
        ToolCallPart("search", {}, "s1", server_executed=True),
        ToolResultPart("search", "found", "s1", server_executed=True),
    ]
    assert second == llm.assistant("Next message")


def test_a_history_goes_back_as_it_came(face: Face, scripted: Any) -> None:
    history = [
        llm.system("Be kind."),
        llm.user("What is this?", llm.Attachment(content=PNG)),
        llm.assistant(
            ReasoningPart("Hm", provider_metadata={"maker": {"signature": "ab"}}),
            ReasoningPart(redacted=True),
            "A dot.",
            ToolCallPart("look", {"at": ["x"]}, "c1", provider_metadata={"maker": {"thought": "t"}}),
            ToolCallPart("look", {}, "c2"),
        ),
        llm.tool_message(
            ToolResultPart("look", "black", "c1"), ToolResultPart("look", "Error: no", "c2", exception="ValueError: no")
        ),
        llm.assistant("Black."),
    ]
    plugin.SCRIPT[:] = ["Sure"]
    face.text(scripted.prompt("Really?", messages=history))
    (sent,) = plugin.SENT
    expected = [message.to_dict() for message in [*history, llm.user("Really?")]]
    expected[1]["parts"][1]["attachment"]["type"] = "image/png"  # found here, so that llm need not look
    assert [message.to_dict() for message in sent.messages] == expected
    assert (sent.prompt, sent.system, sent.tool_results) == ("Really?", "Be kind.", [])
    assert sent.seen_before == [("What is this?", "A dot.", ["look", "look"]), ("", "Black.", [])]


def test_what_a_plugin_does_to_its_prompt_stays_there(face: Face, scripted: Any) -> None:
    history = [
        llm.user("Hi"),
        llm.assistant(ToolCallPart("look", {"at": ["x"]}, "c1")),
        llm.tool_message(ToolResultPart("look", "1", "c1")),
    ]
    face.text(scripted.prompt(messages=history))
    plugin.SENT[0].messages[1].parts[0].arguments["at"].append("y")
    assert history[1].parts[0] == ToolCallPart("look", {"at": ["x"]}, "c1")


def test_attachments_schema_and_hidden_reasoning_are_passed_on(face: Face, scripted: Any, tmp_path) -> None:
    path = tmp_path / "dot.png"
    path.write_bytes(PNG)
    plugin.SCRIPT[:] = ['{"name": "x"}']
    response = scripted.prompt(
        "What?", attachments=[llm.Attachment(path=str(path))], schema="name", hide_reasoning=True, fragments=["Before"]
    )
    face.text(response)
    assert response.parsed == {"name": "x"}
    (sent,) = plugin.SENT
    assert sent.schema["properties"].keys() == {"name"}
    assert sent.hide_reasoning is True
    assert sent.prompt == "Before\nWhat?"
    (attachment,) = sent.attachments
    assert (attachment.type, attachment.content_bytes()) == ("image/png", PNG)


def test_addresses_are_fetched_for_a_plugin_by_the_one_rule(face: Face, scripted: Any, file_server: FileServer) -> None:
    file_server.files["/dot.png"] = Served(PNG, headers={"content-type": "image/png"})
    picture = llm.Attachment(url=file_server.url("/dot.png"))
    plugin.SCRIPT[:] = ["A dot."]
    history = [
        llm.user("Look"),
        llm.assistant(ToolCallPart("shot", {}, "c1")),
        llm.tool_message(ToolResultPart("shot", "here", "c1", attachments=[picture])),
        llm.assistant("Hm."),
    ]
    face.text(scripted.prompt("And this?", messages=history, attachments=[picture]))
    (sent,) = plugin.SENT
    (by_user,) = sent.attachments
    assert (by_user.resolve_type(), by_user.url) == ("image/png", picture.url)
    assert by_user.base64_content() == base64.b64encode(PNG).decode()
    assert by_user.content_bytes() == PNG
    assert len(file_server.requests) == 1
    by_tool = [
        part.attachment for message in sent.messages[:-1] for part in message.parts if getattr(part, "attachment", None)
    ]
    assert by_tool
    for attachment in by_tool:
        with pytest.raises(llm.ModelError, match="is not a public address"):
            attachment.content_bytes()
    assert len(file_server.requests) == 1


def test_what_a_model_lacks_is_refused_before_it_is_asked(face: Face, scripted: Any) -> None:
    with pytest.raises(ValueError, match="does not read text/csv"):
        face.text(scripted.prompt("Hi", attachments=[llm.Attachment(type="text/csv", content=b"a,b")]))
    with pytest.raises(ValidationError):
        scripted.prompt("Hi", temperature=5)
    with pytest.raises(ValidationError):
        scripted.prompt("Hi", no_such_option=5)
    with pytest.raises(llm.ConversationNotSupported):
        llm.get_model("single-turn").prompt("And?", messages=[llm.user("Hi"), llm.assistant("Hello")])
    assert plugin.SENT == []


class _StatusError(Exception):
    status_code = 429


class APIConnectionError(Exception):
    """An error with the name that the SDKs of plugins use."""


@pytest.mark.parametrize(
    ("raised", "expected", "said"),
    [
        (their_llm.ModelError("Out of pelicans."), llm.ModelError, "Out of pelicans."),
        (their_llm.NeedsKeyException("No key found"), llm.NeedsKeyException, "No key found"),
        (_StatusError("slow\ndown"), llm.ProviderError, "scripted: slow down"),
        (APIConnectionError(), llm.TransportError, "scripted: APIConnectionError"),
        (SystemExit(1), llm.ModelError, "scripted gave up. What the plugin has printed says why."),
        (SystemExit("Error: set a key\n"), llm.ModelError, "scripted: Error: set a key"),
    ],
)
def test_failures_are_told_in_our_terms(face: Face, scripted: Any, raised, expected, said) -> None:
    plugin.SCRIPT[:] = ["par", raised]
    response = scripted.prompt("Hi")
    with pytest.raises(expected) as caught:
        face.text(response)
    assert str(caught.value) == said
    assert type(caught.value) is expected
    assert caught.value.__cause__ is raised
    assert response.partial == [llm.assistant("par")]


def test_a_mistake_in_a_plugin_stays_what_it_is(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = [LookupError("a mistake")]
    with pytest.raises(LookupError, match="a mistake"):
        face.text(scripted.prompt("Hi"))


@pytest.mark.parametrize(
    "raised",
    [their_llm.ModelError, _StatusError, APIConnectionError, LookupError, SystemExit],
    ids=lambda kind: kind.__name__,
)
def test_a_key_that_a_plugin_repeats_is_not_shown(face: Face, scripted: Any, raised: type[BaseException]) -> None:
    set_key("theirs", "sk-plugin-0123456789")
    plugin.SCRIPT[:] = [raised("wrong key sk-plugin-0123456789")]
    with pytest.raises(llm.ModelError, match="wrong key …") as caught:
        face.text(scripted.prompt("Hi"))
    told = "".join(traceback.format_exception(caught.value))
    assert "sk-plugin" not in told


def test_arguments_that_are_no_json_stay_with_the_call(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = [StreamEvent("tool_call_name", "look", tool_call_id="1"), StreamEvent("tool_call_args", '{"at')]
    [call] = face.do(scripted.prompt("Hi").tool_calls())
    assert call.arguments == {"_raw": '{"at'}


def test_an_interrupt_keeps_what_arrived(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = ["par", KeyboardInterrupt()]
    response = scripted.prompt("Hi")
    with pytest.raises(KeyboardInterrupt):
        face.text(response)
    assert response.interrupted
    assert response.partial == [llm.assistant("par")]


def test_closing_a_response_ends_the_plugins_generator(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = ["one", "two", "three"]
    response = scripted.prompt("Hi")
    assert next(face.chunks(response)) == "one"
    face.do(response.aclose() if face.is_async else response.close())
    gc.collect()
    assert plugin.ENDED == ["closed"]
    assert response.partial == [llm.assistant("one")]


def test_keys_are_found_as_for_our_own_models(face: Face, monkeypatch) -> None:
    model = face.get_model("echo-needs-key")
    with pytest.raises(llm.NeedsKeyException, match="%llm keys set echo-needs-key"):
        face.text(model.prompt("Hi"))
    assert '"key": "given"' in face.text(model.prompt("Hi", key="given"))
    monkeypatch.setenv("LLM_ECHO_NEEDS_KEY_KEY", "from-env")
    assert '"key": "from-env"' in face.text(model.prompt("Hi"))
    model.key = "mine"
    assert '"key": "mine"' in face.text(model.prompt("Hi", key="given"))
    model.key = None


def test_a_conversation_is_seen_by_plugins_that_read_it_turn_by_turn(face: Face) -> None:
    conversation = face.get_model("echo").conversation()
    face.text(conversation.prompt("one", system="Be brief."))
    said = face.text(conversation.prompt("two"))
    assert '"prompt": "two"' in said
    assert '"prompt": "one"' in said
    assert '"system": "Be brief."' in said


def test_real_plugins_reason_and_count(face: Face) -> None:
    response = face.get_model("echo").prompt("one two", thinking=True)
    (message,) = face.do(response.messages())
    assert [type(part) for part in message.parts] == [ReasoningPart, TextPart]
    assert face.do(response.usage()).input == 2


def test_a_real_local_model_streams_and_checks_its_options() -> None:
    markov = llm.get_model("markov")
    assert len(markov.prompt("the cat the dog", length=5, delay=0).text().split()) == 5
    with pytest.raises(ValidationError, match="length must be >= 2"):
        markov.prompt("the", length=1)


def test_our_own_model_wins_over_a_bridged_one_of_its_id() -> None:
    assert type(llm.get_model("gpt-4o")) is llm.OpenAIResponses
    (listed,) = [model for model in llm.get_models() if model.model_id == "gpt-4o"]
    assert type(listed) is llm.OpenAIResponses


def test_a_bridged_model_can_be_the_default_of_both(recwarn) -> None:
    llm.set_default_model("markov")
    assert their_llm.get_default_model() == "markov"
    assert llm.get_default_model() == "markov"
    assert not recwarn.list


def test_a_response_can_be_kept_and_continued(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = ["Hello"]
    response = scripted.prompt("Hi")
    face.text(response)
    kept = face.response_class.from_dict(response.to_dict() if face.is_async else face.do(response.to_dict()))
    face.text(face.do(kept.reply("And?")))
    assert [message.role for message in plugin.SENT[-1].messages] == ["user", "assistant", "user"]


def test_parts_in_our_classes_come_back_from_attachments(face: Face, scripted: Any) -> None:
    plugin.SCRIPT[:] = ["ok"]
    response = scripted.prompt(messages=[llm.user(AttachmentPart(llm.Attachment(type="image/png", content=PNG)))])
    face.text(response)
    assert plugin.SENT[0].prompt == ""
    assert len(plugin.SENT[0].attachments) == 1
