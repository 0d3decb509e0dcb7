"""`--new-cell` in JupyterLab: code of an answer in a new cell below the prompt, which only a person runs."""

from __future__ import annotations

import nbformat
from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from tests.browser.asking import ASK, Asking
from tests.fakes.openai_server import OpenAIServer, text_reply

_ANSWER = "First:\n\n```python\nfor n in range(2):\n    print('made', n)\n```\n\nOr:\n\n```python\nprint('second')\n```"
_CODE = "for n in range(2):\n    print('made', n)"
_BELOW = "print('below')"


def _source(cell: Locator) -> str:
    return "\n".join(cell.locator(".cm-line").all_text_contents())


def _expect_not_run(cell: Locator) -> None:
    expect(cell.locator(".jp-InputPrompt")).to_have_text("[ ]:")
    expect(cell.locator(".jp-OutputArea-output")).to_have_count(0)


def test_the_first_block_stands_in_a_new_cell_below_and_is_not_run(lab_page: LabPage, scripted: OpenAIServer) -> None:
    scripted.play(text_reply(_ANSWER))
    lab_page.write("new-cell.ipynb", ["%load_ext llm_notebook", "%%llm -m scripted --new-cell\nCode, please.", _BELOW])
    lab_page.run_all()
    lab_page.wait_until_ran(1)
    new = lab_page.cell(2)
    expect(new.locator(".cm-line")).to_have_count(2)
    assert _source(new) == _CODE
    assert _source(lab_page.cell(3)) == _BELOW
    # The cells that "Run All" had before it are run, and the new one is not among them.
    lab_page.wait_until_ran(3)
    expect(lab_page.output(3)).to_contain_text("below")
    _expect_not_run(new)
    for theme in lab_page.themes():
        lab_page.screenshot(f"new-cell-{theme.lower()}")
    lab_page.run_cell(2)
    expect(lab_page.output(2)).to_contain_text("made 1")
    lab_page.save()
    kept = nbformat.read(lab_page.file, as_version=4)
    assert [cell["source"] for cell in kept.cells][2:] == [_CODE, _BELOW]


def test_an_answer_without_code_makes_no_cell_and_says_so(lab_page: LabPage, scripted: OpenAIServer) -> None:
    scripted.play(text_reply("There is nothing to write."), text_reply("```bash\nls\n```"))
    lab_page.write(
        "no-new-cell.ipynb",
        ["%load_ext llm_notebook", "%llm -m scripted --new-cell Code?", "%llm -m scripted --new-cell List files."],
    )
    lab_page.run_all()
    lab_page.wait_until_ran(2)
    expect(lab_page.output(1)).to_contain_text("The answer has no block of code, so there is no new cell.")
    new = lab_page.cell(3)
    expect(new.locator(".cm-line")).to_have_count(2)
    assert _source(new) == "%%bash\nls"
    _expect_not_run(new)


def test_code_that_comes_after_a_decision_stands_below_the_cell_that_asked(asking: Asking) -> None:
    asking.open(options="--new-cell", below=_BELOW)
    asking.ask(text_reply(_ANSWER))
    cells = asking.page.locator(".jp-Notebook .jp-Cell")
    expect(cells).to_have_count(3)
    asking.button("Approve").click()
    expect(cells).to_have_count(4)
    new = asking.lab.cell(ASK + 1)
    assert _source(new) == _CODE
    assert _source(asking.lab.cell(ASK + 2)) == _BELOW
    _expect_not_run(new)
    assert asking.ran == ["/tmp/old"]
