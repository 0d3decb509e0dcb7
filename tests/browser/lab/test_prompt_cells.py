"""Cells that begin with `%%llm` look and behave like prompts while one writes them, and stay ordinary code cells in the file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from scripts.lab_server import LabServer

_PROMPT = """%%llm -m scripted -T tool
## Task
for each **person** in the import, say which
```python
return df.dropna()
```
The rows: {{ df.head() if df else None }}"""


@pytest.fixture
def closing_brackets(lab: LabServer) -> Iterator[None]:
    """JupyterLab set to close brackets and quotes by itself, as many people have it."""
    folder = Path(lab.environment["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "notebook-extension")
    settings = folder / "tracker.jupyterlab-settings"
    before = settings.read_text(encoding="utf-8")
    chosen = json.loads(before) | {"codeCellConfig": {"autoClosingBrackets": True}}
    settings.write_text(json.dumps(chosen), encoding="utf-8")
    yield
    settings.write_text(before, encoding="utf-8")


def _source(cell: Locator) -> str:
    """The text of a cell's editor, line by line."""
    return "\n".join(cell.locator(".cm-line").all_inner_texts())


def test_a_prompt_is_markdown_with_options_code_and_expressions(lab_page: LabPage) -> None:
    mistaken = '%%llm --schem-multi "name"\nList the people.'
    lab_page.write(
        "prompt-cells.ipynb", [_PROMPT, "for x in 'abc': pass", "n = 1\n%llm -m scripted Is {{ n }} for me?", mistaken]
    )
    prompt, code, line, wrong = (lab_page.cell(index) for index in range(4))

    option = wrong.locator(".llm-prompt-wrong")
    expect(option).to_have_text("--schem-multi")
    expect(option).to_have_attribute("title", "No option --schem-multi. Did you mean --schema-multi?")
    expect(option).to_have_css("text-decoration-style", "wavy")
    lab_page.screenshot("prompt-cells")

    expect(prompt.locator(".llm-prompt-magic")).to_have_text("%%llm")
    expect(prompt.locator(".llm-prompt-opt")).to_have_text(["-m", "-T"])
    expect(prompt.locator(".llm-prompt-fence")).to_have_text(["```python", "return df.dropna()", "```"])
    assert "".join(prompt.locator(".llm-prompt-expr").all_inner_texts()) == "{{ df.head() if df else None }}"

    bold = "node => getComputedStyle(node).fontWeight"
    assert prompt.get_by_text("person", exact=True).evaluate(bold) == "700"
    # Words of Python are only words here.
    for word in ("for", "import"):
        expect(prompt.get_by_text(word, exact=True)).to_have_count(0)
    # In fenced code and in expressions they are coloured as in a cell of Python.
    colour = "node => getComputedStyle(node).color"
    keyword = code.get_by_text("for", exact=True).evaluate(colour)
    for word, place in (("return", ".llm-prompt-fence"), ("if", ".llm-prompt-expr")):
        shown = prompt.locator(place).get_by_text(word, exact=True)
        expect(shown).to_have_css("color", keyword)
    wraps = "node => node.classList.contains('cm-lineWrapping')"
    assert prompt.locator(".cm-content").evaluate(wraps)
    assert not code.locator(".cm-content").evaluate(wraps)
    expect(code.locator(".cm-line span").first).to_have_text("for")
    expect(line.locator(".llm-prompt-magic")).to_have_text("%llm")
    assert "".join(line.locator(".llm-prompt-expr").all_inner_texts()) == "{{ n }}"
    badge = prompt.locator(".llm-badge")
    expect(badge.locator("span:not(.llm-push)")).to_have_text(["1 tool"])
    # One hairline parts the options from the text, and no other the text from the badge.
    expect(prompt.locator(".cm-panels-bottom")).to_have_css("border-top-width", "0px")


@pytest.mark.usefixtures("closing_brackets")
def test_a_cell_becomes_a_prompt_and_back_while_one_types(lab_page: LabPage) -> None:
    lab_page.write("typed-prompt.ipynb", ["", ""])
    prompt, code = lab_page.cell(0), lab_page.cell(1)
    keyboard = lab_page.page.keyboard

    code.locator(".cm-content").click()
    keyboard.type("f('a")
    assert _source(code) == "f('a')"

    prompt.locator(".cm-content").click()
    keyboard.type("%%llm")
    expect(prompt.locator(".llm-prompt-magic")).to_be_visible()
    keyboard.press("Enter")
    expect(prompt.locator(".llm-prompt-ghost")).to_be_visible()
    keyboard.type("the so-called \"fox (don't [say")
    assert _source(prompt) == "%%llm\nthe so-called \"fox (don't [say"

    keyboard.press("Control+Home")
    keyboard.press("Delete")
    keyboard.press("Delete")
    expect(prompt.locator(".llm-prompt-magic")).to_have_count(0)
    keyboard.type("%%")
    expect(prompt.locator(".llm-prompt-magic")).to_be_visible()

    lab_page.save()
    saved = nbformat.read(lab_page.file, as_version=4)
    assert [cell.cell_type for cell in saved.cells] == ["code", "code"]
    assert saved.cells[0].source == "%%llm\nthe so-called \"fox (don't [say"
    assert not saved.cells[0].metadata.get("llm_notebook")
