"""Objects in, data out in Notebook 7, as somebody uses it who has read `%llm?`: a frame and cells go with a prompt, rows come back, an error is mended."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from scripts.lab_page import LabPage
from scripts.lab_server import LabServer
from tests.browser.conftest import running_lab
from tests.fakes.openai_server import OpenAIServer, text_reply

_CELLS = [
    "%load_ext llm_notebook\nimport pandas as pd\nsales = pd.DataFrame({'month': ['July', 'August'], 'revenue': [1288.5, 88.7]})",
    "%llm?",
    "%%llm -m scripted -f sales --context above\nWhat is odd about these rows?",
    "%%llm -m scripted --schema-multi 'name, age int' --out people\nTwo people who changed how we count.",
    "people.dtypes",
    "sales['revenu'].sum()",
    "%llm error fix -m scripted",
    "%%llm -m scripted --new-cell\nCode that draws it.",
    "'last'",
]
_ROWS = json.dumps({"items": [{"name": "Ada Lovelace", "age": 36}, {"name": "Grace Hopper", "age": 85}]})
_FIX = "**No such column.** It is called `revenue`.\n\n```python\nsales['revenue'].sum()\n```"
_CODE = "Here:\n\n```python\nsales.plot(x='month')\n```"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A Notebook 7."""
    with running_lab(tmp_path_factory.mktemp("notebook"), program="notebook") as server:
        yield server


def _look(page: LabPage, index: int, name: str) -> None:
    """Take a picture of an output in both themes."""
    for theme in page.themes():
        page.output(index).scroll_into_view_if_needed()
        page.screenshot(f"notebook-7-{name}-{theme.lower()}")


def test_a_frame_goes_in_rows_come_out_and_an_error_is_mended(lab_page: LabPage, scripted: OpenAIServer) -> None:
    scripted.play(text_reply("August is *low*."), text_reply(_ROWS), text_reply(_FIX), text_reply(_CODE))
    lab_page.write("objects.ipynb", _CELLS)
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    lab_page.run_cell(1)
    manual = lab_page.page.locator("#jp-down-stack, .jp-NotebookPanel, body").get_by_text("%%llm --schema-multi").first
    expect(manual).to_be_visible()
    lab_page.screenshot("notebook-7-manual")

    lab_page.run_cell(2)
    output = lab_page.output(2)
    expect(output.locator(".llm-answer")).to_have_text("August is low.")
    said = output.locator(".llm-fold summary")
    expect(said.nth(0)).to_contain_text("context: 2 cells, ")
    expect(said.nth(1)).to_contain_text("sent: sales; about ")
    for fold in said.all():
        fold.click()
    _look(lab_page, 2, "context")
    prompt = scripted.requests[-1].json()["messages"][-1]["content"]
    assert "sales: pandas DataFrame, 2 rows" in prompt
    assert "[1]\n```python\n%load_ext llm_notebook" in prompt

    lab_page.run_cell(3)
    expect(lab_page.output(3).get_by_role("table")).to_contain_text("Grace Hopper")
    expect(lab_page.output(3)).to_contain_text("people is a DataFrame of 2 rows \u00d7 2 columns.")
    _look(lab_page, 3, "rows")
    lab_page.run_cell(4)
    expect(lab_page.output(4)).to_contain_text("Int64")

    lab_page.run_cell(5)
    lab_page.wait_until_ran(5)
    lab_page.run_cell(6)
    fix = lab_page.output(6)
    expect(fix.locator(".llm-proposal ins")).to_have_text("e")
    expect(fix.locator(".llm-fold summary").first).to_contain_text("sent: In[")
    _look(lab_page, 6, "error-fix")
    fix.get_by_role("button", name="Put below").click()
    expect(lab_page.cell(7).locator(".cm-content")).to_have_text("sales['revenue'].sum()")
    expect(lab_page.cell(7).locator(".jp-InputArea-prompt")).to_have_text("[ ]:")

    lab_page.run_cell(8)
    expect(lab_page.cell(9).locator(".cm-content")).to_have_text("sales.plot(x='month')")
    expect(lab_page.cell(9).locator(".jp-InputArea-prompt")).to_have_text("[ ]:")
    expect(lab_page.cell(10).locator(".cm-content")).to_have_text("'last'")
    assert len(scripted.requests) == 4
