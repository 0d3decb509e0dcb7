"""`-f`, `--sf`, `-a` and `--at`: which meaning of a word counts, what the model is sent, and what the record says."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

import llm_notebook as llm
from llm_notebook.configuration.process import process
from llm_notebook.notebook.magics import LLMMagics
from llm_notebook.plugins.own import Plugins
from llm_notebook.transcript.view import TranscriptView
from tests.fakes.file_server import FileServer, Served
from tests.notebook.kernels import Kernel
from tests.notebook.scripted import sent
from tests.notebook.versions import MIME_TYPE

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0" + bytes(20)
FRAME = "import pandas; df = pandas.DataFrame({'n': range(60), 'the name': list('ab') * 30})"


@pytest.fixture
def folder(terminal: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a few files."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text("# Notes\nBuy milk.")
    (tmp_path / "more.md").write_text("More.")
    (tmp_path / "chart.png").write_bytes(PNG)
    (tmp_path / "data").mkdir()
    (tmp_path / "notes").write_bytes(b"\x00\x01")
    return tmp_path


def ask(shell: InteractiveShell, line: str) -> llm.Prompt:
    """Run a cell, and return the prompt that it sent."""
    before = len(sent)
    shell.run_cell(line).raise_error()
    assert len(sent) == before + 1, line
    return sent[-1]


def view(shell: InteractiveShell) -> TranscriptView:
    """The transcript of the last cell."""
    magics = shell.magics_manager.registry["LLMMagics"]
    assert isinstance(magics, LLMMagics)
    return list(magics.turns.turns.values())[-1].view


def test_a_frame_goes_before_the_prompt_and_the_record_says_what_was_left_out(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pandas")
    terminal.run_cell(FRAME)
    prompt = ask(terminal, "%llm -f df What is odd?")
    assert prompt.prompt.startswith(
        "df: pandas DataFrame, 60 rows \u00d7 2 columns\n\n- n: int64, 0 missing, 0 to 59\n"
    )
    assert prompt.prompt.endswith("(10 of 60 rows left out)\nWhat is odd?")
    assert "sent: df; about " in (written := capsys.readouterr().out)
    assert "df, left out: 10 of 60 rows" in written
    assert ask(terminal, "%llm -f df --max-size 10000000 Again").prompt.count("\n| ") == 62


EXPRESSIONS = [
    ("df.head(n=3)", "df.head(n=3): pandas DataFrame, 3 rows"),
    ('df["the name"]', 'df["the name"]: pandas Series, 60 values'),
    ('df[["n", "the name"]].head(2)', 'df[["n", "the name"]].head(2): pandas DataFrame, 2 rows'),
    ("'df.tail( 2 )'", "df.tail( 2 ): pandas DataFrame, 2 rows"),
    ("sum(df.n)", "1770"),
    ("[n for n in df.n if n > 57]", "[n for n in df.n if n > 57]: list, 2 items\n[58, 59]"),
    ("Out[5]", "Out[5]: dict, 1 key"),
    ("_", "_: pandas DataFrame, 1 row"),
    ("twice", "function twice, line 1 of its cell\n\ndef twice(x): return 2 * x"),
]


def test_an_expression_keeps_its_quotation_marks_and_spaces(terminal: InteractiveShell) -> None:
    pytest.importorskip("pandas")
    terminal.run_cell(f"{FRAME}\nOut[5] = {{'a': 1}}")
    terminal.run_cell("def twice(x): return 2 * x")
    terminal.run_cell("df.tail(1)", store_history=True)
    for word, begins in EXPRESSIONS:
        prompt = ask(terminal, f"%llm -f {word} -u What?")
        assert prompt.prompt.startswith(begins), word
        assert prompt.prompt.endswith("\nWhat?"), word


def test_files_patterns_and_objects_stand_in_order(terminal: InteractiveShell, folder: Path) -> None:
    terminal.run_cell("x = 3; path = __import__('pathlib').Path('more.md')")
    prompt = ask(terminal, "%llm --sf notes.md -s Brief -f *.md -f x -f path What?")
    assert prompt.prompt == "More.\n# Notes\nBuy milk.\n3\nMore.\nWhat?"
    assert prompt.system == "# Notes\nBuy milk.\n\nBrief"
    assert [one.in_system for one in view(terminal).sent] == [False] * 4 + [True]
    # In braces a path is text, as in an f-string.
    assert ask(terminal, "%llm Where is {{ path }}?").prompt == "Where is more.md?"


def test_a_variable_counts_before_a_file_of_its_name(terminal: InteractiveShell, folder: Path) -> None:
    (folder / "x").write_text("the file")
    terminal.run_cell("x = 'the variable'; notes = 'a text'")
    assert ask(terminal, "%llm -f x What?").prompt == "the variable\nWhat?"
    assert view(terminal).remarks == ["`x` is the variable; the file of that name was not sent. `./x` names the file."]
    assert ask(terminal, "%llm -f ./x What?").prompt == "the file\nWhat?"
    # A variable that has no such attribute is not meant.
    assert ask(terminal, "%llm -f notes.md What?").prompt == "# Notes\nBuy milk.\nWhat?"
    assert view(terminal).remarks == []


def test_pictures_are_attached_wherever_they_come_from(terminal: InteractiveShell, folder: Path) -> None:
    terminal.run_cell("chart = open('chart.png', 'rb').read(); name = 'chart.png'; both = [name, name]")
    line = "%llm -m viewer -a chart -a chart.png -a name -a both -a *.png -f chart --at notes.md image/jpeg Look: {{ chart }}"
    prompt = ask(terminal, line)
    types = [attachment.type or attachment.known_type() for attachment in prompt.attachments]
    assert types == ["image/png", *["image/png"] * 5, "image/png", "image/jpeg", "image/png"]
    assert prompt.prompt == "Look: (chart: image/png, 49 bytes, attached)"
    assert [one.name for one in view(terminal).sent][:2] == ["chart", "chart"]
    assert sum(one.pictures for one in view(terminal).sent) == 9


def test_what_has_no_picture_goes_as_text(terminal: InteractiveShell) -> None:
    pytest.importorskip("pandas")
    terminal.run_cell(FRAME)
    prompt = ask(terminal, "%llm -a df What?")
    assert prompt.attachments == []
    assert prompt.prompt.startswith("df: pandas DataFrame")


def test_the_last_figure_is_the_open_one_or_the_last_result(terminal: InteractiveShell) -> None:
    pytest.importorskip("matplotlib").use("agg")
    terminal.run_cell("from matplotlib import pyplot; fig, ax = pyplot.subplots(); Out[3] = ax")
    assert len(ask(terminal, "%llm -m viewer -a - Look").attachments) == 1
    terminal.run_cell("pyplot.close(fig)")
    assert len(ask(terminal, "%llm -m viewer -a - Look").attachments) == 1
    assert view(terminal).sent[0].name == "last figure"


def test_addresses_and_loaders(
    terminal: InteractiveShell, file_server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b"<p>Hello <b>you</b></p><script>no()</script>"
    file_server.files = {
        "/page": Served(page, headers={"content-type": "text/html; charset=utf-8"}),
        "/data": Served(b"a,b\n1,2", headers={"content-type": "text/csv"}),
        "/chart": Served(PNG, headers={"content-type": "image/png"}),
    }
    prompt = ask(terminal, f"%llm -f {file_server.url('/page')} -f {file_server.url('/data')} What?")
    assert prompt.prompt == "Hello you\na,b\n1,2\nWhat?"
    chart = file_server.url("/chart")
    [attachment] = ask(terminal, f"%llm -m viewer -f {chart} Look").attachments
    assert attachment.content == PNG
    # The provider fetches what is attached by its address; only the type is asked for here.
    [attachment] = ask(terminal, f"%llm -m viewer -a {chart} Look").attachments
    assert (attachment.url, attachment.resolve_type()) == (chart, "image/png")

    plugins = Plugins()
    monkeypatch.setitem(process.made, Plugins, plugins)
    monkeypatch.setattr(
        plugins, "fragment_loaders", lambda: {"poem": lambda name: [f"A poem of {name}.", llm.Attachment(content=PNG)]}
    )
    prompt = ask(terminal, "%llm -m viewer -f poem:rain Go on")
    assert (prompt.prompt, len(prompt.attachments)) == ("A poem of rain.\nGo on", 1)


REFUSED = [
    ("-f dff hi", "-f dff: there is no variable, file or address of that name. Did you mean df? Nothing was sent."),
    (
        "-f df.hed(3) hi",
        "-f df.hed(3) failed with AttributeError: 'dict' object has no attribute 'hed'. Nothing was sent.",
    ),
    ("-f data hi", "data is a folder: give its files, as in data/*. Nothing was sent."),
    ("-f data/*.csv hi", "-f data/*.csv: there is no variable, file or address of that name. Nothing was sent."),
    ("-a - hi", "-a -: no figure has been shown yet. Nothing was sent."),
    ("-f - hi", "-f - names nothing: - is the last figure, for -a. Nothing was sent."),
    (
        "-f nope:x hi",
        "-f nope:x: No fragment loader is called 'nope': no installed plugin loads fragments. Nothing was sent.",
    ),
    ("-f df --max-size big hi", "--max-size needs a number of bytes, such as 100000, not 'big'. Nothing was sent."),
    ("-a gone.png hi", "-a gone.png: there is no variable, file or address of that name. Nothing was sent."),
    (
        "--sf chart.png hi",
        "--sf chart.png is a picture or another file, and only text can go into the system prompt",
    ),
    (
        "-f (n for n in df) hi",
        "-f (n for n in df) is a generator, not a value that a model can read. Nothing was sent.",
    ),
    (
        "-f iter(df).__class__ -f count hi",
        "-f count is a generator, not a value that a model can read. Nothing was sent.",
    ),
    ("-a http://127.0.0.1:9/x hi", "-a http://127.0.0.1:9/x: its type cannot be told. Give it with `--at http"),
    ("-a notes hi", "-a notes: its type cannot be told. Give it with `--at notes TYPE`, such as image/png."),
    ("-f http://127.0.0.1:9/x hi", "-f http://127.0.0.1:9/x: http://127.0.0.1:9/x could not be fetched"),
    ("-a chart.png hi", "echo does not read image/png. These do: viewer; `-m viewer` asks one. Nothing was sent."),
    (
        "-s '{{ chart }}' hi",
        "{{ chart }} is a picture or another file, and only text can go here. Nothing was sent.",
    ),
    ("--at chart.png hi", "--at chart.png hi: 'hi' is no MIME type such as image/png. Nothing was sent."),
]


def test_what_is_not_to_be_had_is_one_sentence_and_nothing_is_sent(
    terminal: InteractiveShell, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.run_cell("df = {'a': 1}; count = (n for n in df); chart = open('chart.png', 'rb').read()")
    for line, sentence in REFUSED:
        capsys.readouterr()
        result = terminal.run_cell(f"%llm {line}")
        assert not result.success, line
        assert sentence in capsys.readouterr().out
    assert sent == []


def test_too_many_files_are_refused(
    terminal: InteractiveShell, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(101):
        (folder / "data" / f"{number}.txt").touch()
    terminal.run_cell("%llm -f data/* hi")
    assert "data/* names 101 files, and at most 100 go with a prompt" in capsys.readouterr().out


def test_python_takes_objects_too(terminal: InteractiveShell, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"n": [1]})
    (tmp_path / "a.txt").write_text("from a file")
    model = llm.get_model("viewer")
    described = llm.describe(frame, name="frame")
    prompt = model.prompt("Hi", fragments=["text", frame, described, tmp_path / "a.txt"], attachments=[PNG]).prompt
    assert prompt.prompt.startswith("text\npandas DataFrame, 1 row")
    assert "\nframe: pandas DataFrame, 1 row" in prompt.prompt
    assert prompt.prompt.endswith("\nfrom a file\nHi")
    assert model.prompt("Hi", fragments=frame).prompt.prompt.startswith("pandas DataFrame")
    assert model.prompt("Hi", fragments="one text").prompt.prompt == "one text\nHi"
    with pytest.raises(ValueError, match="only text can go into the system prompt"):
        model.prompt("Hi", system_fragments=[llm.Attachment(content=PNG)])
    with pytest.raises(llm.errors.UnreadAttachment, match="echo does not read image/png; it takes no attachments"):
        llm.get_model("echo").prompt("Hi", attachments=[PNG])


def test_what_a_template_brings_stands_before_what_the_cell_gives(
    terminal: InteractiveShell, folder: Path, isolated: Path
) -> None:
    templates = isolated / "llm" / "templates"
    templates.mkdir(parents=True, exist_ok=True)
    (templates / "brief.yaml").write_text("prompt: 'In a line: $input'\nfragments: [notes.md]\n")
    prompt = ask(terminal, "%llm -t brief -f more.md What is it?")
    assert prompt.prompt == "# Notes\nBuy milk.\nMore.\nIn a line: What is it?"


def test_fragments_of_a_template_come_from_an_address_too_and_without_secrets(
    terminal: InteractiveShell,
    folder: Path,
    isolated: Path,
    file_server: FileServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file_server.files = {
        "/rules.txt": Served(b"Be brief. password=zzz", headers={"content-type": "text/plain"}),
        "/moved": Served(moved_to=file_server.url("/page")),
        "/page": Served(b"<p>A <b>page</b>.</p><script>x</script>", headers={"content-type": "text/html"}),
        "/chart": Served(PNG, headers={"content-type": "image/png"}),
    }
    (folder / "local.env").write_text("API_KEY=swordfish\nDEBUG=1")
    templates = isolated / "llm" / "templates"
    templates.mkdir(parents=True, exist_ok=True)
    url = file_server.url()
    (templates / "rules.yaml").write_text(
        f"prompt: 'In a line: $input'\nsystem_fragments: ['{url}/rules.txt']\nfragments: ['{url}/moved', local.env]\n"
    )
    prompt = ask(terminal, "%llm -t rules What is it?")
    assert prompt.system == "Be brief. password=[removed]"
    assert prompt.prompt == "A page.\nAPI_KEY=[removed]\nDEBUG=1\nIn a line: What is it?"
    told = capsys.readouterr().out
    assert "[removed] 2 secrets" in told
    assert f"{url}/rules.txt: the value of password" in told
    assert "local.env: the value of API_KEY" in told
    for name, why in [("none", "404"), ("chart", "decode")]:
        (templates / "broken.yaml").write_text(f"prompt: $input\nfragments: ['{url}/{name}']\n")
        count = len(sent)
        terminal.run_cell("%llm -t broken What is it?")
        said = capsys.readouterr().out
        assert f"The fragment {url}/{name} cannot be read" in said
        assert why in said
        assert len(sent) == count


def test_what_goes_with_a_prompt_is_not_sent_again_with_a_correction(terminal: InteractiveShell, folder: Path) -> None:
    count = len(sent)
    terminal.run_cell(
        '%%llm -m data --schema \'name\' --retry-schema 1 --sf more.md --out dog\n{"name": 5} then: {"name": "Rex"}'
    ).raise_error()
    first, second = sent[count:]
    assert terminal.user_ns["dog"] == {"name": "Rex"}
    for prompt in (first, second):
        whole = "\n".join(part.text for message in prompt.messages for part in message.parts if hasattr(part, "text"))
        assert whole.count("More.") == 1


def test_a_changed_frame_is_another_question(terminal: InteractiveShell) -> None:
    magics = terminal.magics_manager.registry["LLMMagics"]
    terminal.run_cell("frame = [1]")
    digests = []
    for change in ("", "frame.append(2)", "pass"):
        terminal.run_cell(change)
        ask(terminal, "%llm -f frame hi")
        digests.append(list(magics.turns.turns.values())[-1].origin.request)
    assert digests[0] != digests[1] == digests[2]


def test_inline_figures_and_the_record_in_a_notebook(kernel: Kernel) -> None:
    pytest.importorskip("matplotlib")
    kernel.run("%matplotlib inline\nfrom matplotlib import pyplot\npyplot.plot([1, 2])\npyplot.show()")
    cell = kernel.run("%llm -m viewer -a - Look", "1")
    assert cell.markdown[0].endswith("I see image/png.")
    document = cell.outputs[0][MIME_TYPE]
    [told] = document["sent"]
    assert told == {
        "group": "sent",
        "line": "sent: last figure; 1 picture",
        "rows": [{"name": "last figure", "text": told["rows"][0]["text"], "tokens": 0, "leftOut": []}],
        "hidden": 0,
    }
    refused = kernel.run("%llm -a - Look", "2")
    error = refused.outputs[0][MIME_TYPE]["error"]
    assert error["title"] == "echo does not read image/png"
    assert [way["model"] for way in error["ways"]] == ["viewer"]
