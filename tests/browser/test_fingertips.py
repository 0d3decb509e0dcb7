"""Tab, lists and `%llm error` in JupyterLab, as a person uses them."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, text_reply

FIX = "**No such key.** `orders` has `n`, not `count`.\n\n```python\ntotal = 0\ntotal += orders['n']\n```"


def _type(cell: Locator, lab_page: LabPage, text: str) -> None:
    """Put the cursor into an empty cell and type."""
    cell.locator(".cm-content").click()
    lab_page.page.keyboard.press("Control+a")
    lab_page.page.keyboard.press("Delete")
    lab_page.page.keyboard.type(text)


def test_tab_completes_what_is_typed_in_a_cell(lab_page: LabPage, scripted: OpenAIServer) -> None:
    lab_page.write("tab.ipynb", ["%load_ext llm_notebook\ndef erase(path): ...", "1 + 1", ""])
    lab_page.run_cell(0)
    lab_page.run_cell(1)
    lab_page.wait_until_ran(1)
    cell, keyboard = lab_page.cell(2), lab_page.page.keyboard
    offered = lab_page.page.locator(".jp-Completer-item")
    for typed, offers, becomes in [
        ("%llm hist", "history", "%llm history"),
        ("%llm -m script", "scripted", "%llm -m scripted"),
        ("%%llm -T era", "erase", "%%llm -T erase"),
        ("%llm error fi", "fix", "%llm error fix"),
        ("%%llm -m scripted --hide", "--hide-reasoning", "%%llm -m scripted --hide-reasoning"),
        ("%llm e", "error", "%llm error"),
    ]:
        _type(cell, lab_page, typed)
        keyboard.press("Tab")
        expect(offered.first.locator(".jp-Completer-match")).to_have_text(offers)
        keyboard.press("Enter")
        expect(cell.locator(".cm-content")).to_have_text(becomes)
        expect(offered).to_have_count(0)
    assert not scripted.requests


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
    lab_page.wait_until_ran(1)
    lab_page.run_cell(2)
    output = lab_page.output(2)
    expect(output.locator(".llm-proposal .llm-strong")).to_have_text("Proposed cell")
    expect(output.locator(".llm-proposal del")).to_have_text("count")
    expect(output.locator(".llm-answer")).to_have_text("No such key. orders has n, not count.")
    summary = output.locator(".llm-fold summary").first
    expect(summary).to_contain_text("sent: In[2], its traceback, 2 values")
    summary.click()
    expect(output.locator(".llm-fold-body").first).to_contain_text("orders, dict of 1")
    for theme in ("Light", "Dark"):
        lab_page.theme(theme)
        lab_page.screenshot(f"error-fix-{theme.lower()}")
    output.get_by_role("button", name="Put in a cell below").click()
    expect(lab_page.cell(3).locator(".cm-content")).to_have_text("total = 0total += orders['n']")
    # It is not run, and nothing else has changed.
    expect(lab_page.cell(3).locator(".jp-InputArea-prompt")).to_have_text("[ ]:")
    assert len(scripted.requests) == 1
    lab_page.save()
    lab_page.reopen_without_kernel()
    expect(lab_page.output(2).locator(".llm-proposal .llm-diff-line")).to_have_count(3)


def test_lists_have_groups_bars_and_a_tree(lab_page: LabPage, scripted: OpenAIServer) -> None:
    scripted.play(*(text_reply(f"Answer {number}.") for number in range(4)))
    cells = [
        "%load_ext llm_notebook",
        "%llm -m scripted What drove the dip in revenue?",
        "%llm -c Month by month, please.",
        "%llm history",
        "%llm usage model",
        "%llm models",
    ]
    lab_page.write("lists.ipynb", cells)
    for index in range(3):
        lab_page.run_cell(index)
        lab_page.wait_until_ran(index)
    lab_page.run_cell(2)
    lab_page.wait_until_ran(2)
    for index in range(3, 6):
        lab_page.run_cell(index)
    history = lab_page.output(3)
    expect(history.locator("tr.llm-past")).to_have_count(1)
    expect(history.locator("th[colspan]").first).to_have_text("this notebook")
    expect(history.locator(".llm-branch")).to_have_count(2)
    expect(lab_page.output(4).locator(".llm-bar i").first).to_be_visible()
    expect(lab_page.output(5).locator("th[colspan]").first).to_have_text("Ready now")
    for theme in ("Light", "Dark"):
        lab_page.theme(theme)
        lab_page.screenshot(f"lists-{theme.lower()}")
