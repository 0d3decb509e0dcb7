"""Pictures that models make are attachments of the message, on every wire, and go back as the wire needs it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import llm_notebook as llm
from tests.fakes.faces import Face
from tests.fakes.openai_server import OpenAIServer, Reply, delta_chunk, sse

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x02\x00\x00\x00\x03"
DATA = base64.b64encode(PNG).decode()
ADDRESS = f"data:image/png;base64,{DATA}"
pytestmark = pytest.mark.usefixtures("own_transport")


def events(*events: dict[str, Any]) -> Reply:
    """Return a reply of server-sent events with names."""
    return Reply([f"event: {event.get('type', '')}\ndata: {json.dumps(event)}\n\n".encode() for event in events])


def gemini(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, "finishReason": "STOP", **more}]}


GENERATED = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": DATA}
RESPONSE = {"id": "r", "status": "completed", "model": "m", "output": [GENERATED]}
INLINE = {"inlineData": {"mimeType": "image/png", "data": DATA}, "thoughtSignature": "c2ln"}
IMAGES = [{"type": "image_url", "image_url": {"url": ADDRESS}}]
ANSWERS = {
    "GeminiModel": (Reply([sse(gemini(INLINE), done=False)]), Reply.of_json(gemini(INLINE))),
    "OpenAIResponses": (events({"type": "response.completed", "response": RESPONSE}), Reply.of_json(RESPONSE)),
    "OpenAIChat": (
        Reply([sse(delta_chunk({"images": IMAGES}), delta_chunk({}, "stop"))]),
        Reply.of_json({"choices": [{"message": {"content": "", "images": IMAGES}, "finish_reason": "stop"}]}),
    ),
}


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("wire", ANSWERS)
def test_a_picture_is_an_attachment_and_goes_back(
    face: Face, openai_server: OpenAIServer, wire: str, stream: bool
) -> None:
    openai_server.play(*[ANSWERS[wire][not stream]] * 2)
    model = face.of(wire, openai_server.base_url, key="0123456789")
    response = model.prompt("Draw", stream=stream)
    assert face.text(response) == ""
    [message] = face.do(response.messages())
    [picture] = [part for part in message.parts if isinstance(part, llm.AttachmentPart)]
    assert picture.attachment is not None
    assert (picture.attachment.resolve_type(), picture.attachment.content) == ("image/png", PNG)
    assert "attachment" in [event.type for event in face.events(response)]
    # What was said survives being stored, and the picture is there once.
    assert llm.Message.from_dict(json.loads(json.dumps(message.to_dict()))) == message
    assert json.dumps(message.to_dict()).count(DATA) == 1
    # The model need not be one that reads pictures.
    face.text(face.do(response.reply("Again", stream=stream)))
    sent = openai_server.requests[1].json()
    assert json.dumps(sent).count(DATA) == 1
    if wire == "GeminiModel":
        assert sent["contents"][1] == {"role": "model", "parts": [INLINE]}
    elif wire == "OpenAIResponses":
        assert GENERATED in sent["input"]
    else:
        assert [item["role"] for item in sent["messages"]] == ["user", "assistant", "user", "user"]


@pytest.mark.parametrize("wire", ["OpenAIChat", "OpenAIResponses", "AnthropicMessages", "Ollama"])
def test_a_picture_of_another_model_spoils_no_request(face: Face, openai_server: OpenAIServer, wire: str) -> None:
    made = llm.assistant("Here.", llm.AttachmentPart(llm.Attachment("image/png", content=PNG), {"gemini": {}}))
    openai_server.play(Reply.of_json({"error": "enough"}, 400))
    with pytest.raises(llm.ProviderError):
        face.text(
            face.of(wire, openai_server.base_url, key="0123456789").prompt("And?", messages=[llm.user("Draw"), made])
        )
    assert DATA not in openai_server.requests[0].body.decode()
    assert "Here." in openai_server.requests[0].body.decode()


@pytest.mark.parametrize("data", ["no base64!", "", None, 5, DATA + "*"])
def test_what_is_no_picture_is_none(face: Face, openai_server: OpenAIServer, data: Any) -> None:
    odd = {"inlineData": {"mimeType": 7, "data": data}}
    openai_server.play(Reply.of_json(gemini(odd, {"text": "ok"})))
    response = face.of("GeminiModel", openai_server.base_url, key="0123456789").prompt("x", stream=False)
    assert face.text(response) == "ok"
    assert face.do(response.messages()) == [llm.assistant("ok")]


def test_a_picture_that_was_only_thought_of_is_no_answer(face: Face, openai_server: OpenAIServer) -> None:
    openai_server.play(Reply.of_json(gemini({**INLINE, "thought": True}, INLINE)))
    response = face.of("GeminiModel", openai_server.base_url, key="0123456789").prompt("x", stream=False)
    face.text(response)
    assert len(face.do(response.messages())[0].parts) == 1


def test_a_picture_among_the_blocks_of_a_chat_completion_is_one(face: Face, openai_server: OpenAIServer) -> None:
    content = [{"type": "text", "text": "Here:"}, {"type": "image_url", "image_url": {"url": ADDRESS}}]
    openai_server.play(Reply.of_json({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}))
    response = face.openai(openai_server.base_url).prompt("x", stream=False)
    assert face.text(response) == "Here:"
    [_, picture] = face.do(response.messages())[0].parts
    assert picture.attachment.content == PNG


def test_a_picture_elsewhere_stays_an_address(face: Face, openai_server: OpenAIServer) -> None:
    images = [{"image_url": {"url": "https://example.com/cat.png"}}, {"image_url": {"url": "file:///etc/passwd"}}, {}]
    openai_server.play(Reply([sse(delta_chunk({"images": images}), delta_chunk({}, "stop"))]))
    response = face.openai(openai_server.base_url).prompt("x")
    face.text(response)
    assert face.do(response.messages())[0].parts == [
        llm.AttachmentPart(llm.Attachment(url="https://example.com/cat.png"), {"chat": {}})
    ]
