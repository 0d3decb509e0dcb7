"""Attachments in conversations, sync and async: what was said is a value, and what tools attach never ends a chain."""

from __future__ import annotations

import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import llm_notebook as llm
from llm_notebook.parts import attachments
from tests.fakes.faces import Face, asks

PNG = b"\x89PNG\r\n\x1a\n"
READS_PNG = {"attachment_types": {"image/png"}}


def _pictures(prompt: llm.Prompt) -> list[bytes]:
    parts = [part for message in prompt.messages for part in message.parts]
    return [
        part.attachment.content_bytes() for part in parts if isinstance(part, llm.AttachmentPart) and part.attachment
    ]


def test_a_file_is_read_once_when_the_prompt_is_made(face: Face, tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    path.write_bytes(PNG + b"first")
    model = face.model("Yo", **READS_PNG)
    conversation = model.conversation()
    response = conversation.prompt("What is this?", attachments=[llm.Attachment(path=path)])
    path.write_bytes(PNG + b"second")
    face.text(response)
    face.text(conversation.prompt("And this?", attachments=[path]))
    path.unlink()
    face.text(conversation.prompt("Which was better?"))
    assert [_pictures(prompt) for prompt in model.requests] == [
        [PNG + b"first"],
        [PNG + b"first", PNG + b"second"],
        [PNG + b"first", PNG + b"second"],
    ]


def test_the_journal_keeps_the_content_once(face: Face, tmp_path: Path) -> None:
    path = tmp_path / "plot.png"
    path.write_bytes(PNG)
    llm.open_journal(tmp_path / "journal.db")
    conversation = face.model("Yo", **READS_PNG).conversation()
    for _ in range(2):
        face.text(conversation.prompt("What is this?", attachments=[path]))
    path.unlink()
    [later, _] = llm.history()
    assert later.begun.messages[0].parts[1] == llm.AttachmentPart(llm.Attachment(path=str(path), content=PNG))
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        assert connection.execute("SELECT count(*) FROM attachments").fetchone() == (1,)


def test_a_large_file_is_sent_as_it_was_or_not_at_all(
    face: Face, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments, "MOST_KEPT_BYTES", 100)
    path = tmp_path / "film.png"
    path.write_bytes(PNG + bytes(200))
    model = face.openai("http://127.0.0.1:9/v1", vision=True, max_retries=0)
    monkeypatch.chdir(tmp_path)
    response = model.prompt("Hi", attachments=["film.png"])
    data = json.loads(json.dumps(response.prompt.messages[0].to_dict()))
    assert "content" not in data["parts"][1]["attachment"]
    monkeypatch.chdir("/")
    path.write_bytes(PNG + bytes(201))
    with pytest.raises(ValueError, match="has changed since it was attached, so nothing was sent"):
        face.text(response)


@pytest.mark.parametrize("given", [PNG, "data:image/png;base64," + base64.b64encode(PNG).decode()])
def test_bytes_and_data_urls_stand_for_attachments(given: Any, face: Face) -> None:
    model = face.model("Yo", **READS_PNG)
    face.text(model.prompt("Hi", attachments=[given]))
    assert _pictures(model.requests[0]) == [PNG]
    assert model.requests[0].attachments[0].resolve_type() == "image/png"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["missing.png"], "missing.png cannot be attached: there is no such file"),
        ([3], "attachments= takes Attachments, figures, images, paths, addresses or bytes, not int"),
        (3, "attachments= takes Attachments, figures"),
        (["data:image/png;base64"], "is not a data: URL"),
    ],
)
def test_what_is_no_attachment_is_said_in_a_sentence(given: Any, sentence: str, face: Face) -> None:
    with pytest.raises((OSError, TypeError, ValueError), match=sentence) as caught:
        face.model("Yo", **READS_PNG).prompt("Hi", attachments=given)
    assert "\n" not in str(caught.value)


def test_messages_may_be_dicts(face: Face) -> None:
    model = face.model("Yo", **READS_PNG)
    data = "data:image/png;base64," + base64.b64encode(PNG).decode()
    history: list[Any] = [
        {"role": "developer", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": data}}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"x": 1}'}}],
        },
        {"role": "tool", "tool_call_id": "1", "content": "two"},
        llm.assistant("Well?").to_dict(),
    ]
    face.text(model.prompt("Go on", messages=history))
    assert model.requests[0].messages == [
        llm.system("Be brief."),
        llm.user("Hi", llm.Attachment("image/png", content=PNG)),
        llm.assistant(llm.ToolCallPart("f", {"x": 1}, "1")),
        llm.tool_message(llm.ToolResultPart("f", "two", "1")),
        llm.assistant("Well?"),
        llm.user("Go on"),
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("Hi", "messages= takes a list"),
        ({"role": "user", "content": "Hi"}, "messages= takes a list"),
        (["Hi"], "not str"),
        ([{"content": "Hi"}], "has the role None"),
        ([{"role": "user", "content": [{"type": "input_audio"}]}], "content of the type 'input_audio'"),
        ([{"role": "user", "content": 3}], "is text or a list, not int"),
        ([{"role": "assistant", "tool_calls": [{}]}], "no function with a name"),
    ],
)
def test_what_is_no_message_is_said_in_a_sentence(given: Any, sentence: str, face: Face) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        face.model("Yo").prompt(messages=given)


@pytest.mark.parametrize(
    ("attached", "told"),
    [
        (llm.Attachment("image/png", content=PNG), "The tool also returned image/png, 8 bytes"),
        (llm.Attachment(content=b"\0\1"), "The tool also returned data of an unknown type, 2 bytes"),
        (llm.Attachment(path="missing.png"), "missing.png cannot be attached: there is no such file"),
        (llm.Attachment(url="https://example.org/chart"), "data of an unknown type"),
    ],
)
def test_what_a_tool_attaches_is_told_to_a_model_that_does_not_read_it(
    attached: llm.Attachment, told: str, face: Face
) -> None:
    def plot() -> llm.ToolOutput:
        return llm.ToolOutput("saved", [attached])

    model = face.rounds(asks(llm.ToolCall("plot", {}, "1")), "done")
    conversation = model.conversation(tools=[face.tool(plot)])
    assert face.text(conversation.chain("Draw")).endswith("done")
    assert face.text(conversation.prompt("Thanks")) == "done"
    for prompt in model.requests[1:]:
        [result] = [
            part for message in prompt.messages for part in message.parts if isinstance(part, llm.ToolResultPart)
        ]
        assert result.output.startswith("saved\n(")
        assert told in result.output
        assert result.attachments == []


def test_a_model_that_reads_pictures_gets_what_an_earlier_one_was_told_of(face: Face) -> None:
    def plot() -> Any:
        return PNG

    blind = face.rounds(asks(llm.ToolCall("plot", {}, "1")), "done")
    conversation = blind.conversation(tools=[face.tool(plot)])
    face.text(conversation.chain("Draw"))
    seeing = face.model("I see", **READS_PNG)
    face.text(seeing.prompt("What is it?", messages=conversation.history()))
    [result] = [
        part
        for message in seeing.requests[0].messages
        for part in message.parts
        if isinstance(part, llm.ToolResultPart)
    ]
    assert [attachment.content for attachment in result.attachments] == [PNG]


def test_a_picture_from_a_tool_is_sent_as_what_it_is(face: Face) -> None:
    def look() -> llm.ToolOutput:
        return llm.ToolOutput(
            "seen", [llm.Attachment("image/jpeg", content=PNG), llm.Attachment("image/png", content=PNG)]
        )

    model = face.rounds(asks(llm.ToolCall("look", {}, "1")), "done", **READS_PNG)
    assert face.text(model.chain("Look", tools=[face.tool(look)])) == "done"
    [result] = [
        part for message in model.requests[1].messages for part in message.parts if isinstance(part, llm.ToolResultPart)
    ]
    assert [attachment.type for attachment in result.attachments] == ["image/png", "image/png"]
    assert result.output == "seen"


def test_an_attachment_that_a_tool_wrote_over_stays_in_the_history(face: Face, tmp_path: Path) -> None:
    path = tmp_path / "plot.png"

    def plot(title: str) -> llm.ToolOutput:
        path.write_bytes(PNG + title.encode())
        return llm.ToolOutput("saved", [llm.Attachment(path=str(path))])

    model = face.rounds(
        asks(llm.ToolCall("plot", {"title": "a"}, "1")),
        asks(llm.ToolCall("plot", {"title": "b"}, "2")),
        "done",
        **READS_PNG,
    )
    face.text(model.chain("Draw", tools=[face.tool(plot)]))
    results = [
        part
        for message in model.requests[-1].messages
        for part in message.parts
        if isinstance(part, llm.ToolResultPart)
    ]
    assert [result.attachments[0].content_bytes() for result in results] == [PNG + b"a", PNG + b"b"]


def test_a_frame_that_a_tool_returns_is_a_table(face: Face) -> None:
    pandas = pytest.importorskip("pandas")

    def rows() -> Any:
        return pandas.DataFrame({"n": range(60)})

    model = face.rounds(asks(llm.ToolCall("rows", {}, "1")), "done")
    chain = model.chain("Read", tools=[face.tool(rows)])
    face.text(chain)
    [result] = [
        part for message in model.requests[1].messages for part in message.parts if isinstance(part, llm.ToolResultPart)
    ]
    assert result.output.startswith(
        "pandas DataFrame, 60 rows \u00d7 1 column\n\n- n: int64, 0 missing, 0 to 59\n\n| n |\n| --- |\n| 0 |"
    )
    assert result.output.endswith("(10 of 60 rows left out)")
