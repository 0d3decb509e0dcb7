"""Attachments that are addresses: they are fetched here where the provider takes only bytes, and once for a whole chain."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, call_reply, text_reply

PNG = b"\x89PNG\r\n\x1a\n"
PDF = b"%PDF-1.4"
ENCODED = {content: base64.b64encode(content).decode() for content in (PNG, PDF, b"ID3")}


def served(content: bytes, kind: str) -> Reply:
    return Reply([content], content_type=kind)


def address(server: OpenAIServer, name: str) -> str:
    return f"{server.base_url.removesuffix('/v1')}/{name}"


def ollama_reply() -> Reply:
    line = b'{"model": "m", "message": {"role": "assistant", "content": "a cat"}, "done": true}\n'
    return Reply([line], content_type="application/x-ndjson")


def ollama_call(name: str, arguments: dict[str, Any]) -> Reply:
    said = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": name, "arguments": arguments}}]}
    line = json.dumps({"model": "m", "message": said, "done": True}).encode()
    return Reply([line + b"\n"], content_type="application/x-ndjson")


def test_ollama_is_sent_the_picture(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(served(PNG, "image/png"), ollama_reply())
    picture = llm.Attachment(url=address(openai_server, "cat.png"))
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "m", vision=True)
    response = model.prompt("What is it?", attachments=[picture])
    assert face.text(response) == "a cat"
    fetched, asked = openai_server.requests
    assert fetched.path == "/cat.png"
    assert asked.json()["messages"][0]["images"] == [ENCODED[PNG]]
    # The history keeps the address.
    assert response.prompt.messages[0].parts[1] == llm.AttachmentPart(picture)


@pytest.mark.parametrize(
    ("dialect", "name", "content", "kind", "block"),
    [
        (None, "a.mp3", b"ID3", "audio/mpeg", {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}}),
        ("mistral", "a.mp3", b"ID3", "audio/mpeg", {"type": "input_audio", "input_audio": "SUQz"}),
    ],
)  # fmt: skip
def test_chat_completions_are_sent_the_sound(
    face: Face, openai_server: OpenAIServer, dialect: str | None, name: str, content: bytes, kind: str, block: Any
) -> None:
    openai_server.play(served(content, kind), text_reply("ok"))
    model = face.openai(openai_server.base_url, audio=True, dialect=dialect)
    face.text(model.prompt("Hear", attachments=[llm.Attachment(url=address(openai_server, name))]))
    assert openai_server.requests[-1].json()["messages"][0]["content"][1] == block


def test_a_document_is_fetched_once_for_a_chain(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(served(PDF, "application/pdf"), call_reply("now", "{}"), text_reply("ok"))
    model = face.openai(openai_server.base_url, vision=True)
    document = llm.Attachment(url=address(openai_server, "a.pdf"))

    def now() -> str:
        return "noon"

    assert face.text(model.chain("Read", attachments=[document], tools=[now])) == "ok"
    fetched, *asked = openai_server.requests
    assert fetched.path == "/a.pdf"
    for request in asked:
        file = request.json()["messages"][0]["content"][1]["file"]
        assert file["file_data"] == f"data:application/pdf;base64,{ENCODED[PDF]}"


@pytest.mark.parametrize("dialect", ["mistral", "openrouter"])
def test_a_provider_that_fetches_documents_is_sent_the_address(
    face: Face, openai_server: OpenAIServer, dialect: str
) -> None:
    openai_server.play(text_reply("ok"))
    model = face.openai(openai_server.base_url, vision=True, dialect=dialect)
    face.text(model.prompt("Read", attachments=[llm.Attachment(url="https://example.org/a.pdf")]))
    [request] = openai_server.requests
    block = request.json()["messages"][0]["content"][1]
    assert "https://example.org/a.pdf" in (block.get("document_url"), block.get("file", {}).get("file_data"))


def test_what_cannot_be_fetched_is_said_and_nothing_is_sent(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(served(b"No", "text/plain"))
    openai_server._replies[0].status = 404
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "m", vision=True)
    with pytest.raises(llm.ModelError, match="could not be fetched: its server answered with HTTP 404"):
        face.text(model.prompt("x", attachments=[llm.Attachment(url=address(openai_server, "cat.png"))]))
    assert len(openai_server.requests) == 1


SHOWN = llm.user("Look")
CALLED = llm.assistant(llm.ToolCallPart("shot", {}, "a"))


def tool_history(*attachments: llm.Attachment) -> list[llm.Message]:
    return [SHOWN, CALLED, llm.tool_message(llm.ToolResultPart("shot", "here", "a", attachments=list(attachments)))]


def test_an_address_that_a_tool_attached_must_be_public_and_does_not_end_the_conversation(
    face: Face, openai_server: OpenAIServer
) -> None:
    picture = llm.Attachment(url=address(openai_server, "cat.png"))
    openai_server.play(ollama_reply(), ollama_reply())
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "m", vision=True)
    response = model.prompt(messages=tool_history(picture))
    assert face.text(response) == "a cat"
    assert face.text(face.do(response.reply("And?"))) == "a cat"
    assert [request.path for request in openai_server.requests] == ["/api/chat"] * 2
    for request in openai_server.requests:
        told = request.json()["messages"][2]
        assert "images" not in told
        assert told["content"].startswith("here\n(An attachment of this result is missing: http://127.0.0.1:")
        assert "is not a public address" in told["content"]


def test_the_same_address_is_fetched_for_the_user(face: Face, openai_server: OpenAIServer) -> None:
    picture = llm.Attachment(url=address(openai_server, "cat.png"))
    openai_server.play(served(PNG, "image/png"), ollama_reply())
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "m", vision=True)
    face.text(model.prompt("And this?", messages=tool_history(picture), attachments=[picture]))
    fetched, asked = openai_server.requests
    assert fetched.path == "/cat.png"
    assert asked.json()["messages"][-1]["images"] == [ENCODED[PNG]]


WIRES = ["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "GeminiModel", "Ollama"]


@pytest.mark.parametrize("class_name", WIRES)
@pytest.mark.parametrize("kind", [None, "image/png"])
def test_nothing_is_asked_about_an_address_that_a_model_has_written(
    face: Face, openai_server: OpenAIServer, class_name: str, kind: str | None
) -> None:
    # These marks say that the picture came over the same wire, so that it is sent back.
    own = {"chat": {}, "gemini": {}}
    picture = llm.AttachmentPart(llm.Attachment(kind, url=address(openai_server, "latest")), provider_metadata=own)
    history = [llm.user("Draw"), llm.assistant(picture), llm.user("Once more")]
    openai_server.play(Reply([b"{}"], 400))
    model = face.of(class_name, openai_server.base_url, "m", vision=True, max_retries=0)
    with pytest.raises(llm.ProviderError, match="HTTP 400"):
        face.text(model.prompt(messages=history))
    [request] = openai_server.requests
    assert request.path.startswith("/v1/")


@llm.require_approval
def shot(url: str) -> llm.ToolOutput:
    return llm.ToolOutput("here", attachments=[llm.Attachment(url=url)])


def test_so_must_one_that_arrives_after_the_conversation_went_on(face: Face, openai_server: OpenAIServer) -> None:
    url = address(openai_server, "cat.png")
    answers = [ollama_call("shot", {"url": url}), ollama_reply()]
    openai_server.play(*answers, ollama_reply())
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "m", vision=True)
    talk = model.conversation(tools=[shot])
    pause = face.pause_of(talk.chain("Look"))
    face.text(talk.prompt("Meanwhile"))
    face.text(pause.approve())
    assert face.text(talk.prompt("And now?")) == "a cat"
    assert [request.path for request in openai_server.requests] == ["/api/chat"] * 3
    told = openai_server.requests[-1].json()["messages"][-1]
    assert "images" not in told
    assert "is not a public address" in told["content"]


@pytest.mark.usefixtures("own_transport")
@pytest.mark.parametrize("class_name", ["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "GeminiModel"])
def test_a_private_address_of_the_users_goes_as_bytes_to_a_provider_on_the_internet(
    face: Face, openai_server: OpenAIServer, class_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = openai_server.base_url.removesuffix("/v1")
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    openai_server.play(served(PNG, "image/png"), Reply([b"{}"], 400))
    model = face.of(class_name, "http://api.example.com/v1", "m", vision=True, max_retries=0)
    with pytest.raises(llm.ProviderError, match="HTTP 400"):
        face.text(model.prompt("See", attachments=[llm.Attachment(url=address(openai_server, "cat.png"))]))
    fetched, asked = openai_server.requests
    assert fetched.path == "/cat.png"
    assert asked.path.startswith("http://api.example.com/v1/")
    assert ENCODED[PNG] in asked.body.decode()
    assert "127.0.0.1" not in asked.body.decode()


@pytest.mark.parametrize("class_name", WIRES)
def test_a_private_address_of_a_tool_is_not_passed_on_to_any_server(
    face: Face, openai_server: OpenAIServer, class_name: str
) -> None:
    picture = llm.Attachment("image/png", url=address(openai_server, "latest"))
    openai_server.play(Reply([b"{}"], 400))
    model = face.of(class_name, openai_server.base_url, "m", vision=True, max_retries=0)
    with pytest.raises(llm.ProviderError, match="HTTP 400"):
        face.text(model.prompt(messages=tool_history(picture)))
    [request] = openai_server.requests
    assert "An attachment of this result is missing" in request.body.decode()
