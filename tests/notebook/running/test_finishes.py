"""Why an answer stopped, as the cell says it: a cut at the token limit and a refusal, over every wire."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

import llm_notebook as llm
from llm_notebook.configuration.folders import user_dir
from tests.contract.replay import chat, gemini, messages, ollama, responses
from tests.fakes.openai_server import OpenAIServer, Reply

CASES = {
    "chat": chat.CASES,
    "responses": responses.CASES,
    "messages": messages.CASES,
    "gemini": gemini.CASES,
    "ollama": ollama.CASES,
}


@pytest.fixture
def wired(openai_server: OpenAIServer) -> OpenAIServer:
    """A server that the models named after the wires are on."""
    entries = [
        f"- {{model_id: {wire}, model_name: m, base_url: '{openai_server.base_url}', wire: {wire}}}\n" for wire in CASES
    ]
    (user_dir() / "extra-openai-models.yaml").write_text("".join(entries))
    return openai_server


def said(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], server: OpenAIServer, wire: str, name: str
) -> str:
    (case,) = [case for case in CASES[wire] if case.name == name]
    server.play(Reply([case.body], content_type=case.content_type))
    shell.run_cell(f"%llm --new {'' if case.stream else '-n'} -m {wire} hi")
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize("name", ["length", "length, whole"])
@pytest.mark.parametrize("wire", CASES)
def test_a_cut_at_the_token_limit(
    wired: OpenAIServer, terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], wire: str, name: str
) -> None:
    shown = said(terminal, capsys, wired, wire, name)
    assert "Half an" in shown
    assert "■ The answer stopped at the token limit." in shown


@pytest.mark.parametrize(
    ("wire", "name"),
    [("chat", "refusal"), ("chat", "refusal, whole"), ("responses", "refusal"), ("responses", "refusal, whole")],
)
def test_an_answer_that_declines(
    wired: OpenAIServer, terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], wire: str, name: str
) -> None:
    shown = said(terminal, capsys, wired, wire, name)
    assert "I cannot." in shown
    assert "■ The model declined to answer" in shown


@pytest.mark.parametrize(
    ("wire", "name"),
    [("chat", "content filter"), ("responses", "content filter"), ("messages", "refusal"), ("gemini", "safety")],
)
def test_an_answer_that_a_filter_stopped(
    wired: OpenAIServer, terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], wire: str, name: str
) -> None:
    shown = said(terminal, capsys, wired, wire, name)
    assert "Half" in shown
    assert llm.ProviderError.__name__ in shown


def test_a_whole_answer_says_nothing(
    wired: OpenAIServer, terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(terminal, capsys, wired, "chat", "openai") == "Hello\n"
