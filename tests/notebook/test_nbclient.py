"""The magics in notebooks that are executed by nbclient and converted by nbconvert, without a person."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from llm_notebook.parts.messages import StreamEvent
from llm_notebook.transcript.rendering import markdown_of
from llm_notebook.transcript.view import TranscriptView
from scripts.jupyter_home import jupyter_environment
from tests.notebook.versions import MIME_TYPE, SETUP

Run = Callable[..., NotebookNode]


@pytest.fixture
def run(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that executes cells in a kernel without any of the user's files, and returns the notebook."""
    for name, value in jupyter_environment(isolated / "jupyter").items():
        monkeypatch.setenv(name, value)
    root = str(Path(__file__).parents[2])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])))

    def execute(*sources: str | NotebookNode) -> NotebookNode:
        given = ("%load_ext llm_notebook", *sources)
        cells = [new_code_cell(source) if isinstance(source, str) else source for source in given]
        notebook = new_notebook(cells=cells)
        NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
        nbformat.validate(notebook)
        return notebook

    return execute


@pytest.mark.model
def test_an_answer_is_one_output_that_every_reader_can_show(run: Run, weights: Path) -> None:
    notebook = run("%%llm -m smollm2 -o max_tokens 40 --out answer\nWhat is a pelican?", "print(answer)")
    (output,) = notebook.cells[1].outputs
    assert output.output_type == "display_data"
    assert set(output.data) == {MIME_TYPE, "text/markdown", "text/plain"}
    (printed,) = notebook.cells[2].outputs
    said = printed.text.strip()
    assert said
    assert said in output.data["text/plain"]

    page = BeautifulSoup(HTMLExporter().from_notebook_node(notebook)[0], "html.parser")
    shown = [element.get_text() for element in page.select(".jp-OutputArea .jp-RenderedMarkdown")]
    assert len(shown) == 1
    assert said.split()[0] in shown[0]


def test_code_has_a_monospace_face_on_a_converted_page() -> None:
    answer = "Do:\n```python\n1\n```\n1. this\n   ```bash\n   2\n   ```\n2. ```py\n   3\n   ```\n> ```py\n> 4\n> ```\n"
    view = TranscriptView("some-model", id="1")
    view.feed(StreamEvent("text", answer), 0)
    cell = new_code_cell("%llm How?", outputs=[new_output("display_data", {"text/markdown": markdown_of(view)})])
    page = BeautifulSoup(HTMLExporter().from_notebook_node(new_notebook(cells=[cell]))[0], "html.parser")
    blocks = page.select(".jp-RenderedMarkdown .highlight")
    assert [block.get_text().strip() for block in blocks] == ["1", "2", "3", "4"]
    # A browser shows what is in this element in a monospace face, and what nbconvert highlights in the face of the element around it.
    assert all(block.parent is not None and block.parent.name == "samp" for block in blocks)
    assert page.select_one(".jp-RenderedMarkdown > ol > li:last-child > samp") is not None


@pytest.mark.model
def test_one_line_and_a_conversation(run: Run, weights: Path) -> None:
    notebook = run("%llm -m smollm2 -o max_tokens 12 What is 2+2?", "%llm -c -o max_tokens 12 And 3+3?")
    for cell in notebook.cells[1:]:
        assert cell.outputs[0].data["text/plain"].strip()


def test_an_answer_in_an_output_widget_is_saved_in_it_and_nowhere_else(run: Run) -> None:
    asking = "import ipywidgets\nbox = ipywidgets.Output()\nwith box:\n    %llm -m thinker slowly"
    executed = run("%load_ext tests.notebook.scripted", asking, "box")
    assert executed.cells[2].outputs == []
    widgets = executed.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    (box,) = [widget["state"] for widget in widgets.values() if widget["model_name"] == "OutputModel"]
    (answer,) = box["outputs"]
    assert answer["data"]["text/plain"] == "Thought:\nHmm, let me see.\n\nForty-two."


def test_objects_go_in_and_data_comes_out_without_metadata_of_ours(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    failing = new_code_cell("orders = {'n': 1}\norders['count']", metadata={"tags": ["raises-exception"]})
    rows = '{"items": [{"name": "Ada", "age": 36}, {"name": "Grace", "age": 85}]}'
    asked, _, dtypes, told, failed, explained = run(
        "%load_ext tests.notebook.scripted",
        "import pandas as pd\ndf = pd.DataFrame({'town': ['Oslo', 'Rome']})\n%llm -m other -f df What is in it?",
        f"%%llm -m data --schema-multi 'name, age int' --out people\n{rows}",
        "print(*people.dtypes)",
        "%llm -m other --context 1 What now?",
        failing,
        "%llm error fix -m mender",
    ).cells[2:]
    assert "pandas DataFrame, 2 rows \u00d7 1 column" in _shown(asked)
    assert _shown(dtypes) == "string Int64\n"
    [document] = [output.data[MIME_TYPE] for output in told.outputs]
    assert document["sent"][0]["line"].startswith("context: 1 cell, ")
    assert "print(*people.dtypes)" in _shown(told)
    assert [output.ename for output in failed.outputs] == ["KeyError"]
    assert "- orders['count']\n+ orders['n']" in _shown(explained)
    # Without a reader, nothing is offered a connection.
    assert "comm target" not in caplog.text


def test_questions_go_to_the_model_and_never_to_the_help_of_ipython(run: Run) -> None:
    load = "%load_ext llm_notebook\n%load_ext tests.notebook.scripted\n%llm -m echo what is sys?"
    executed = run(
        "%unload_ext llm_notebook",
        load,
        "sys = 1\n%llm -m echo what is sys?\nprint(sys)",
        "%%llm -m echo\nwhat is sys?",
        "%%llm -m echo\nis it\nsys??\n",
        "answer = %llm -m echo what is sys?\nprint(answer)",
        "%llm -m echo !ls sys?",
        "%llm -m echo hi!",
    )
    said = "You said: what is sys?"
    assert [_shown(cell).split("\n\n")[0].strip() for cell in executed.cells[2:]] == [
        said,
        f"{said}1",
        said,
        "You said: is it\nsys??",
        f"{said}{said}",
        "You said: !ls sys?",
        "You said: hi!",
    ]


@pytest.mark.parametrize(("cell", "where"), [("%%llm", "in the cell, below %%llm"), ("%llm", "after %llm")])
def test_a_prompt_that_is_missing_fails_the_run_with_what_to_do(run: Run, cell: str, where: str) -> None:
    with pytest.raises(CellExecutionError) as failure:
        run(cell)
    assert f"There is no prompt: write one {where}." in str(failure.value)
    assert "Traceback" not in str(failure.value)


def test_a_mistake_fails_the_run_with_one_sentence(run: Run) -> None:
    with pytest.raises(CellExecutionError) as failure:
        run("%%llm -m smolm2\nHello")
    said = str(failure.value)
    assert "smollm2" in said
    assert "Traceback" not in said


def test_a_missing_key_names_the_ways_out(run: Run) -> None:
    with pytest.raises(CellExecutionError) as failure:
        run("%%llm\nHello")
    said = str(failure.value)
    assert "Which model should answer? None is chosen yet, so nothing was sent." in said
    for way in ("%llm keys set openai", "%llm local install", "%llm -m ollama/MODEL"):
        assert way in said
    assert "Traceback" not in said


def test_a_pause_fails_the_run_and_says_what_waits(run: Run) -> None:
    with pytest.raises(CellExecutionError) as failure:
        run(SETUP, "ask('/a')")
    said = str(failure.value)
    assert failure.value.ename == "PauseChain"
    assert "erase waits for approval" in said
    assert "chain.py" not in said


def test_the_limit_of_a_chain_fails_the_run_with_one_sentence(run: Run) -> None:
    look = "def look(path: str) -> str:\n    return 'seen'"
    with pytest.raises(CellExecutionError) as failure:
        run("%load_ext tests.notebook.scripted", look, "%llm -m asker -T look --cl 2 Look at /a /b /c")
    said = str(failure.value)
    assert "Stopped after 2 answers in a row: the model still asked for look, which was not run. `--cl 4`" in said
    assert "Traceback" not in said


def test_the_notebook_about_approvals_does_what_it_says(run: Run) -> None:
    story = nbformat.read(Path(__file__).parents[2] / "notebooks" / "approvals.ipynb", as_version=4)
    sources = [cell.source for cell in story.cells if cell.cell_type == "code"]
    executed = run(*sources[1:])
    shown = [_shown(cell) for cell in executed.cells]
    asked, _, _, approved, again, denied, left = shown[3:10]
    assert asked == "delete_file {'name': 'old.log'}\n['notes.txt', 'old.log', 'older.log']\n"
    assert approved == "['notes.txt', 'older.log']\nNow: {'name': 'older.log'}\n"
    assert again == "Still waiting for {'name': 'older.log'}\n['notes.txt', 'older.log']\n"
    assert "Denied by the user: I still need older.log" in denied
    assert left == "['notes.txt', 'older.log']"
    # The outputs in the file belong to its cells.
    assert [_shown(cell) for cell in story.cells if cell.cell_type == "code"][3] == asked


def _shown(cell: NotebookNode) -> str:
    return "".join(output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs)
