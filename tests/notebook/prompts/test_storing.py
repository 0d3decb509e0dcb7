"""`--save`: which files, addresses and references a template keeps, what it refuses to keep, and that both programs read them back."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.errors import TemplateError
from llm_notebook.plugins.own import Plugins
from llm_notebook.templates import load_template
from tests.notebook.scripted import sent

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0" + bytes(20)


@pytest.fixture
def folder(terminal: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a few files; a plugin loads `poem:NAME`."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "notes.md").write_text("# Notes\nBuy milk.")
    (folder / "more.md").write_text("More.")
    (folder / "chart.png").write_bytes(PNG)
    (folder / "blob").write_bytes(b"\xff\x01")
    (folder / "data").mkdir()
    plugins = Plugins()
    loaders = {"poem": lambda name: [f"A poem of {name}.", llm.Attachment(content=PNG)]}
    monkeypatch.setattr(plugins, "fragment_loaders", lambda: loaders)
    monkeypatch.setitem(process.made, Plugins, plugins)
    return folder


def test_files_addresses_and_references_are_stored_for_both_programs(
    terminal: InteractiveShell, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import llm.cli  # late, because it is slow to import

    terminal.run_cell("notes = 'a text'")
    options = (
        "-m viewer --save review -f *.md -f chart.png -f poem:Ada --sf notes.md -a chart.png -a poem:Bo"
        " -a https://example.com/a.png --at blob image/png"
    )
    terminal.run_line_magic("llm", f"{options} Look: $input")
    assert sent == []
    ours, theirs = load_template("review"), llm.cli.load_template("review")
    assert ours.model_dump() == theirs.model_dump()
    more, notes, chart = (str(folder / name) for name in ("more.md", "notes.md", "chart.png"))
    assert ours.fragments == [more, notes, "poem:Ada", "poem:Bo"]
    assert ours.system_fragments == [notes]
    assert ours.attachments == [chart, chart, "https://example.com/a.png"]
    assert [one.model_dump() for one in ours.attachment_types or []] == [
        {"type": "image/png", "value": str(folder / "blob")}
    ]
    # Used from another folder, it brings what it brought before.
    monkeypatch.chdir(tmp_path)
    terminal.run_line_magic("llm", "-t review Why?")
    assert sent[0].prompt == "More.\n# Notes\nBuy milk.\nA poem of Ada.\nA poem of Bo.\nLook: Why?"
    assert sent[0].system == "# Notes\nBuy milk."
    assert len(sent[0].attachments) == 6


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("-f df Hello", "-f df is an object of this notebook, and a template holds only files, addresses and"),
        ("-f df.head(3) Hello", "-f df.head(3) is an object of this notebook"),
        ("--sf df Hello", "--sf df is an object"),
        ("-a df Hello", "-a df is an object"),
        ("--at df image/png Hello", "--at df is an object"),
        ("-f same Hello", "`./same` names the file of that name."),
        ("-a - Hello", "-a - is the last figure"),
        ("-f nowhere.md Hello", "-f nowhere.md: there is no variable, file or address of that name."),
        ("-f peom:Ada Hello", "No fragment loader is called 'peom'. Did you mean 'poem'?"),
        ("-f data Hello", "data is a folder: give its files, as in data/*."),
        ("-f blob Hello", "-f blob is neither text nor a picture: attach it with -a."),
        ("--sf chart.png Hello", "--sf chart.png is a picture, and only text can go into the system prompt."),
        ("-a blob Hello", "-a blob: its type cannot be told. Give it with `--at blob TYPE`"),
        ("--at blob png Hello", "'png' is no MIME type such as image/png"),
        ("--at poem:Ada image/png Hello", "only a file or address has a type"),
        ("Hello {{ df.head() }}", "{{ df.head() }} is a value of this notebook, which a template does not hold"),
        ("-s 'On {{ df }}' Hello", "{{ df }} is a value of this notebook"),
        ("It costs $5", "write $$ for a dollar sign"),
        ("-t other Hello", "it goes with no -t"),
    ],
)
def test_what_a_template_cannot_hold_is_refused_in_one_sentence(
    terminal: InteractiveShell, folder: Path, words: str, sentence: str
) -> None:
    (folder / "same").write_text("the file")

    class Frame(list[int]):
        def head(self, n: int = 5) -> list[int]:
            return self[:n]

    terminal.user_ns |= {"df": Frame(), "same": "a text"}
    with pytest.raises(Exception, match=r"Nothing was stored\.$") as caught:
        terminal.run_line_magic("llm", f"--save x {words}")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(TemplateError):
        load_template("x")
    assert sent == []


def test_the_cell_says_which_options_a_template_has_no_place_for(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_line_magic("llm", "--save x --raw --ta --context above -n --out y {{ x }}")
    written = capsys.readouterr().out
    assert "no place for `--context`, `--ta`, `-n`, `--out`: give that with `-t x`." in " ".join(written.split())
    assert load_template("x").prompt == "{{ x }}"
    terminal.run_line_magic("llm", "--save y -m echo Hello")
    assert "no place" not in capsys.readouterr().out
