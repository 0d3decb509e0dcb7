"""Where JupyterLab offers the commands: the launcher, the menus, the palette and the list of shortcuts, which can be edited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

from scripts.lab_page import LabPage
from scripts.lab_server import LabServer
from tests.browser.lab.test_commands import AXE, SERIOUS
from tests.fakes.openai_server import OpenAIServer, text_reply

_RUN = [
    "Ask About This Cell",
    "Ask About the Selection",
    "New Prompt Cell",
    "Turn Into Prompt Cell",
    "Explain This Error",
    "Fix This Cell…",
    "Continue the Conversation Here",
    "Run the Cells Below",
    "Show What Waits",
    "Choose a Model…",
    "New Cells Are Prompts",
]
TO_NOTEBOOK = """name => {
  const { shell } = window.jupyterapp;
  shell.activateById([...shell.widgets('main')].find(one => one.context?.path === name).id);
}"""
_SAVE = """() => {
  const { context } = window.jupyterapp.shell.currentWidget;
  return context.save().then(() => context.path);
}"""
_IS_BOUND = """() => window.jupyterapp.commands.keyBindings.some(
  ({ command, keys }) => command === 'llm-notebook:ask-cell' && keys.join() === 'Ctrl Alt Y')"""
_APPLY = {
    "Ask About This Cell",
    "New Prompt Cell",
    "Turn Into Code Cell",
    "Run the Cells Below",
    "Show What Waits",
    "Choose a Model…",
    "New Cells Are Prompts",
    "Prompt Notebook",
    "Language Models Panel",
}


@pytest.fixture
def own_shortcuts(lab: LabServer) -> Iterator[None]:
    """Shortcuts that a test may change: they are forgotten afterwards."""
    yield
    folder = Path(lab.environment["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "shortcuts-extension")
    (folder / "shortcuts.jupyterlab-settings").unlink()


def _menu(page: Page, name: str) -> Locator:
    """Open a menu of the menu bar, and return it."""
    page.locator(".lm-MenuBar").get_by_text(name, exact=True).click()
    return page.locator(".lm-Menu")


def _texts(menu: Locator) -> list[str]:
    return menu.locator(".lm-Menu-itemLabel").all_text_contents()


def test_the_launcher_makes_a_notebook_whose_cells_are_prompts(lab_page: LabPage) -> None:
    page, lab = lab_page.page, lab_page.lab
    page.goto(f"{lab.url}lab/workspaces/auto-launcher?token={lab.token}&reset")
    card = page.locator(".jp-LauncherCard[data-category=Notebook]", has_text="Prompt Notebook")
    expect(card).to_be_visible()
    page.add_script_tag(path=AXE)
    for theme in lab_page.themes():
        lab_page.screenshot(f"entries-launcher-{theme.lower()}")
        assert page.evaluate(SERIOUS, ['.jp-LauncherCard[title="Prompt Notebook"]']) == []
    # The card has the speech bubble, not the first letter of its name.
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0

    card.click()
    cell = page.locator(".jp-CodeCell")
    expect(cell.locator(".llm-prompt-magic")).to_have_text("%%llm")
    # It is ready: nothing is asked, the launcher has made room, and the question can be typed.
    expect(cell.locator(".cm-content")).to_be_focused()
    page.keyboard.type("Who?")
    expect(page.locator(".jp-Launcher")).to_have_count(0)
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    # A kernel that has not started has not said that its cells are Python.
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget.content.codeMimetype.includes('python')")
    lab_page.command("notebook:enter-command-mode")
    lab_page.command("notebook:insert-cell-below")
    expect(page.locator(".jp-CodeCell .llm-prompt-magic")).to_have_count(2)
    lab_page.screenshot("entries-prompt-notebook")
    # JupyterLab's command would ask for a better name first.
    path = page.evaluate(_SAVE)
    saved = nbformat.read(lab.root / path, as_version=4)
    assert [(one.cell_type, one.source) for one in saved.cells] == [("code", "%%llm\nWho?"), ("code", "%%llm\n")]
    assert saved.metadata["kernelspec"]["name"] == "python3"


def test_the_menus_and_the_palette_offer_every_command(lab_page: LabPage) -> None:
    lab_page.write("entries.ipynb", ["6 * 7", "'below'"])
    page = lab_page.page
    lab_page.cell(0).locator(".jp-InputPrompt").click()
    run = _menu(page, "Run")
    offered = [text for text in _texts(run) if text]
    first = offered.index(_RUN[0])
    assert offered[first : first + len(_RUN)] == _RUN
    run.get_by_text("New Prompt Cell", exact=True).click()
    expect(lab_page.cell(1).locator(".llm-prompt-magic")).to_have_text("%%llm")
    lab_page.command("notebook:enter-command-mode")
    # One that is a prompt can be turned back, and the menu says so.
    run = _menu(page, "Run")
    expect(run.get_by_text("Turn Into Code Cell", exact=True)).to_be_visible()
    run.get_by_text("New Cells Are Prompts", exact=True).click()
    run = _menu(page, "Run")
    expect(run.get_by_role("menuitemcheckbox", name="New Cells Are Prompts")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("Escape")

    _menu(page, "View").get_by_text("Language Models Panel", exact=True).click()
    expect(page.get_by_role("region", name="Language models", exact=True)).to_be_visible()

    page.locator(".jp-Notebook").click(position={"x": 5, "y": 5})
    lab_page.command("apputils:activate-command-palette")
    palette = page.locator(".lm-CommandPalette")
    page.keyboard.type("language models panel")
    expect(palette.locator(".lm-CommandPalette-itemLabel").first).to_have_text("Language Models Panel")
    palette.locator("input").fill("")
    expect(palette.get_by_text("Ask About This Cell", exact=True)).to_be_attached()
    assert set(palette.locator(".lm-CommandPalette-itemLabel").all_text_contents()) >= _APPLY
    page.keyboard.press("Escape")


@pytest.mark.usefixtures("own_shortcuts")
def test_a_shortcut_is_changed_in_the_list_of_shortcuts(lab_page: LabPage) -> None:
    lab_page.write("shortcuts.ipynb", ["6 * 7"])
    page = lab_page.page
    cells = page.locator(".jp-CodeCell")
    lab_page.command("settingeditor:open", {"query": "Keyboard Shortcuts"})
    shortcuts = page.locator(".jp-Shortcuts-ShortcutUI")
    shortcuts.locator("input[type=search]").fill("Ask About This Cell")
    row = shortcuts.locator(".jp-Shortcuts-Row", has_text="Ask About This Cell")
    keys = row.locator(".jp-ContextualShortcut-Key")
    expect(keys).to_have_text(["Q"])
    row.locator(".jp-Shortcuts-ShortcutKeys").click()
    page.keyboard.press("Control+Alt+y")
    lab_page.screenshot("entries-shortcut")
    row.locator(".jp-Shortcuts-Submit").click()
    expect(keys).to_have_text(["Ctrl", "Alt", "Y"])
    expect(row).to_contain_text("Custom")
    # The list shows it before it is stored.
    page.wait_for_function(_IS_BOUND)

    page.evaluate(TO_NOTEBOOK, lab_page.name)
    lab_page.cell(0).locator(".jp-InputPrompt").click()
    page.keyboard.press("q")
    page.keyboard.press("Control+Alt+y")
    expect(cells).to_have_count(2)
    expect(cells.nth(1).locator(".cm-line").first).to_have_text("%%llm --context 1")
    lab_page.command("notebook:enter-command-mode")
    lab_page.cell(0).locator(".jp-InputPrompt").click()
    ask = _menu(page, "Run").locator(".lm-Menu-item", has_text="Ask About This Cell")
    expect(ask.locator(".lm-Menu-itemShortcut")).to_have_text("Ctrl+Alt+Y")


def test_the_status_bar_says_what_the_session_cost_and_leads_to_the_usage(
    lab_page: LabPage, openai_server: OpenAIServer
) -> None:
    openai_server.play(text_reply("Next to nothing."))
    account = f"import os\nos.environ |= {{'OPENAI_BASE_URL': {openai_server.base_url!r}, 'OPENAI_API_KEY': 'sk-none'}}"
    lab_page.write("cost.ipynb", [f"{account}\n%load_ext llm_notebook", "%%llm -m gpt-4o-mini\nWhat does it cost?"])
    page = lab_page.page
    for index in (0, 1):
        lab_page.run_cell(index)
        lab_page.wait_until_ran(index)
    expect(lab_page.answer(1)).to_have_text("Next to nothing.")
    status = page.get_by_role("group", name="Language models")
    cost = status.get_by_role("button", name="in this session. Show usage")
    expect(cost).to_have_text("$0.00")
    assert re.search(r"\d+ tokens in, \d+ out", str(cost.get_attribute("title")))
    page.add_script_tag(path=AXE)
    assert page.evaluate(SERIOUS, [".llm-status"]) == []
    cost.click()
    usage = page.get_by_role("region", name="Usage", exact=True)
    expect(usage.get_by_role("heading").get_by_role("button")).to_have_attribute("aria-expanded", "true")
    expect(usage.get_by_role("row").filter(has_text="gpt-4o-mini").first).to_be_visible()
    lab_page.screenshot("entries-cost")
