"""A card that another notebook or cell shows allows nothing there: "this notebook" is the one that asked, and its reader sees another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernels import running_kernel
from tests.notebook.versions import click_of
from tests.notebook.waits.test_waiting import ASK, NOTEBOOK, Notebook


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    with running_kernel(tmp_path) as kernel:
        opened = Notebook(kernel, tmp_path)
        opened.define()
        yield opened


def test_a_tool_is_allowed_for_a_notebook_or_cell_only_where_its_question_was_asked(notebook: Notebook) -> None:
    click = click_of(notebook.run(ASK))
    elsewhere = [("work/copy.ipynb", "cell-1", scope) for scope in ("cell", "notebook")]
    elsewhere += [(None, "cell-1", "notebook"), (NOTEBOOK, "cell-2", "cell")]
    for path, cell, scope in elsewhere:
        notebook.path = path
        notebook.run(f"%llm act {json.dumps({**click, 'grant': scope})}", cell)
        told = notebook.kernel.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
        refused = told["blocks"][0]["request"]["refused"]
        where = "another cell" if path == NOTEBOOK else NOTEBOOK
        assert refused == f"This was asked in {where}: allow it there, or approve it here once."
        assert notebook.ran == []
    notebook.path = "work/copy.ipynb"
    assert "Nothing is always allowed." in notebook.run("%llm grants", "grants").outputs[0]["text/plain"]
    notebook.run(f"%llm act {json.dumps(click)}")
    assert notebook.ran == ["/a"]
