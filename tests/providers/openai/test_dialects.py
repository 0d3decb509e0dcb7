"""Dialects of Chat Completions: what each provider is sent and what its answers mean, with one model class for all."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.providers.openai.chat_answers import ChatDecoder
from llm_notebook.providers.table import PROVIDERS
from tests.contract.openai_types import assert_chat_request
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, delta_chunk, sse, text_chunk, text_reply
from tests.providers.outcomes import outcome, parts_of

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
COMPATIBLE = ["mistral", "groq", "deepseek", "openrouter", "xai", "together"]


def population(city: str) -> int:
    """How many people live in a city."""
    return 717605


def sent(dialect: str | None, *args: Any, **arguments: Any) -> Any:
    """Return the body that would be sent to a server that speaks this dialect."""
    model = llm.OpenAIChat("m", base_url="https://example.com/v1", dialect=dialect, reasoning=True, vision=True)
    response = model.prompt(*args, **arguments)
    response.prompt.freeze()
    request, _, _ = model._exchange(response.prompt, response.stream, None)
    return json.loads(request.body)


@pytest.mark.parametrize("dialect", [None, "openai", "groq", "xai", "together"])
def test_what_is_sent_is_what_the_official_sdk_would_send(dialect: str | None) -> None:
    history = [
        llm.system("Be brief."),
        llm.user("Hi", llm.Attachment(content=b"\x89PNG\r\n\x1a\n", type="image/png")),
        llm.assistant(
            llm.ReasoningPart("Hm"), llm.TextPart("Look."), llm.ToolCallPart("population", {"city": "Oslo"}, "call_a")
        ),
        llm.tool_message(llm.ToolResultPart("population", "717605", "call_a")),
    ]
    for stream in (True, False):
        body = sent(
            dialect,
            messages=history,
            tools=[population],
            schema=SCHEMA,
            stream=stream,
            temperature=0.5,
            max_tokens=9,
            seed=1,
            stop=["x"],
            tool_choice="required",
            parallel_tool_calls=False,
            reasoning_effort="low",
            verbosity="low",
            timeout=9,
            max_retries=0,
        )
        assert_chat_request(body)
        assert body["max_completion_tokens" if dialect in ("openai", "groq", "xai") else "max_tokens"] == 9
        assert ("stream_options" in body) is stream


def test_mistral_is_sent_its_own_names() -> None:
    body = sent("mistral", "Hi", seed=1, tool_choice="required", tools=[population], max_tokens=5)
    assert (body["random_seed"], body["tool_choice"], body["max_tokens"]) == (1, "any", 5)
    assert not {"seed", "stream_options"} & body.keys()


def test_mistral_is_sent_ids_it_accepts_and_its_own_thoughts() -> None:
    history = [
        llm.user("Hi"),
        llm.assistant(
            llm.ReasoningPart("Hm", provider_metadata={"mistral": {"signature": "sig"}}),
            llm.ToolCallPart("population", {"city": "Oslo"}, "call_from_elsewhere"),
            llm.ToolCallPart("population", {"city": "Rome"}, "D681PevKs"),
        ),
        llm.tool_message(
            llm.ToolResultPart("population", "1", "call_from_elsewhere"),
            llm.ToolResultPart("population", "2", "D681PevKs"),
        ),
    ]
    _, asked, first, second = sent("mistral", messages=history)["messages"]
    ids = [call["id"] for call in asked["tool_calls"]]
    assert [len(call_id) for call_id in ids] == [9, 9]
    assert ids[1] == "D681PevKs"
    assert [first["tool_call_id"], second["tool_call_id"]] == ids
    assert asked["content"] == [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}], "signature": "sig"}]


def test_deepseek_is_told_the_schema_in_words_and_given_back_what_it_thought_before_a_call() -> None:
    history = [
        llm.user("Hi"),
        llm.assistant(llm.ReasoningPart("Hm"), llm.ToolCallPart("population", {}, "call_a")),
        llm.tool_message(llm.ToolResultPart("population", "1", "call_a")),
        llm.assistant(llm.ToolCallPart("population", {}, "call_b")),
        llm.tool_message(llm.ToolResultPart("population", "1", "call_b")),
        llm.assistant(llm.ReasoningPart("Done"), llm.TextPart("Yes.")),
        llm.user("Again"),
    ]
    body = sent("deepseek", messages=history, schema=SCHEMA, reasoning_effort="medium")
    told, _, first, _, second, _, answer, _ = body["messages"]
    assert body["response_format"] == {"type": "json_object"}
    assert told["role"] == "system"
    assert json.dumps(SCHEMA, separators=(",", ":")) in told["content"]
    assert body["reasoning_effort"] == "high"
    assert (first["reasoning_content"], second["reasoning_content"]) == ("Hm", "")
    assert "reasoning_content" not in answer


def test_openrouter_is_given_back_its_reasoning_in_one_piece_for_each_block() -> None:
    chunks = [
        delta_chunk({"reasoning": "Let ", "reasoning_details": [detail(0, text="Let ")]}),
        delta_chunk({"reasoning": "me", "reasoning_details": [detail(0, text="me")]}),
        delta_chunk({"reasoning_details": [detail(0, signature="sig")]}),
        delta_chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "gAAA", "index": 1, "id": "rs_1"}]}),
        text_chunk("4"),
    ]
    parts = parts_of(ChatDecoder("m"), sse(*chunks, delta_chunk({}, "stop")))
    assert parts[0]["text"] == "Let me"
    assistant = llm.Message.from_dict({"role": "assistant", "parts": parts})
    body = sent("openrouter", messages=[llm.user("2+2"), assistant, llm.user("And?")], reasoning_effort="low")
    assert body["reasoning"] == {"effort": "low"}
    assert body["messages"][1]["reasoning_details"] == [
        {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "Let me", "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "gAAA", "index": 1, "id": "rs_1"},
    ]


def detail(index: int, **more: str) -> dict[str, Any]:
    return {"type": "reasoning.text", "index": index, "format": "anthropic-claude-v1", **more}


def test_groq_tells_usage_in_a_place_of_its_own() -> None:
    counted = delta_chunk({}, "stop") | {"x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}}
    assert outcome(ChatDecoder("m"), sse(text_chunk("a"), counted))["usage"] == llm.Usage(3, 1)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"object": "error", "message": "Invalid model", "type": "invalid_model", "code": 1500}, 400, "Invalid model"),
        ({"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted"}]}, 422, "Extra inputs"),
        ({"code": "Client specified an invalid argument", "error": "Incorrect API key"}, 400, "Incorrect API key"),
        ({"error": {"message": "No endpoints found", "code": 404}, "user_id": "u"}, 404, "No endpoints found"),
    ],
    ids=["mistral", "mistral validation", "xai", "openrouter"],
)
def test_what_went_wrong_is_told_in_the_servers_words(
    face: Face, openai_server: OpenAIServer, body: Any, status: int, said: str
) -> None:
    openai_server.play(Reply.of_json(body, status))
    assert said in str(face.error_of(face.openai(openai_server.base_url)))


@pytest.mark.parametrize("name", COMPATIBLE)
def test_each_provider_is_asked_at_its_own_address_with_its_own_key(
    name: str, face: Face, monkeypatch: pytest.MonkeyPatch, openai_server: OpenAIServer
) -> None:
    model = face.get_model(f"{name}/some-new/model")
    with pytest.raises(llm.NeedsKeyException, match=f"keys set {name}`, set {name.upper()}_API_KEY"):
        face.text(model.prompt("Hi"))
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "key-of-mine")
    assert model.base_url == PROVIDERS[name].base_url
    model.base_url = openai_server.base_url
    openai_server.play(text_reply("ok"))
    assert face.text(model.prompt("Hi")) == "ok"
    [request] = openai_server.requests
    assert request.headers["authorization"] == "Bearer key-of-mine"
    assert request.json()["model"] == "some-new/model"


def test_a_dialect_that_nobody_speaks_is_refused() -> None:
    with pytest.raises(ValueError, match="No dialect is called 'mistrall'; known are openai, mistral"):
        llm.OpenAIChat("m", dialect="mistrall")


def test_mistral_gets_an_answer_between_a_tools_result_and_the_user() -> None:
    picture = llm.Attachment(content=b"\x89PNG\r\n\x1a\n", type="image/png")
    history = [
        llm.user("Hi"),
        llm.assistant(llm.ToolCallPart("population", {"city": "Oslo"}, "a")),
        llm.tool_message(llm.ToolResultPart("population", "1", "a", attachments=[picture])),
        llm.user("Go on"),
    ]
    roles = [message["role"] for message in sent("mistral", messages=history)["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant", "user"][: len(roles)]
    assert ("tool", "user") not in itertools.pairwise(roles)
    assert [message["role"] for message in sent(None, messages=history)["messages"]] == [
        "user",
        "assistant",
        "tool",
        "user",
        "user",
    ]


PDF = llm.Attachment(content=b"%PDF-1.4", type="application/pdf")


@pytest.mark.parametrize(("dialect", "kind"), [("mistral", "document_url"), ("openai", "file"), ("openrouter", "file")])
def test_a_pdf_goes_in_the_block_that_the_provider_knows(dialect: str, kind: str) -> None:
    block = sent(dialect, "Read", attachments=[PDF])["messages"][0]["content"][1]
    assert block["type"] == kind
    data = block[kind] if kind == "document_url" else block[kind]["file_data"]
    assert data == "data:application/pdf;base64,JVBERi0xLjQ="


@pytest.mark.parametrize("dialect", ["groq", "deepseek", "xai", "together"])
def test_a_pdf_is_refused_where_the_provider_takes_none(dialect: str) -> None:
    with pytest.raises(ValueError, match="does not read application/pdf"):
        sent(dialect, "Read", attachments=[PDF])


@pytest.mark.parametrize(
    ("model", "given", "effort"),
    [
        ("openai/gpt-oss-20b", "minimal", "low"),
        ("openai/gpt-oss-20b", "medium", "medium"),
        ("openai/gpt-oss-20b", "xhigh", "high"),
        ("qwen/qwen3-32b", "none", "none"),
        ("qwen/qwen3-32b", "high", "default"),
    ],
)
def test_groq_is_told_how_much_to_reason_in_its_own_words(model: str, given: str, effort: str) -> None:
    asked = llm.OpenAIChat(model, base_url="https://example.com/v1", dialect="groq", reasoning=True)
    response = asked.prompt("Hi", reasoning_effort=given)
    response.prompt.freeze()
    assert json.loads(asked._exchange(response.prompt, True, None)[0].body)["reasoning_effort"] == effort


THOUGHTS = {
    "reasoning_content": sse(delta_chunk({"reasoning_content": "Hm"}), text_chunk("4"), delta_chunk({}, "stop")),
    "thinking": sse(
        delta_chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]}),
        text_chunk("4"),
        delta_chunk({}, "stop"),
    ),
    "reasoning_details": sse(
        delta_chunk({"reasoning": "Hm", "reasoning_details": [detail(0, text="Hm")]}),
        text_chunk("4"),
        delta_chunk({}, "stop"),
    ),
}


@pytest.mark.parametrize("kind", THOUGHTS)
@pytest.mark.parametrize("dialect", [None, *COMPATIBLE])
def test_reasoning_goes_back_only_to_the_model_that_it_came_from(
    face: Face, openai_server: OpenAIServer, dialect: str | None, kind: str
) -> None:
    openai_server.play(Reply([THOUGHTS[kind]]), text_reply("ok"), text_reply("ok"))
    model = face.openai(openai_server.base_url, dialect=dialect, reasoning=True)
    other = face.openai(openai_server.base_url, "another", dialect=dialect, reasoning=True)
    history = [llm.user("2+2"), *face.do(model.prompt("2+2").messages()), llm.user("Sure?")]
    for asked in (model, other):
        face.text(asked.prompt(messages=history))
    back, elsewhere = (request.json()["messages"][1] for request in openai_server.requests[1:])
    assert elsewhere == {"role": "assistant", "content": "4"}
    assert ("reasoning_details" in back) is (kind == "reasoning_details")
    assert isinstance(back["content"], list) is (dialect == "mistral")
