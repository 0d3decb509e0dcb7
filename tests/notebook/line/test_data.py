"""Answers as data, from a cell to its variable: objects, frames, blocks of code, and what is left when an answer does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from llm_notebook.notebook.line.arguments import parse_line
from llm_notebook.notebook.line.data_options import read_wanted
from llm_notebook.parts.messages import StreamEvent
from llm_notebook.templates import Template, load_template, save_template
from llm_notebook.transcript.document import MIME_TYPE
from llm_notebook.transcript.view import TranscriptView
from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.scripted import sent
from tests.notebook.versions import click_of

ADA, GRACE = {"name": "Ada", "age": 36}, {"name": "Grace", "age": 85}
BAD = {"name": "Pingala", "age": "about 60"}
CODE = "Here:\n\n```python\nprint(1)\n```\n\nor\n\n```bash\nls\n```"


def rows(*found: Any) -> str:
    return json.dumps({"items": found})


def document(cell: Cell) -> dict[str, Any]:
    shown: dict[str, Any] = cell.outputs[-1][MIME_TYPE]
    return shown


def test_rows_become_a_frame_and_are_shown_as_a_table(kernel: Kernel) -> None:
    cell = kernel.run(f"%%llm -m data --schema-multi 'name, age int' --out people\n{rows(ADA, GRACE)}")
    assert cell.status == "ok", cell.traceback
    assert kernel.value("(people.to_dict('list'), [str(dtype) for dtype in people.dtypes])") == (
        {"name": ["Ada", "Grace"], "age": [36, 85]},
        ["string", "Int64"],
    )
    [table] = document(cell)["blocks"]
    assert (table["kind"], table["count"], table["head"]) == ("table", 2, [["Ada", "36"], ["Grace", "85"]])
    assert table["said"] == "`people` is a DataFrame of 2 rows \u00d7 2 columns."
    assert "| 1 | Grace | 85 |" in cell.markdown[-1]
    assert kernel.value("sent[-1].schema['properties']['items']['items']['properties']['age']") == {"type": "integer"}


@pytest.mark.parametrize(
    ("options", "prompt", "value"),
    [
        ("--schema 'name, age int'", json.dumps(ADA), repr(ADA)),
        ("--schema Dog", '```json\n{"name": "Rex"}\n```', "Dog(name='Rex')"),
        ("--schema Mood", "glad", "<Mood.GLAD: 'glad'>"),
        ("--schema 'list[Dog]'", '{"value": [{"name": "Rex"}]}', "[Dog(name='Rex')]"),
        ("--schema shape", "{}", "{}"),
        ("--schema-multi Dog --out x:list", rows({"name": "Rex"}), "[Dog(name='Rex')]"),
        ("--schema-multi 'a int' --out x:json", rows({"a": 1}), "'[{\"a\": 1}]'"),
        ("--out x:list", "[1, 2]", "[1, 2]"),
        ("--schema Tall", '{"name": "Rex"}', "{'name': 'Rex'}"),
        ("--schema models.Cat", '{"name": "Tom"}', "Cat(name='Tom')"),
        ("--schema-multi 'a int' --out x:polars", rows({"a": 1}), "polars"),
        ("--schema-multi 'a int' --out x:pandas", rows({"a": 1}), "pandas"),
        ("--as json --schema 'a int'", '{"a": 1}', "{'a': 1}"),
        ("-x", CODE, "'print(1)'"),
        ("--xl", CODE, "'ls'"),
        ("-x", "No code.", "'No code.'"),
    ],
)
def test_a_variable_gets_what_the_options_say(kernel: Kernel, options: str, prompt: str, value: str) -> None:
    kernel.run(
        "import dataclasses, enum\n@dataclasses.dataclass\nclass Dog:\n    name: str\n"
        "class Mood(enum.Enum):\n    GLAD = 'glad'\nshape = {'type': 'object'}\nimport types, typing, pydantic\n"
        "class Tall(typing.TypedDict):\n    name: str\nclass Cat(pydantic.BaseModel):\n    name: str\n"
        "models = types.SimpleNamespace(Cat=Cat)"
    )
    out = "" if "--out" in options else "--out x"
    cell = kernel.run(f"%%llm -m data {options} {out}\n{prompt}")
    assert cell.status == "ok", cell.traceback
    if value in ("polars", "pandas"):
        assert kernel.value("(type(x).__module__.split('.')[0], int(x['a'].sum()))") == (value, 1)
    else:
        assert kernel.value("repr(x)") == value


def test_a_name_that_ipython_needs_is_refused(terminal: InteractiveShell) -> None:
    for name in ("get_ipython", "Out", "In"):
        with pytest.raises(
            Exception, match=rf"IPython needs {name} for itself: --out takes another name\. Nothing was sent"
        ):
            terminal.run_line_magic("llm", f"-m data --out {name} hello")


def test_a_frame_of_a_library_that_is_not_there_is_refused_or_a_list_that_says_so(
    terminal: InteractiveShell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in ("line.data_options", "prompts.wanted"):
        monkeypatch.setattr(f"llm_notebook.notebook.{module}.is_installed", lambda name: False)
    with pytest.raises(Exception, match=r"--out x:polars needs polars: `%pip install polars`"):
        terminal.run_line_magic("llm", "-m data --schema-multi 'a int' --out x:polars hello")
    assert sent == []
    terminal.run_cell_magic("llm", "-m data --schema-multi 'name, age int' --out people", rows(ADA))
    assert terminal.user_ns["people"] == [ADA]
    assert "pandas" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "out", "left"),
    [
        ("breaking", "people", None),
        ("refusing", "people", None),
        ("announcing", "people", ""),
        ("breaking", "people:json", None),
        ("refusing", "people:json", None),
        ("announcing", "people:json", None),
    ],
)
def test_no_old_value_looks_fresh_when_no_answer_comes(kernel: Kernel, model: str, out: str, left: str | None) -> None:
    kernel.run("people = 'old'")
    ask = f"%%llm -m {model} --out {out}\nWho?"
    if model == "announcing":
        request = kernel.send(ask)
        kernel.hear(lambda message: message["msg_type"] == "stream" and "begun" in message["content"]["text"])
        kernel.interrupt()
        kernel.collect(request)
    else:
        kernel.run(ask)
    assert kernel.value("globals().get('people')") == left


def test_an_answer_that_does_not_fit_fails_the_cell_and_deletes_the_old_value(kernel: Kernel) -> None:
    kernel.run("people = 'old'")
    answer = rows(ADA, BAD, GRACE)
    with kernel.queueing():
        ask = kernel.send(f"%%llm -m data --schema-multi 'name, age int' --out people\n{answer}")
        below = kernel.send("1")
    cell, queued = kernel.collect(ask, below)
    assert (cell.status, queued.status) == ("error", "aborted")
    assert "Row 1 does not fit the schema" in cell.traceback
    shown = document(cell)
    assert shown["error"]["text"].startswith(
        "`age` must be an integer, and the model wrote “about 60”. `people` is not"
    )
    assert shown["blocks"][0]["misfit"] == {"cells": ["Pingala", "about 60"], "column": 1}
    assert shown["blocks"][0]["raw"] == {"text": answer}
    assert kernel.value("'people' in dir()") is False
    assert kernel.value("(__import__('sys').last_value.parsed, __import__('sys').last_value.text)") == ([ADA], answer)


@pytest.mark.parametrize("retries", [1, 2])
def test_the_fault_is_sent_back_as_often_as_allowed(kernel: Kernel, retries: int) -> None:
    script = f"{rows(ADA, BAD)}\nthen:\n{rows(BAD)}\nthen:\n{rows(ADA, GRACE)}"
    cell = kernel.run(f"%%llm -m data --schema-multi 'name, age int' --retry-schema {retries} --out people\n{script}")
    assert kernel.value("len(sent)") == 1 + retries
    assert (
        "In row 1, counted from 0, `age` must be an integer, and you wrote “about 60”"
        in kernel.value("texts(sent[1])")[-1]
    )
    if retries == 2:
        assert cell.status == "ok", cell.traceback
        assert kernel.value("people['age'].tolist()") == [36, 85]
        assert "asked again: 2 of 2." in cell.markdown[-1]
    else:
        assert "Row 0 does not fit" in cell.traceback
        assert kernel.value("'people' in dir()") is False


def test_a_paused_cell_binds_its_variable_once_the_answer_is_there(kernel: Kernel) -> None:
    ask = f"%%llm -m data -T erase --ta --schema-multi 'name, age int' --out people\n{rows(ADA)}"
    kernel.run("people = 'old'\ndef erase(path: str) -> str:\n    return 'erased'")
    cell = kernel.run(ask, "cell-data")
    assert cell.reply["ename"] == "CellHalted"
    assert kernel.value("'people' in dir()") is False
    # With another schema it is another question; with the same one it is the one that waits.
    other = kernel.run(ask.replace("age int", "age float"), "cell-data")
    assert kernel.value("len(sent)") == 2
    again = kernel.run(ask, "cell-data")
    assert kernel.value("len(sent)") == 2
    assert kernel.run(f"%llm act {json.dumps(click_of(again))}").status == "ok"
    assert kernel.value("people['age'].tolist()") == [36]
    assert kernel.run(f"%llm act {json.dumps(click_of(other))}").status == "ok"
    assert kernel.value("str(people['age'].dtype)") == "Float64"


def test_a_later_kernel_binds_the_variable_of_a_cell_that_is_run_again(tmp_path: Path) -> None:
    load = "%load_ext llm_notebook\n%load_ext tests.notebook.scripted"
    define = "def erase(path: str) -> str:\n    return 'erased'"
    ask = f"%%llm -m data -T erase --ta --schema-multi 'name, age int' --out people\n{rows(ADA)}"
    with running_kernel(tmp_path) as kernel:
        kernel.run(define)
        assert kernel.run(ask, "cell-data", notebook="a.ipynb").reply["ename"] == "CellHalted"
        kernel.restart()
        assert kernel.run(load).status == "ok"
        kernel.run(define)
        again = kernel.run(ask, "cell-data", notebook="a.ipynb")
        assert kernel.value("len(sent)") == 0
        clicked = kernel.run(f"%llm act {json.dumps(click_of(again))}", "cell-data", notebook="a.ipynb")
        assert clicked.status == "ok", clicked.traceback
        assert kernel.value("people['age'].tolist()") == [36]


def test_an_answer_that_was_stopped_binds_its_variable_when_it_goes_on() -> None:
    text = rows(ADA, GRACE)
    wanted = read_wanted(parse_line("--schema-multi 'name, age int' --out people x"), {})
    view = TranscriptView("echo", shape=wanted.shape())
    view.feed(StreamEvent("text", text[:40], 0), 1.0)
    view.end("interrupted", 1.0)
    view.begin(1.0)
    view.feed(StreamEvent("text", text[40:], 0), 2.0)
    wanted.take(text[40:], view)
    assert list(wanted.value["age"]) == [36, 85]


def test_rows_that_break_off_are_no_table(kernel: Kernel) -> None:
    cell = kernel.run(f"%%llm -m data --schema-multi 'name, age int' --out people\n{rows(ADA, GRACE)[:-20]}")
    assert "The answer is not a list of rows: it breaks off before the end of its list" in cell.traceback
    assert "The row that came is kept on the error." in cell.traceback


def test_code_is_shown_alone_and_put_into_a_new_cell_that_does_not_run(kernel: Kernel) -> None:
    cell = kernel.run(f"%%llm -m data -x --new-cell\n{CODE}")
    assert cell.reply["payload"] == [{"source": "set_next_input", "text": "print(1)", "replace": False}]
    [block] = document(cell)["blocks"]
    assert (block["look"], block["language"], block["text"]) == ("code", "python", "print(1)")
    assert block["raw"] == {"text": CODE}
    none = kernel.run("%llm -m data --new-cell Nothing to run.")
    assert none.reply["payload"] == []
    assert "so there is no new cell" in none.markdown[-1]


def test_a_script_becomes_a_cell_of_bash(kernel: Kernel) -> None:
    cell = kernel.run("%%llm -m data --new-cell\n```sh\nls\n```")
    assert cell.reply["payload"][0]["text"] == "%%bash\nls"


@pytest.mark.parametrize(
    ("look", "prompt", "kind", "markdown"),
    [
        ("text", "no *marks*", "text", "```\nno *marks*\n```"),
        ("code", "x = 1", "text", "```python\nx = 1\n```"),
        ("table", '[{"a": 1}]', "table", "| 0 | 1 |"),
        ("table", "no table", "text", "no table"),
        ("markdown", "*so*", "text", "*so*"),
    ],
)
def test_an_answer_is_shown_as_asked(kernel: Kernel, look: str, prompt: str, kind: str, markdown: str) -> None:
    cell = kernel.run(f"%%llm -m data --as {look}\n{prompt}")
    assert document(cell)["blocks"][0]["kind"] == kind
    assert markdown in cell.markdown[-1]


def test_the_json_of_the_response_is_a_value(kernel: Kernel) -> None:
    kernel.run("%llm -m data --json --out raw Hello")
    assert kernel.value("raw['model']") == "data"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--schema Dogg", "Nothing is called Dogg"),
        ("--schema 'a, b list'", "unknown type 'list'"),
        ('--schema \'{"type": "objekt"}\'', "not a valid JSON Schema"),
        ("--schema missing.json", "There is no schema file missing.json"),
        ("--schema a --schema-multi b", "exclude each other"),
        ("--schema a -x", "--schema and -x exclude each other"),
        ("--retry-schema 2", "--retry-schema needs --schema"),
        ("--schema a --retry-schema many", "--retry-schema needs a number, not 'many'"),
        ("--as tabel", "Did you mean table?"),
        ("--out x:pands", "Did you mean pandas?"),
        ("--out x:modin", "takes list, pandas, polars or json"),
        ("-p a b", "name the template with -t"),
        ("-t nowhere", "There is no template 'nowhere'"),
    ],
)
def test_bad_input_is_one_sentence_and_sends_nothing(terminal: InteractiveShell, options: str, sentence: str) -> None:
    with pytest.raises(Exception, match="Nothing was sent") as caught:
        terminal.run_line_magic("llm", f"-m data {options} hello")
    assert sentence in str(caught.value)
    assert sent == []


def test_a_terminal_writes_each_row_once(terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    terminal.run_cell_magic("llm", "-m data --schema-multi 'name, age int' --out people", rows(ADA, GRACE))
    assert [line.split() for line in capsys.readouterr().out.splitlines() if line][:3] == [
        ["name", "age"],
        ["0", "Ada", "36"],
        ["1", "Grace", "85"],
    ]
    assert list(terminal.user_ns["people"]["age"]) == [36, 85]


def test_templates_are_stored_as_the_llm_command_stores_them_and_used(terminal: InteractiveShell) -> None:
    import llm.cli  # late, because it is slow to import

    options = "-m data --save people -s 'Be $mood.' --schema-multi 'name, age int' -p mood brief"
    terminal.run_cell_magic("llm", options, "$input")
    assert sent == []
    assert llm.cli.load_template("people").schema_object == load_template("people").schema_object
    terminal.run_cell_magic("llm", "-t people -p mood calm --out people", rows(ADA))
    assert sent[0].system == "Be calm."
    assert list(terminal.user_ns["people"]["name"]) == ["Ada"]


def test_templates_are_combined_from_the_outside_in(terminal: InteractiveShell) -> None:
    save_template(Template(name="outer", prompt="Translate: $input", system="One.", options={"temperature": 1.0}))
    save_template(Template(name="inner", prompt="Say", system="Two $x.", options={"shout": True, "temperature": 0.5}))
    terminal.run_line_magic("llm", "-m echo -t outer -t inner -p x 2 -o temperature 0 hello")
    assert (sent[0].prompt, sent[0].system) == ("Translate: Say\nhello", "One.\n\nTwo 2.")
    assert (sent[0].options.shout, sent[0].options.temperature) == (True, 0)


def test_functions_of_a_template_need_trust_and_are_shown_first(
    terminal: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "def erase(path: str) -> str:\n    return 'erased'\n"
    save_template(Template(name="eraser", prompt="$input", functions=code))
    with pytest.raises(Exception, match="--trust"):
        terminal.run_line_magic("llm", "-m data -t eraser hello")
    assert code in capsys.readouterr().out
    assert sent == []
    terminal.run_line_magic("llm", "-m data -t eraser --trust hello")
    assert [tool.name for tool in sent[0].tools] == ["erase"]


@pytest.mark.parametrize(
    ("fields", "own"),
    [
        ({"tools": ["open('ran', 'w')"]}, True),
        ({"attachments": ["/etc/hostname"]}, False),
        ({"fragments": ["a.txt"]}, False),
    ],
)
def test_a_template_neither_runs_code_nor_sends_files_of_somebody_else_without_trust(
    terminal: InteractiveShell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fields: dict[str, Any], own: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    template = Template(name="sly", prompt="$input", **fields)
    if own:
        save_template(template)
    else:
        monkeypatch.setattr("llm_notebook.notebook.prompts.templating.load_template", lambda name: template)
    with pytest.raises(Exception, match="--trust"):
        terminal.run_line_magic("llm", "-m data -t sly hello")
    assert sent == []
    assert list(tmp_path.iterdir()) == []


def test_a_schema_may_be_in_a_file(terminal: InteractiveShell, tmp_path: Path) -> None:
    file = tmp_path / "dog.json"
    file.write_text('{"type": "object", "properties": {"name": {"type": "string"}}}', encoding="utf-8")
    terminal.run_cell_magic("llm", f"-m data --schema {file} --out dog", '{"name": "Rex"}')
    assert terminal.user_ns["dog"] == {"name": "Rex"}
