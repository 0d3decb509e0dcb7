"""Notebook 7 has the same extension: a question is a card with buttons there, and belongs to its notebook; a formula is set."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from scripts.lab_server import LabServer
from tests.browser.asking import ASK, BELOW, DEFINE, Asking
from tests.browser.conftest import running_lab
from tests.browser.lab.test_notebooks import question_in, rename
from tests.fakes.openai_server import call_reply, text_reply


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A Notebook 7."""
    with running_lab(tmp_path_factory.mktemp("notebook"), program="notebook") as server:
        yield server


def test_a_card_is_approved_in_its_cell_and_saved_as_a_record(asking: Asking) -> None:
    asking.open(body='from IPython.display import HTML, display\nprint("looking")\ndisplay(HTML("<b>drawn</b>"))')
    formula = r"$\frac{a_1}{b^2}$"
    asking.ask(text_reply("All tidy. ", f"Of it, {formula} is gone."))
    asking.lab.screenshot("notebook-7-card")
    asking.lab.run_source(BELOW, "print('below ran')\n%llm pending")
    listed = asking.lab.output(BELOW).get_by_role("region", name="Waiting questions").get_by_role("row").nth(1)
    for text in ('delete_files path="/tmp/old"', "“Tidy up.”", "this notebook, [2]", "scripted", "just now"):
        expect(listed).to_contain_text(text)
    listed.scroll_into_view_if_needed()
    asking.lab.screenshot("notebook-7-pending")
    asking.button("Approve").click()
    asking.expect_answer()
    expect(asking.output.locator(".llm-answer math mfrac msup")).to_be_visible()
    expect(asking.output.locator(".llm-answer").last).not_to_contain_text(formula)
    expect(asking.output).to_contain_text("drawn")
    expect(asking.lab.output(BELOW)).not_to_contain_text("drawn")
    asking.lab.screenshot("notebook-7-answer")
    assert asking.ran == ["/tmp/old"]
    data = [output["data"] for output in asking.saved()]
    assert ["application/vnd.jupyter.widget-view+json" in bundle for bundle in data] == [False, False]


def test_a_question_waits_through_a_reload_a_restart_and_a_rename_and_not_in_a_copy(asking: Asking) -> None:
    asking.open()
    asking.ask(call_reply("delete_files", '{"path": "/tmp/copy"}'), text_reply("All tidy."))
    asked = question_in(asking)
    asking.load_page()
    asking.wait_for_card()
    rename(asking)
    asking.lab.run_cell(BELOW)
    expect(asking.lab.output(BELOW)).to_contain_text("below ran")
    asking.lab.restart_kernel()
    asking.lab.run_cell(DEFINE)
    asking.lab.run_cell(ASK)
    assert question_in(asking) == asked
    assert len(asking.server.requests) == 1

    shutil.copy(asking.lab.file, asking.lab.lab.root / f"{asking.name}-copy.ipynb")
    asking.lab.open(f"{asking.name}-copy.ipynb")
    asking.lab.run_cell(DEFINE)
    asking.lab.run_cell(ASK)
    expect(asking.output).to_contain_text("same cell of")
    assert question_in(asking) != asked
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/copy"]


def test_without_a_kernel_a_question_is_a_record_and_a_new_kernel_is_asked(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.lab.save()
    asking.lab.lab.shut_down_kernels()
    asking.load_page()
    expect(asking.output).to_contain_text("llm_notebook is not loaded")
    expect(asking.button("Approve")).to_have_count(0)
    asking.ask_kernel()
    expect(asking.output).to_contain_text("Run the cell that defines delete_files")
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]


def test_commands_prompt_cells_and_the_panel_work_and_nothing_complains(asking: Asking) -> None:
    errors: list[str] = []
    asking.page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    # Notebook 7 raises an error of its own when it starts, without the extension too.
    asking.page.on(
        "pageerror", lambda error: errors.append(str(error)) if "jupyter-llm-notebook" in str(error.stack) else None
    )
    asking.open()
    lab, page = asking.lab, asking.page
    lab.cell(DEFINE).locator(".jp-InputPrompt").click()
    page.locator(".lm-MenuBar").get_by_text("Run", exact=True).click()
    page.locator(".lm-Menu").get_by_text("Ask About This Cell", exact=True).click()
    asked = lab.cell(1)
    expect(asked.locator(".cm-content")).to_be_focused()
    expect(asked.locator(".llm-prompt-magic")).to_be_visible()
    page.keyboard.type("Why?")
    asked.get_by_role("button", name=re.compile(r"^Model: .+\. Change$")).click()
    page.locator(".lm-Menu").get_by_text("scripted", exact=True).click()
    expect(asked.locator(".cm-line").first).to_have_text("%%llm -m scripted --context 1")
    lab.screenshot("notebook-7-commands")
    lab.cell(1).locator(".jp-InputPrompt").click()
    page.keyboard.press("p")
    expect(asked.locator(".llm-prompt-magic")).to_have_count(0)

    page.get_by_role("button", name="Prompt first").click()
    lab.command("notebook:insert-cell-below")
    expect(page.locator(".jp-CodeCell.jp-mod-active .llm-prompt-magic")).to_have_text("%%llm")
    lab.save()
    assert json.loads(lab.file.read_text(encoding="utf-8"))["metadata"]["llm_notebook"]["promptFirst"] is True

    # The panel stays closed until it is asked for.
    panel = page.get_by_role("region", name="Language models", exact=True)
    expect(panel).to_have_count(0)
    lab.command("llm-notebook:panel")
    waiting = panel.get_by_role("region", name="Waiting for you", exact=True)
    expect(waiting).to_be_visible()
    asking.play()
    lab.run_source(1, "%llm -m scripted -T delete_files Tidy up.")
    mine = waiting.get_by_role("button", name=re.compile("delete_files")).filter(has_text=asking.name)
    expect(mine).to_be_visible()
    lab.screenshot("notebook-7-panel")
    expect(asking.button("Approve")).not_to_have_attribute("aria-disabled", "true")
    mine.click()
    approve = waiting.get_by_role("button", name="Approve", exact=True)
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    approve.click()
    expect(lab.answer(1).last).to_contain_text("All tidy.")
    assert asking.ran == ["/tmp/old"]
    assert errors == []
