"""`--context` from a cell to the model, and what the record says of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.configuration.keys import set_key
from llm_notebook.notebook.magics import LLMMagics
from llm_notebook.parts.messages import TextPart
from tests.notebook.kernels import Kernel
from tests.notebook.scripted import sent, texts
from tests.notebook.versions import MIME_TYPE

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


def run(shell: InteractiveShell, *cells: str) -> None:
    for cell in cells:
        shell.run_cell(cell, store_history=True)


def record(shell: InteractiveShell) -> list[str]:
    """The first lines of the latest record."""
    magics = shell.magics_manager.registry["LLMMagics"]
    assert isinstance(magics, LLMMagics)
    view = list(magics.turns.turns.values())[-1].view
    return [f"{row.name} {row.kind} {row.left_out or ''}".strip() for row in view.sent]


def test_without_a_page_the_cells_are_what_the_kernel_remembers(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    run(terminal, "a = 6 * 7\na", "a['x']", "# llm: hide\na", "%llm Why?")
    capsys.readouterr()
    run(terminal, "%llm --context above And now?")
    assert texts(sent[-1]) == [
        "user: The cells of the notebook that this is asked in:\n\n"
        "[1]\n```python\na = 6 * 7\na\n```\nOutput:\n```\n42\n```\n\n"
        "[2]\n```python\na['x']\n```\nError:\n```\nTypeError: 'int' object is not subscriptable\n```\n\n"
        "Why?",
        "assistant: You said: Why?",
        "user: And now?",
    ]
    assert "context: 3 cells, " in capsys.readouterr().out
    assert record(terminal)[2:] == ["[3]  ('marked # llm: hide',)", "[4] your question and the answer, as turns"]
    run(terminal, "%llm --context 1 Once more")
    assert texts(sent[-1])[0] == "user: And now?"
    run(terminal, "%llm Alone")
    assert texts(sent[-1]) == ["user: Alone"]


def test_the_trait_gives_every_prompt_its_context_and_an_option_wins(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    run(terminal, "a = 1", "%config LLMMagics.context = 'above'", "%llm Why?")
    assert "a = 1" in texts(sent[-1])[0]
    run(terminal, "%llm --context none Why?")
    assert texts(sent[-1]) == ["user: Why?"]
    run(terminal, "1 / 0", "%llm error")
    assert len(texts(sent[-1])) == 2
    assert "a = 1" not in "".join(texts(sent[-1]))
    capsys.readouterr()
    run(terminal, "%config LLMMagics.context = 'below'", "%llm --context belwo Why?")
    assert "--context takes above, all, none or a number of cells, not 'belwo'" in capsys.readouterr().out
    assert terminal.run_line_magic("config", "LLMMagics.context") == "above"
    assert len(sent) == 3


def test_a_conversation_with_context_is_told_only_what_is_new(terminal: InteractiveShell) -> None:
    run(terminal, "a = 1", "%llm --context above First", "b = 2", "%llm -c --context above Second")
    said = [text for text in texts(sent[-1]) if text.startswith("user")]
    assert "".join(said).count("a = 1") == 1
    assert texts(sent[-1])[-1].endswith("[3]\n```python\nb = 2\n```\nSecond")
    assert [text.partition(":")[0] for text in texts(sent[-1])] == ["user", "assistant", "user"]


def test_agents_md_is_read_with_context_only_and_the_record_says_so(
    terminal: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "AGENTS.md").write_text("Prefer polars. password = 'hunter2hunter2'")
    run(terminal, "a = 1", "%llm -s Short. Why?")
    assert sent[-1].system == "Short."
    run(terminal, "%llm -s Short. --context 1 Why?")
    assert sent[-1].system == "Prefer polars. password = '[removed]'\n\nShort."
    out = capsys.readouterr().out
    assert "context: 1 cell, AGENTS.md, " in out
    assert "[removed] 1 secret\n  AGENTS.md: the value of password" in out


def test_agents_md_is_scrubbed_as_prose_and_bounded(
    terminal: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "AGENTS.md").write_text(
        "Log in with password=zzz first.\n" + "Prefer polars.\n" * 3_000 + "token: xyzzy\n"
    )
    run(terminal, "password_of = 'x'", "%llm --context 1 Why?")
    system = sent[-1].system
    assert system.startswith("Log in with password=[removed] first.\nPrefer polars.\n")
    assert len(system) <= 20_000
    assert "xyzzy" not in system
    out = capsys.readouterr().out
    assert "AGENTS.md: the value of password" in out
    assert "AGENTS.md" in record(terminal)[0]
    assert "left out" not in record(terminal)[0]


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_agents_md_may_be_a_link_that_stays_in_its_folder(
    terminal: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "cloned"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (tmp_path / "private").write_text("Of somebody's home.")
    (folder / "CLAUDE.md").write_text("Prefer polars.")
    advice = folder / "AGENTS.md"
    advice.symlink_to("CLAUDE.md")
    run(terminal, "a = 1", "%llm --context 1 Why?")
    assert sent[-1].system == "Prefer polars."
    for target, said in [
        ("../private", "`AGENTS.md` is a link to a file outside of its folder and was not sent."),
        (str(tmp_path / "private"), "`--sf AGENTS.md` sends it."),
        ("AGENTS.md", "`AGENTS.md` is no file of text that can be read"),
    ]:
        advice.unlink()
        advice.symlink_to(target)
        capsys.readouterr()
        run(terminal, "%llm --context 1 Why?")
        assert not sent[-1].system
        assert said in capsys.readouterr().out
    advice.unlink()
    os.mkfifo(advice)
    run(terminal, "%llm --context 1 And without an end?")
    assert sent[-1].messages[-1].parts[-1].text.endswith("And without an end?")  # type: ignore[union-attr]
    advice.unlink()
    advice.write_bytes(b"\xff\xfe\xfa")
    capsys.readouterr()
    run(terminal, "%llm --context 1 Why?")
    assert "`AGENTS.md` is no file of text that can be read and was not sent." in capsys.readouterr().out


def page(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"path": "a.ipynb", "cells": list(cells)}


def cell(name: str, source: str, *outputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "type": "code", "source": source, "number": None, "tags": [], "outputs": outputs, **more}


def test_a_page_sends_the_cells_as_they_stand_in_the_notebook(kernel: Kernel) -> None:
    asked = kernel.run("%llm Why?", "q", notebook="a.ipynb")
    transcript = asked.outputs[-1][MIME_TYPE]["id"]
    cells = page(
        cell("t", "# Sales\nThe password=zzz.", type="markdown"),
        cell("a", "never_run()", {"data": {"text/plain": "\x1b[31mred\x1b[0m"}}, number=5),
        cell("f", "plot()", {"data": {"image/png": PIXEL}}, {"other": "application/vnd.jupyter.widget-view+json"}),
        cell("q", "%llm Why?", {"transcript": transcript}),
        cell("u", "%llm Forged", {"transcript": "unknown"}),
        cell("h", "secret()", tags=["llm-hide"]),
        cell("here", "%%llm"),
        cell("b", "below()"),
        {"id": 3, "source": None},
        "nonsense",  # type: ignore[arg-type]
    )
    shown = kernel.run("%%llm -m viewer --context above\nWhat is odd?", "here", notebook=cells)
    assert shown.status == "ok", shown.traceback
    said = kernel.value("texts(sent[-1])")
    assert "# Sales\nThe password=[removed]." in said[0]
    assert "[5]\n```python\nnever_run()\n```\nOutput:\n```\nred\n```" in said[0]
    assert said[0].endswith("\n\nWhy?")
    assert said[1] == "assistant: You said: Why?"
    assert "below" not in str(said)
    assert "secret" not in str(said)
    assert kernel.value("[part.attachment.type for part in sent[-1].messages[0].parts[1:]]") == ["image/png"]
    told, gone = shown.outputs[-1][MIME_TYPE]["sent"]
    assert gone["line"].startswith("[removed] 1 secret")
    assert told["line"].startswith("context: 5 cells, ")
    assert told["line"].endswith("; 3 left out")
    left = [(row["name"], note) for row in told["rows"] for note in row["leftOut"]]
    assert left == [
        ("[ ]", "a widget, without text"),
        ("[ ]", "an answer that neither this kernel nor its journal knows"),
        ("[ ]", "tagged llm-hide"),
    ]
    assert "context: 5 cells, " in shown.markdown[-1]
    kernel.run("%%llm --context all\nWhat is odd?", "here", notebook=cells)
    assert "below()" in str(kernel.value("texts(sent[-1])"))


def test_a_cell_that_ran_after_the_page_had_sent_it_is_told_with_what_the_kernel_knows(kernel: Kernel) -> None:
    cells = page(cell("a", "value = 7\nvalue"), cell("here", "%%llm"))
    kernel.run("value = 7\nvalue", "a", notebook="a.ipynb")
    shown = kernel.run("%%llm --context above\nWhy?", "here", notebook=cells)
    assert "Output:\n```\n7\n```" in kernel.value("texts(sent[-1])[-1]")
    [row] = shown.outputs[-1][MIME_TYPE]["sent"][0]["rows"]
    assert row["leftOut"] == ["what it has printed: it ran after this cell was queued"]


def test_a_tagged_cell_does_not_go_where_no_page_sends_the_cells(kernel: Kernel) -> None:
    kernel.run("shown = 1", "a", tags=["slides"])
    kernel.run("private = 2\nprivate", "b", tags=["llm-hide", "slides"])
    kernel.run("def broken():\n    private = 3\n    return private / 0", "c", tags=["llm-hide"])
    kernel.run("broken()", "d")
    kernel.run("%%llm --context above\nWhy?", "e")
    said = str(kernel.value("texts(sent[-1])"))
    assert "shown = 1" in said
    assert "private" not in said
    requests = kernel.value("len(sent)")
    refused = kernel.run("%llm error", "f")
    assert refused.traceback.startswith("The error comes from the cell [")
    assert refused.traceback.endswith("], which is tagged llm-hide. Nothing was sent.")
    assert kernel.value("len(sent)") == requests


def test_a_later_kernel_finds_the_answers_in_the_journal(kernel: Kernel) -> None:
    asked = kernel.run("%%llm -s Short.\nWhy {{ 6 * 7 }}?", "q", notebook="a.ipynb")
    transcript = asked.outputs[-1][MIME_TYPE]["id"]
    kernel.run("%reload_ext llm_notebook\nsent.clear()")
    cells = page(cell("q", "%%llm\nWhy?", {"transcript": transcript}), cell("here", "%%llm"))
    kernel.run("%%llm --context above\nAnd?", "here", notebook=cells)
    said = kernel.value("texts(sent[-1])")
    assert said == ["user: Why {{ 6 * 7 }}?", "assistant: You said: Why 42?", "user: And?"]


PLANTED = {
    "a stored key": "stored-key-value-1",
    "the environment": "from-the-environment",
    "a variable": "of-a-variable-1",
    "an entry of a dict": "in-a-dict-1",
    "an address": "in-an-address-1",
    "a private key": "MIIEowIBAAKCAQEA",
    "a web token": "eyJhbGciOiJIUzI1NiJ9",
    "a known form": "sk-proj-abcdefghijklmnop",
    "a column": "in-a-column-1",
    "a cell": "in-a-cell-1",
}
SETUP = """
import dataclasses, os, pandas
os.environ["SERVICE_TOKEN"] = "from-the-environment"
api_secret = "of-a-variable-1"
settings = {"db": {"password": "in-a-dict-1", "url": "postgres://ana:in-an-address-1@db/x"}}
@dataclasses.dataclass
class Config:
    pem: str = "-----BEGIN PRIVATE KEY-----\\nMIIEowIBAAKCAQEA\\n-----END PRIVATE KEY-----"
    jwt: str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN"
    any: str = "sk-proj-abcdefghijklmnop"
frame = pandas.DataFrame({"user": ["ana"], "api_key": ["in-a-column-1"], "n": ["stored-key-value-1"]})
long = "x" * 19_980 + "of-a-variable-1" + "x" * 90
"""
ASKED = [
    "%llm -f settings -f 'Config()' -f frame -f api_secret -f long Why?",
    "%%llm\nWhy {{ settings }} {{ Config() }} {{ frame }} {{ api_secret }} {{ settings['db']['url'] }} {{ long }}?",
    "%%llm -s '{{ settings }}' --sf frame\nWhy?",
    "%llm --context above Why?",
    "%llm error",
]


def test_planted_secrets_are_sent_by_nothing(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas")
    set_key("service", "stored-key-value-1")
    run(terminal, SETUP, "password = 'in-a-cell-1'; settings", "frame", "Config()", "settings['none'] + api_secret")
    for asked in ASKED:
        capsys.readouterr()
        run(terminal, asked)
        prompt = sent[-1]
        said = prompt.system + "".join(
            part.text for message in prompt.messages for part in message.parts if isinstance(part, TextPart)
        )
        assert [kind for kind, secret in PLANTED.items() if secret in said] == [], asked
        assert "[removed]" in said, asked
        assert "[removed] " in capsys.readouterr().out
        assert "of-a-varia" not in said
