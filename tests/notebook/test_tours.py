"""The notebooks that show what there is: executed as they are saved, and saved with the outputs that they give."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from scripts.execute_notebooks import NOTEBOOKS, execute
from scripts.jupyter_home import jupyter_environment
from tests.notebook.versions import MIME_TYPE


@pytest.fixture
def home(isolated: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the kernels of the notebooks need, and nothing of the user's."""
    for name, value in jupyter_environment(isolated / "jupyter").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "")
    root = str(NOTEBOOKS.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])))
    return isolated


def outputs_of(notebook: NotebookNode) -> dict[str, list[NotebookNode]]:
    """The outputs of the cells of code, by the last lines of their texts."""
    return {cell.source.splitlines()[-1]: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}


@pytest.mark.model
def test_objects_and_figures(home: Path) -> None:
    pytest.importorskip("matplotlib")
    path = NOTEBOOKS / "objects_and_figures.ipynb"
    saved, executed = nbformat.read(path, as_version=4), execute(path)
    for notebook in (saved, executed):
        outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
        sent = [output.data[MIME_TYPE]["sent"] for output in outputs if MIME_TYPE in output.get("data", {})]
        assert [re.sub(r"about \d+", "about N", "; ".join(group["line"] for group in one or [])) for one in sent] == [
            "sent: sales.head(5); about N tokens",
            "sent: growth, growth(sales, 'revenue').round(1); about N tokens",
            "",
            "sent: pandas DataFrame, matplotlib figure; about N tokens; 1 picture; 70 of 120 rows left out",
        ]
        [refused] = [output.evalue for output in outputs if output.output_type == "error"]
        assert refused.startswith("smollm2 does not read image/png. These do, once their key is stored: ")
        assert outputs[-1].data["text/plain"].endswith("I was sent 1 picture and a prompt of 62 lines.")


@pytest.mark.model
def test_structured_data(home: Path) -> None:
    pytest.importorskip("pandas")
    path = NOTEBOOKS / "structured_data.ipynb"
    for notebook in (nbformat.read(path, as_version=4), execute(path)):
        shown = outputs_of(notebook)
        texts = {
            line: outputs[-1].data["text/plain"] for line, outputs in shown.items() if outputs and "data" in outputs[-1]
        }
        assert texts["people.dtypes"].split()[:6] == ["name", "string", "age", "Int64", "city", "string"]
        assert texts["review"].startswith("Review(mood=<Mood.")
        assert texts["listed"].startswith("[{'name': ")
        assert texts["second"].startswith("{'mood': ")
        assert "Stored as mood.yaml" in texts["What does this say? $input"]
        # Whether a city is made up is up to the model: what does not fit is not assigned.
        fails = any(output.output_type == "error" for cell in notebook.cells for output in cell.get("outputs", ()))
        assert texts['"checked" in globals()'] == str(not fails)
        [printed] = shown["print(code)"]
        assert printed.text.strip()


@pytest.mark.model
def test_rows(home: Path) -> None:
    pytest.importorskip("pandas")
    path = NOTEBOOKS / "rows.ipynb"
    for notebook in (nbformat.read(path, as_version=4), execute(path)):
        stopped, resumed, again = (
            output.data["text/plain"]
            for cell in notebook.cells
            if cell.cell_type == "code" and "--each df" in cell.source
            for output in cell.outputs
            if "data" in output
        )
        found = re.match(r"■ Stopped by you at (\d+) of 30 rows\. All of them are kept\.", stopped)
        assert found is not None
        answered = int(found[1])
        assert 12 <= answered < 30
        assert f"it asks only the {30 - answered} rows that are left" in stopped
        assert resumed.startswith("30 rows  100 %")
        assert f"{answered} answered before" in resumed
        assert re.match(r"All 30 rows were answered on .*\. Nothing was sent; --no-resume asks again\.", again)
        # The list says of each run how far the table had come.
        [listed] = [cell.outputs[0].data["text/plain"] for cell in notebook.cells if cell.source == "%llm jobs"]
        runs = [re.search(r"30 +(\d+)(?: \((\d+) before\))? +(done|stopped)", line) for line in listed.splitlines()]
        assert [run.groups() for run in runs if run is not None] == [
            ("30", "30", "done"),
            ("30", str(answered), "done"),
            (str(answered), None, "stopped"),
        ]
