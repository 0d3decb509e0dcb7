"""The notebooks that show what there is: executed as they are saved, and saved with the outputs that they give."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest

from scripts.execute_notebooks import NOTEBOOKS, execute
from scripts.jupyter_home import jupyter_environment
from tests.notebook.versions import MIME_TYPE


@pytest.mark.model
def test_objects_and_figures(isolated: Path, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    for name, value in jupyter_environment(isolated / "jupyter").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("LLM_LOAD_PLUGINS", "")
    root = str(NOTEBOOKS.parent)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")])))
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
