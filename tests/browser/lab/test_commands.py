"""The commands of the extension: where a newcomer finds them, what each makes, and that none sends, runs or decides by itself."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from tests.browser.asking import ASK, Asking
from tests.fakes.openai_server import OpenAIServer, text_reply

AXE = Path(__file__).parents[3] / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = """async include => {
  const { violations } = await axe.run({ include: include.map(one => [one]) });
  return violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
    .flatMap(({ id, nodes }) => nodes.map(node => [id, node.html.slice(0, 200)]));
}"""
_FIX = "`count` is not defined; `counts` is.\n\n```python\nlen(counts)\n```"


def _source(cell: Locator) -> str:
    """The text of a cell's editor."""
    return "\n".join(cell.locator(".cm-line").all_text_contents())


def _body(cell: Locator) -> str:
    """The text of a prompt without the invitation to ask."""
    ghost = cell.locator(".llm-prompt-ghost").text_content() or ""
    return _source(cell).replace(ghost, "", 1)


def _choose(lab: LabPage, menu: str, item: str) -> None:
    """Choose an item of a menu of the menu bar."""
    lab.page.locator(".lm-MenuBar").get_by_text(menu, exact=True).click()
    lab.page.locator(".lm-Menu").get_by_text(item, exact=True).click()


def _select(cell: Locator) -> None:
    """Select a cell in command mode, as a click beside it does."""
    cell.locator(".jp-InputPrompt").click()


def test_a_newcomer_asks_about_a_cell_from_its_toolbar_its_context_menu_the_run_menu_and_a_key(
    lab_page: LabPage,
) -> None:
    lab_page.write("ask-about.ipynb", ["7", "x"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    page, first = lab_page.page, lab_page.cell(0)

    _select(first)
    page.keyboard.press("q")
    expect(lab_page.cell(1).locator(".cm-content")).to_be_focused()
    lab_page.command("notebook:enter-command-mode")
    lab_page.command("notebook:undo-cell-action")
    expect(page.locator(".jp-CodeCell")).to_have_count(2)

    _select(first)
    first.get_by_role("button", name="Ask", exact=True).click()
    prompt = lab_page.cell(1)
    expect(prompt.locator(".cm-content")).to_be_focused()
    page.keyboard.type("Why seven?")
    assert _source(prompt) == "%%llm --context 1\nWhy seven?"
    lab_page.screenshot("commands-ask-about-cell")

    _select(lab_page.cell(2))
    lab_page.cell(2).locator(".cm-content").click(button="right")
    page.locator(".lm-Menu").get_by_text("Ask About This Cell", exact=True).hover()
    lab_page.screenshot("commands-context-menu")
    page.locator(".lm-Menu").get_by_text("Ask About This Cell", exact=True).click()
    expect(lab_page.cell(3).locator(".cm-content")).to_be_focused()
    assert _body(lab_page.cell(3)) == "%%llm --context 1\n"

    _select(first)
    _choose(lab_page, "Run", "Ask About This Cell")
    expect(page.locator(".jp-CodeCell")).to_have_count(5)
    expect(page.locator(".llm-transcript")).to_have_count(0)


def test_a_selection_is_asked_about_and_cells_turn_into_prompts_and_back(lab_page: LabPage) -> None:
    lab_page.write("selection.ipynb", ["alpha = 1\nbeta = 2", "gamma"])
    page, first = lab_page.page, lab_page.cell(0)
    first.locator(".cm-content").click()
    page.keyboard.press("Control+Home")
    page.keyboard.press("Shift+End")
    page.keyboard.press("Alt+q")
    expect(lab_page.cell(1).locator(".cm-content")).to_be_focused()
    assert _body(lab_page.cell(1)) == "%%llm\n\n\nFrom the cell:\n```python\nalpha = 1\n```"

    _select(lab_page.cell(2))
    page.keyboard.press("p")
    expect(lab_page.cell(2).locator(".llm-prompt-magic")).to_be_visible()
    assert _source(lab_page.cell(2)) == "%%llm\ngamma"
    lab_page.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource('%%llm -m gpt-5\\ngamma')"
    )
    page.keyboard.press("p")
    expect(lab_page.cell(2).locator(".llm-prompt-magic")).to_have_count(0)
    assert _source(lab_page.cell(2)) == "gamma"
    page.keyboard.press("p")
    expect(lab_page.cell(2).locator(".llm-prompt-magic")).to_be_visible()
    # What was chosen for the prompt is not lost.
    assert _source(lab_page.cell(2)) == "%%llm -m gpt-5\ngamma"
    page.keyboard.press("Shift+P")
    expect(lab_page.cell(3).locator(".cm-content")).to_be_focused()
    assert _body(lab_page.cell(3)) == "%%llm\n"


def test_an_error_is_explained_and_mended_where_it_is_and_nothing_runs_by_itself(
    lab_page: LabPage, scripted: OpenAIServer
) -> None:
    lab_page.write(
        "failed.ipynb", ["%load_ext llm_notebook\n%llm default scripted\ncounts = [1, 2]", "len(count)", "1"]
    )
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    lab_page.run_cell(1)
    lab_page.wait_until_ran(1)
    page, failed = lab_page.page, lab_page.cell(1)
    line = failed.get_by_role("group", name="About this error")
    expect(line).to_contain_text("sends this cell, the error and the values that it names")
    assert scripted.requests == []

    scripted.play(text_reply("There is no `count`."))
    line.get_by_role("button", name="Explain").click()
    expect(failed.locator(".llm-answer")).to_contain_text("There is no count.")
    lab_page.wait_until_idle()
    scripted.play(text_reply(_FIX))
    lab_page.screenshot("commands-explained")
    _select(failed)
    _choose(lab_page, "Run", "Fix This Cell…")
    proposal = failed.get_by_role("region", name="Proposed cell")
    expect(proposal).to_contain_text("not run")
    lab_page.wait_until_idle()
    for theme in lab_page.themes():
        proposal.scroll_into_view_if_needed()
        lab_page.screenshot(f"commands-fix-{theme.lower()}")
    assert _source(failed) == "len(count)"

    # With the keyboard alone, the focus is on what undoes a step, and then on what does it again.
    replace, undo = (proposal.get_by_role("button", name=name) for name in ("Replace", "Undo"))
    replace.focus()
    page.keyboard.press("Enter")
    expect(undo).to_be_focused()
    assert _source(failed) == "len(counts)"
    expect(proposal).to_contain_text("Replaced. Not run.")
    expect(failed.locator(".jp-InputPrompt")).to_have_text("[2]:")
    lab_page.screenshot("commands-replaced")
    page.keyboard.press("Enter")
    expect(replace).to_be_focused()
    assert _source(failed) == "len(count)"
    proposal.get_by_role("button", name="Put below").click()
    expect(page.locator(".jp-CodeCell")).to_have_count(4)
    assert _source(lab_page.cell(2)) == "len(counts)"
    expect(lab_page.cell(2).locator(".jp-InputPrompt")).to_have_text("[ ]:")
    # A cell that was edited in the meantime is left alone.
    failed.locator(".cm-content").click()
    page.keyboard.press("End")
    page.keyboard.type("  # mine")
    proposal.get_by_role("button", name="Replace").click()
    expect(proposal).to_contain_text("The cell has changed since")
    assert _source(failed) == "len(count)  # mine"
    assert len(scripted.requests) == 2


def test_an_error_of_an_earlier_kernel_is_not_taken_for_one_of_this_kernel(
    lab_page: LabPage, scripted: OpenAIServer
) -> None:
    lab_page.write("earlier.ipynb", ["%load_ext llm_notebook", "len(count)", "1 / 0"])
    for index in (0, 1):
        lab_page.run_cell(index)
        lab_page.wait_until_ran(index)
    lab_page.restart_kernel()
    for index in (0, 2):
        lab_page.run_cell(index)
        lab_page.wait_until_ran(index)
    expect(lab_page.cell(2).locator(".jp-InputPrompt")).to_have_text("[2]:")
    failed = lab_page.cell(1)
    failed.get_by_role("button", name="Explain").click()
    expect(failed).to_contain_text("In[2] is another cell in this kernel")
    assert scripted.requests == []


def _choose_model(asking: Asking, status: Locator) -> None:
    """Choose the model of the notebook in the status bar by keyboard, and look at it in both themes."""
    page = asking.page
    button = status.get_by_role("button", name="Model:")
    usual = button.text_content()
    page.add_script_tag(path=AXE)
    for theme in asking.lab.themes():
        button.click()
        menu = page.get_by_role("menu", name="Model of this notebook")
        expect(menu.get_by_text("scripted", exact=True)).to_be_visible()
        asking.lab.screenshot(f"status-models-{theme.lower()}")
        assert page.evaluate(SERIOUS, [".llm-status", ".lm-Menu"]) == []
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
    button.click()
    page.locator(".lm-Menu").get_by_text("scripted", exact=True).click()
    expect(button).to_have_text("scripted")
    # It is the notebook's, and is saved with it.
    asking.lab.save()
    metadata = json.loads(asking.lab.file.read_text(encoding="utf-8"))["metadata"]
    assert metadata["llm_notebook"] == {"model": "scripted"}
    asking.server.play(text_reply("Chosen."))
    asking.lab.run_source(ASK + 1, "%llm --new Who?")
    expect(asking.lab.answer(ASK + 1)).to_contain_text("Chosen.")
    asking.lab.wait_until_idle()
    asking.lab.run_source(ASK + 1, "print('below ran')")
    asking.lab.command("llm-notebook:choose-model")
    page.locator(".lm-Menu").get_by_text("Your default").click()
    expect(button).to_have_text(str(usual))


def test_what_waits_is_shown_with_its_heading_in_focus_and_a_conversation_goes_on(asking: Asking) -> None:
    asking.open()
    page = asking.page
    status = page.get_by_role("group", name="Language models")
    expect(status.get_by_role("button", name="Model:")).to_be_visible()
    # Questions of other notebooks wait in the same journal.
    others = status.get_by_role("button", name="waiting for your decision")
    before = int(others.inner_text().split()[0]) if others.count() else 0
    asking.ask()
    waiting = status.get_by_role("button", name=f"{before + 1} waiting for your decision. Show it")
    expect(waiting).to_be_visible()
    waiting.click()
    panel = page.get_by_role("region", name="Waiting for you")
    expect(panel.get_by_role("button", name="delete_files").first).to_be_focused()
    page.keyboard.press("Escape")
    _select(asking.lab.cell(0))
    page.keyboard.press("w")
    expect(asking.card.get_by_role("heading", name="delete_files")).to_be_focused()
    expect(asking.card).to_be_in_viewport()
    assert asking.ran == []
    asking.button("Approve").click()
    asking.expect_answer()
    asking.lab.wait_until_idle()
    expect(waiting).to_have_count(0)
    _choose_model(asking, status)

    _select(asking.lab.cell(ASK))
    asking.server.play(text_reply("Nothing else."))
    asking.lab.command("llm-notebook:continue")
    goes_on = asking.lab.cell(ASK + 1)
    expect(goes_on.locator(".cm-content")).to_be_focused()
    page.keyboard.type("What else?")
    page.keyboard.press("Shift+Enter")
    expect(goes_on.locator(".llm-answer")).to_contain_text("Nothing else.")
    said = [message.get("content") for message in asking.server.requests[-1].json()["messages"]]
    assert [text for text in said if text] == [
        "Tidy up.",
        "I will tidy up.",
        "deleted /tmp/old",
        "All tidy.",
        "What else?",
    ]
    _select(asking.lab.cell(ASK + 1))
    asking.lab.command("llm-notebook:run-below")
    expect(asking.lab.output(ASK + 2)).to_contain_text("below ran")
