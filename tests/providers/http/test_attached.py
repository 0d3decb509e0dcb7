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


def test_an_address_that_a_tool_attached_must_be_public(face: Face, openai_server: OpenAIServer) -> None:
    picture = llm.Attachment(url=address(openai_server, "cat.png"))
    history = [
        llm.user("Look"),
        llm.assistant(llm.ToolCallPart("shot", {}, "a")),
        llm.tool_message(llm.ToolResultPart("shot", "here", "a", attachments=[picture])),
    ]
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "m", vision=True)
    with pytest.raises(llm.ModelError, match="is not a public address"):
        face.text(model.prompt(messages=history))
    assert openai_server.requests == []


@llm.require_approval
def shot(url: str) -> llm.ToolOutput:
    return llm.ToolOutput("here", attachments=[llm.Attachment(url=url)])


def test_so_must_one_that_arrives_after_the_conversation_went_on(face: Face, openai_server: OpenAIServer) -> None:
    url = address(openai_server, "cat.png")
    answers = [ollama_call("shot", {"url": url}), ollama_reply()]
    openai_server.play(*answers, served(PNG, "image/png"), ollama_reply())
    model = face.of("Ollama", openai_server.base_url.removesuffix("/v1"), "m", vision=True)
    talk = model.conversation(tools=[shot])
    pause = face.pause_of(talk.chain("Look"))
    face.text(talk.prompt("Meanwhile"))
    face.text(pause.approve())
    with pytest.raises(llm.ModelError, match="is not a public address"):
        face.text(talk.prompt("And now?"))
    assert [request.path for request in openai_server.requests] == ["/api/chat", "/api/chat"]
