"""The demo works on a copy: the checkout stays clean, and the user's changes to the copy are kept."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from scripts import demo


@pytest.fixture
def original(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkout's notebook, with one cell."""
    path = tmp_path / "notebooks" / "quickstart.ipynb"
    path.parent.mkdir()
    nbformat.write(new_notebook(cells=[new_code_cell("first")]), path)
    monkeypatch.setattr(demo, "NOTEBOOK", path)
    monkeypatch.setattr(demo, "HOME", tmp_path / "home")
    return path


def cells(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_running_the_copy_is_no_change(original: Path) -> None:
    copy = demo._provide_working_copy()
    notebook = nbformat.read(copy, as_version=4)
    notebook.cells[0].outputs = [new_output("stream", text="ran")]
    nbformat.write(notebook, copy)
    nbformat.write(new_notebook(cells=[new_code_cell("newer")]), original)
    assert cells(demo._provide_working_copy()) == ["newer"]


def test_a_changed_copy_is_kept(original: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = demo._provide_working_copy()
    nbformat.write(new_notebook(cells=[new_code_cell("mine")]), copy)
    assert cells(demo._provide_working_copy()) == ["mine"]
    assert str(copy) in capsys.readouterr().out
    assert cells(original) == ["first"]
