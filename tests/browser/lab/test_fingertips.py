"""Tab, cells that go with a prompt, a dry run and `%llm error fix` in JupyterLab, as a person uses them."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, text_reply
from tests.notebook.completion.cases import CASES, is_met

FIX = "**No such key.** `orders` has `n`, not `count`.\n\n```python\ntotal = 0\ntotal += orders['n']\n```"


def _type(cell: Locator, lab_page: LabPage, text: str) -> None:
    """Put the cursor into a cell and type in the place of what is there."""
    cell.locator(".cm-content").click()
    lab_page.page.keyboard.press("Control+a")
    lab_page.page.keyboard.press("Delete")
    lab_page.page.keyboard.type(text)


def _rows(fold: Locator) -> list[list[str]]:
    return [row.locator("th, td").all_text_contents() for row in fold.locator("tbody tr").all()]


_ASK_ALL = """async (cells) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const found = [];
  for (const [code, cursor_pos] of cells) found.push((await kernel.requestComplete({ code, cursor_pos })).content.matches);
  return found;
}"""


def test_tab_completes_what_is_typed_in_a_cell(lab_page: LabPage, tmp_path: Path) -> None:
    prepare = (
        f"from tests.notebook.completion import cases\ncases.prepare(get_ipython(), cases.Path({str(tmp_path)!r}))"
    )
    lab_page.write("tab.ipynb", [prepare, ""])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    asked = [[case.typed.replace("|", "", 1), case.typed.index("|")] for case in CASES]
    found = lab_page.page.evaluate(_ASK_ALL, asked)
    assert [case.typed for case, texts in zip(CASES, found, strict=True) if not is_met(case, texts)] == []
    # A page waits a second for an answer, which the first one in a kernel may take; from here on they are there at once.
    cell, keyboard = lab_page.cell(1), lab_page.page.keyboard
    for typed, becomes in [
        ("%llm hist", "%llm history"),
        ("%llm -m ech", "%llm -m echo"),
        ("%%llm -T era", "%%llm -T erase"),
        ("%llm error fi", "%llm error fix"),
        ("%%llm -m echo --hide", "%%llm -m echo --hide-reasoning"),
        ("%%llm --context abo", "%%llm --context above"),
    ]:
        _type(cell, lab_page, typed)
        keyboard.press("Tab")
        # The one thing that fits is put in at once, or offered first.
        offered = lab_page.page.locator(".jp-Completer:visible .jp-Completer-item.jp-mod-active")
        text = cell.locator(".cm-content")
        expect(offered.or_(text.filter(has_text=becomes)).first).to_be_visible()
        if text.inner_text() != becomes:
            keyboard.press("Enter")
        expect(text).to_have_text(becomes)
        expect(lab_page.page.locator(".jp-Completer:visible")).to_have_count(0)


def test_cells_go_with_a_prompt_as_the_reader_sees_them(lab_page: LabPage, scripted: OpenAIServer) -> None:
    scripted.play(text_reply("The first."), text_reply("The second."), text_reply("The third."))
    lab_page.write(
        "context.ipynb",
        [
            "%load_ext llm_notebook",
            "print('as saved')",
            "# llm: hide\nprint('hidden')",
            "%%llm -m scripted\nWhich?",
            "never_run = 'postgres://ana:hunter2@db/prices'",
            "%%llm -m scripted --context above\nAnd now?",
            "print('below')",
        ],
    )
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    lab_page.run_source(1, "print('not', 'saved')")
    for index in (2, 3):
        lab_page.run_cell(index)
        lab_page.wait_until_ran(index)
    lab_page.run_cell(5)
    output = lab_page.output(5)
    expect(output.locator(".llm-answer")).to_have_text("The second.")
    first, answered, asked = scripted.requests[-1].json()["messages"]
    assert [one["role"] for one in (first, answered, asked)] == ["user", "assistant", "user"]
    assert "Output:\n```\nnot saved\n```" in first["content"]
    assert first["content"].endswith("\n\nWhich?")
    assert answered["content"] == "The first."
    assert "never_run = 'postgres://[removed]@db/prices'" in asked["content"]
    assert not any(word in str(scripted.requests[-1].json()) for word in ("hidden", "as saved", "below", "hunter2"))
    folds = output.locator("details.llm-fold")
    expect(folds.nth(0).locator("summary")).to_have_text("context: 4 cells, 47 tokens; 1 left out")
    expect(folds.nth(1).locator("summary")).to_have_text("[removed] 1 secret")
    for index in range(2):
        folds.nth(index).locator("summary").click()
    expect(folds.nth(1).locator("tbody")).to_have_text("[ ]the user of an address")
    rows = _rows(folds.nth(0))
    assert [row[0] for row in rows] == ["[1]", "[2]", "[4]", "[ ]", "Left out", "[3]"]
    assert rows[1][1] == "print('not', 'saved') and its output"
    assert rows[2][1] == "your question and the answer, as turns"
    assert rows[5][1] == "marked # llm: hide"
    for theme in lab_page.themes():
        lab_page.screenshot(f"context-{theme.lower()}")
    # The setting does for every prompt what the option does for one.
    lab_page.run_source(4, "%config LLMMagics.context = 'above'")
    lab_page.wait_until_ran(4)
    lab_page.run_source(5, "%%llm -m scripted\nAnd by the setting?")
    expect(output.locator(".llm-answer")).to_have_text("The third.")
    assert "%config LLMMagics.context = 'above'" in scripted.requests[-1].json()["messages"][-1]["content"]


def test_a_dry_run_is_shown_and_sends_nothing(lab_page: LabPage, scripted: OpenAIServer) -> None:
    dry = "%%llm --dry-run -m scripted -s 'Answer in one sentence.' -T fetch -o temperature 0.2\nWhat is <b>odd</b>?"
    lab_page.write("dry.ipynb", ["%load_ext llm_notebook\ndef fetch(month: str, base: str = 'EUR'): ...", dry])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    lab_page.run_cell(1)
    output = lab_page.output(1)
    expect(output.locator(".llm-head")).to_contain_text("Dry run: nothing was sent. scripted, about ")
    expect(output.get_by_role("row", name="user")).to_contain_text("What is <b>odd</b>?")
    expect(output.get_by_role("row", name="tools")).to_contain_text('fetch(month: string, base: string = "EUR")')
    expect(output.get_by_role("button", name="Copy as JSON")).to_be_visible()
    assert not scripted.requests
    for theme in lab_page.themes():
        lab_page.screenshot(f"dry-run-{theme.lower()}")


def test_an_error_is_explained_and_a_proposed_cell_is_put_below_by_a_click(
    lab_page: LabPage, scripted: OpenAIServer
) -> None:
    scripted.play(text_reply(FIX))
    cells = [
        "%load_ext llm_notebook\norders = {'n': 4}",
        "total = 0\ntotal += orders['count']",
        "%llm error fix -m scripted",
        "print('last')",
    ]
    lab_page.write("error-fix.ipynb", cells)
    for index in range(2):
        lab_page.run_cell(index)
        # What is queued behind a cell that fails is not run.
        lab_page.wait_until_ran(index)
    lab_page.run_cell(2)
    output = lab_page.output(2)
    expect(output.locator(".llm-proposal .llm-strong")).to_have_text("Proposed cell")
    expect(output.locator(".llm-proposal del")).to_have_text("count")
    expect(output.locator(".llm-answer")).to_have_text("No such key. orders has n, not count.")
    fold = output.locator(".llm-fold").first
    expect(fold.locator("summary")).to_contain_text("sent: In[2], its traceback, 2 values")
    fold.locator("summary").click()
    expect(fold.locator(".llm-fold-body")).to_contain_text("orders, dict")
    for theme in lab_page.themes():
        lab_page.screenshot(f"error-fix-{theme.lower()}")
    output.get_by_role("button", name="Put below").click()
    expect(lab_page.cell(3).locator(".cm-content")).to_have_text("total = 0total += orders['n']")
    # It is not run.
    expect(lab_page.cell(3).locator(".jp-InputArea-prompt")).to_have_text("[ ]:")
    assert len(scripted.requests) == 1
