"""The quickstart notebook in JupyterLab: answers appear while they stream, and are still there without a kernel."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from scripts.lab_page import LabPage

QUICKSTART = Path(__file__).resolve().parents[3] / "notebooks" / "quickstart.ipynb"
FIRST_ANSWER = 1


@pytest.fixture
def quickstart(lab_page: LabPage) -> LabPage:
    shutil.copyfile(QUICKSTART, lab_page.lab.root / "quickstart.ipynb")
    lab_page.open("quickstart.ipynb")
    return lab_page


def test_answers_grow_while_they_stream_and_survive_without_a_kernel(quickstart: LabPage) -> None:
    cells = [cell for cell in nbformat.read(QUICKSTART, as_version=4).cells if cell.cell_type == "code"]
    asked = [index for index, cell in enumerate(cells) if cell.source.startswith("%%llm")]
    assert cells[FIRST_ANSWER].source.startswith("%%llm -m smollm2")

    quickstart.watch_growth()
    quickstart.run_all()
    quickstart.wait_until_ran(len(cells) - 1)

    states = quickstart.growth(FIRST_ANSWER)
    assert len(states) >= 3
    assert sum(later > earlier for earlier, later in pairwise(states)) >= 3
    assert quickstart.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    answers = {index: quickstart.answer(index).inner_text() for index in asked}
    assert all(answers.values())

    quickstart.cell(FIRST_ANSWER).scroll_into_view_if_needed()
    quickstart.screenshot("quickstart-light")
    quickstart.theme("Dark")
    quickstart.screenshot("quickstart-dark")
    quickstart.theme("Light")

    quickstart.reopen_without_kernel()
    for index, answer in answers.items():
        expect(quickstart.answer(index)).to_have_text(answer, use_inner_text=True)
