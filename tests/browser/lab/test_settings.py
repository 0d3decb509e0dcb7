"""The form in JupyterLab's settings editor: what each setting changes, in the page that is open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from tests.browser.lab.test_commands import AXE, SERIOUS
from tests.browser.lab.test_entries import TO_NOTEBOOK

_FORM = "[id='jp-SettingsEditor-jupyter-llm-notebook:settings']"


@pytest.fixture
def settings(lab_page: LabPage) -> Iterator[LabPage]:
    """A page with a notebook, whose settings are forgotten afterwards."""
    yield lab_page
    folder = Path(lab_page.lab.environment["JUPYTERLAB_SETTINGS_DIR"], "jupyter-llm-notebook")
    for file in folder.glob("*"):
        file.unlink()


def _set(lab: LabPage, name: str, *, on: bool) -> None:
    """Change a setting in the form, wait until it is stored, and come back to the notebook."""
    lab.command("settingeditor:open", {"query": "Language Models"})
    box = lab.page.locator(_FORM).get_by_label(name, exact=True)
    with lab.page.expect_response(lambda answer: answer.request.method == "PUT" and "/api/settings/" in answer.url):
        box.set_checked(on)
    lab.page.evaluate(TO_NOTEBOOK, lab.name)


def _first_line(cell: Locator) -> Locator:
    return cell.locator(".cm-line").first


def test_each_setting_takes_effect_at_once(settings: LabPage) -> None:
    lab, page = settings, settings.page
    lab.write("settings.ipynb", ["%load_ext llm_notebook", "1 / 0", "%%llm\nWhy?"])
    for index in (0, 1):
        lab.run_cell(index)
        lab.wait_until_ran(index)
    failed, prompt = lab.cell(1), lab.cell(2)
    line = failed.get_by_role("group", name="About this error")
    badge = prompt.locator(".llm-badge")
    status = page.get_by_role("group", name="Language models")
    for shown in (line, badge, status):
        expect(shown).to_be_visible()
    page.add_script_tag(path=AXE)
    failed.locator(".jp-InputPrompt").click()
    for theme in lab.themes():
        lab.screenshot(f"settings-ask-{theme.lower()}")
        assert page.evaluate(SERIOUS, [".llm-failed", ".llm-badge", ".llm-status", "[data-jp-item-name=llm-ask]"]) == []

    for name, shown in (
        ("Explain and Fix on failed cells", line),
        ("Model below each prompt", badge),
        ("Status bar", status),
    ):
        _set(lab, name, on=False)
        expect(shown).to_be_hidden()
        _set(lab, name, on=True)
        expect(shown).to_be_visible()

    _set(lab, "Ask About This Cell sends all cells above", on=True)
    failed.locator(".jp-InputPrompt").click()
    failed.get_by_role("button", name="Ask", exact=True).click()
    expect(_first_line(lab.cell(2))).to_have_text("%%llm --context above")

    left, right = (
        page.locator(f".jp-SideBar.jp-mod-{side} [data-id=llm-notebook-panel]") for side in ("left", "right")
    )
    expect(left).to_be_visible()
    _set(lab, "Panel on the right", on=True)
    expect(right).to_be_visible()
    expect(left).to_have_count(0)
    _set(lab, "Panel on the right", on=False)
    expect(left).to_be_visible()
    expect(right).to_have_count(0)

    _set(lab, "Prompt first", on=True)
    # A notebook that is open keeps its choice, and one that is made now begins with a prompt.
    before = page.locator(".jp-CodeCell").count()
    lab.command("notebook:enter-command-mode")
    lab.command("notebook:insert-cell-below")
    expect(page.locator(".jp-CodeCell")).to_have_count(before + 1)
    expect(page.locator(".jp-CodeCell.jp-mod-active .llm-prompt-magic")).to_have_count(0)
    lab.command("notebook:create-new", {"kernelName": "python3"})
    made = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")
    expect(made.locator(".llm-prompt-magic")).to_have_text("%%llm")


def test_the_form_can_be_read_by_everyone(settings: LabPage) -> None:
    lab, page = settings, settings.page
    lab.write("form.ipynb", ["1"])
    lab.command("settingeditor:open", {"query": "Language Models"})
    form = page.locator(_FORM)
    expect(form.get_by_role("checkbox")).to_have_count(6)
    page.add_script_tag(path=AXE)
    for theme in lab.themes():
        lab.screenshot(f"settings-{theme.lower()}")
        assert page.evaluate(SERIOUS, [_FORM]) == []
