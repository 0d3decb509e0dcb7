"""Pictures and sources of an answer in the notebook: in the record, in a terminal, in `--out`, and again from the journal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import llm_notebook as llm
from llm_notebook.journal.current import history
from llm_notebook.transcript.reloading import view_of_turns
from llm_notebook.transcript.rendering import markdown_of
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.providers.test_made_pictures import DATA, PNG, gemini

URL = "https://example.com/page"


@pytest.fixture
def asks(terminal: InteractiveShell, openai_server: OpenAIServer, isolated: Path) -> Any:
    """Return a function that has a cell answered by Gemini with these parts, and returns what the terminal shows."""
    path = Path(llm.user_dir()) / "extra-openai-models.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"- {{model_id: painter, wire: gemini, base_url: '{openai_server.base_url}', supports_tools: true}}\n",
        encoding="utf-8",
    )

    def ask(cell: str, *parts: dict[str, Any], **more: Any) -> None:
        openai_server.play(Reply.of_json(gemini(*parts, **more)))
        assert terminal.run_cell(cell).success

    return ask


INLINE = {"inlineData": {"mimeType": "image/png", "data": DATA}}
GROUNDING = {
    "groundingMetadata": {
        "groundingChunks": [{"web": {"uri": URL, "title": "Page"}}],
        "groundingSupports": [{"segment": {"endIndex": 9}, "groundingChunkIndices": [0]}],
    }
}


def test_out_is_the_picture_itself(asks: Any, terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    asks("%llm -m painter --no-stream --out made Draw", INLINE)
    made = terminal.user_ns["made"]
    assert isinstance(made, llm.Attachment)
    assert made.content == PNG
    assert made._repr_mimebundle_()["image/png"] == DATA
    told = capsys.readouterr().out
    assert "[picture] Made by painter; 2 \u00d7 3, PNG, 24 bytes." in told
    assert "`made` is the picture at full size." in told
    asks("%llm -m painter --no-stream --out made Draw", {"text": "Two:"}, INLINE, INLINE)
    assert [attachment.content for attachment in terminal.user_ns["made"]] == [PNG, PNG]
    assert "`made` holds the 2 pictures at full size." in capsys.readouterr().out
    asks("%llm -m painter --no-stream --out made Say", {"text": "Hi"})
    assert terminal.user_ns["made"] == "Hi"


def test_one_remark_says_what_out_holds(
    asks: Any,
    terminal: InteractiveShell,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    openai_server: OpenAIServer,
) -> None:
    terminal.run_cell("def look() -> str:\n    'Look.'\n    return 'seen'")
    monkeypatch.setattr("builtins.input", lambda _question: "y")
    openai_server.play(Reply.of_json(gemini(INLINE, {"functionCall": {"name": "look", "args": {}}})))
    asks("%llm -m painter --ta -T look --no-stream --out made Draw twice", INLINE)
    shown = capsys.readouterr().out
    assert len(terminal.user_ns["made"]) == 2
    assert shown[shown.rindex("[picture]") :].count("at full size") == 1


def test_sources_are_listed_under_the_answer(
    asks: Any, terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    asks("%llm -m painter --no-stream --out said When?", {"text": "It was so."}, **GROUNDING)
    assert f"Sources:\n  1. Page  {URL}" in capsys.readouterr().out
    assert terminal.user_ns["said"] == "It was so."


def test_the_journal_gives_the_same_record(asks: Any) -> None:
    asks("%llm -m painter --no-stream Draw", {"text": "It was so."}, INLINE, **GROUNDING)
    [turn] = history(limit=1)
    view = view_of_turns([turn])
    shown = markdown_of(view)
    assert f"![picture](data:image/png;base64,{DATA})" in shown
    assert f"1. Page <{URL}>" in shown
    assert view.answer == "It was so."
