"""`--dry-run`: what it shows is what is sent, byte for byte, and it sends nothing."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.folders import user_dir
from llm_notebook.templates import Template, save_template
from tests.contract.replay import chat, gemini, messages, ollama, responses
from tests.fakes.openai_server import OpenAIServer, Reply
from tests.notebook.kernels import Kernel
from tests.notebook.scripted import sent
from tests.notebook.versions import MIME_TYPE

CASES = {
    "chat": chat.CASES,
    "responses": responses.CASES,
    "messages": messages.CASES,
    "gemini": gemini.CASES,
    "ollama": ollama.CASES,
}
SETUP = '''
def fetch_rates(month: str, base: str = "EUR") -> dict:
    """Fetch exchange rates."""

import base64, pandas
chart = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=")
df = pandas.DataFrame({"month": ["2025-07"], "api_key": ["sk-proj-abcdefghijklmnop"]})
'''
OPTIONS = [
    "-s 'Short.' -T fetch_rates -f df -o temperature 0.2",
    "--no-stream -s Ünicode --context above",
    "--schema 'name, age int'",
    "-a chart -f df.month",
    "-t brief -p mood calm",
    "-c",
]


@pytest.fixture
def wired(openai_server: OpenAIServer) -> OpenAIServer:
    """A server that the models named after the wires are on."""
    common = "supports_tools: true, supports_schema: true, vision: true"
    entries = [
        f"- {{model_id: {wire}, model_name: m, base_url: '{openai_server.base_url}', wire: {wire}, {common}}}\n"
        for wire in CASES
    ]
    (user_dir() / "extra-openai-models.yaml").write_text("".join(entries))
    return openai_server


@pytest.mark.parametrize("wire", CASES)
def test_what_is_shown_is_what_is_sent_byte_for_byte(
    wired: OpenAIServer, terminal: InteractiveShell, capsys: pytest.CaptureFixture[str], wire: str
) -> None:
    pytest.importorskip("pandas")
    terminal.run_cell(SETUP, store_history=True)
    save_template(Template(name="brief", prompt="Be $mood: $input", system="Short.", options={"temperature": 0.5}))
    terminal.run_cell("%llm -m echo First")
    case = next(case for case in CASES[wire] if case.stream)
    for options in OPTIONS:
        # What `-c` continues is the answer of another model, kept in this session.
        new = "" if options == "-c" else "-n --new"
        cell = f"%%llm {new} -m {wire} {options} {{}}\nWhat is odd about 'these' rows?"
        capsys.readouterr()
        # Neither is in the history, where `--context` would find it.
        terminal.run_cell(cell.format("--dry-run --out exact"))
        shown = capsys.readouterr().out
        assert "Dry run: nothing was sent." in shown
        assert terminal.user_ns["exact"] in shown
        before = len(wired.requests)
        wired.play(Reply([case.body], content_type=case.content_type))
        terminal.run_cell(cell.format(""))
        assert wired.requests[before].body.decode() == terminal.user_ns["exact"], options
        assert "sk-proj" not in terminal.user_ns["exact"]


def test_a_dry_run_needs_no_key_and_leaves_everything_as_it_is(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("%llm First", store_history=True)
    capsys.readouterr()
    terminal.run_cell("%llm --dry-run -c -m gpt-4o-mini -u Again", store_history=True)
    shown = capsys.readouterr().out
    assert "gpt-4o-mini, about 8 tokens in, under $0.0001." in shown
    for part in (
        "user (2 tokens): First",
        "assistant (4 tokens): You said: First",
        "user (2 tokens): Again",
        '"content":"Again"',
    ):
        assert part in shown
    assert len(sent) == 1
    terminal.run_cell("%llm -c Third", store_history=True)
    assert [message.role for message in sent[-1].messages] == ["user", "assistant", "user"]
    assert "Again" not in str(sent[-1].messages)


def test_what_would_be_refused_is_refused(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell("%llm --dry-run -m ech Why?")
    assert "No model is called 'ech'" in capsys.readouterr().out
    terminal.run_cell("%llm --dry-run -o temprature 1 Why?")
    assert "temprature" in capsys.readouterr().out


def test_a_page_is_told_the_parts_and_the_request(kernel: Kernel) -> None:
    shown = kernel.run("%%llm --dry-run -s Short. -o temperature 0.2\n`Why`?")
    assert shown.status == "ok", shown.traceback
    [bundle] = shown.outputs
    document = bundle[MIME_TYPE]
    assert document["state"] == "unsent"
    assert document["unsent"] == {
        "asks": [
            {"name": "system", "text": "Short.", "size": "2 tokens"},
            {"name": "user", "text": "`Why`?", "size": "2 tokens"},
            {"name": "options", "text": "temperature = 0.2"},
        ],
        "reads": [],
        "estimate": "about 4 tokens in",
        "exact": document["unsent"]["exact"],
    }
    assert '"text": "`Why`?"' in document["unsent"]["exact"]
    assert bundle["text/markdown"].startswith("Dry run: nothing was sent. echo, about 4 tokens in.")
    assert kernel.value("sent") == []
