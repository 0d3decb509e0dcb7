"""Which notebook a question belongs to: it follows a renamed file, and a copy asks for itself."""

from __future__ import annotations

import shutil

from playwright.sync_api import expect

from tests.browser.asking import ASK, BELOW, DEFINE, Asking
from tests.fakes.openai_server import call_reply, text_reply


def question_in(asking: Asking) -> str:
    """Return the id of the question that the notebook's cell shows."""
    asking.wait_for_card()
    [block] = [
        block
        for output in asking.saved()
        for block in output["data"]["application/vnd.llm-notebook.transcript+json"]["blocks"]
        if block["kind"] == "call"
    ]
    return str(block["callId"])


def rename(asking: Asking) -> None:
    name = f"{asking.name}-renamed.ipynb"
    asking.page.evaluate("name => window.jupyterapp.shell.currentWidget.context.rename(name)", name)
    asking.lab.name = name


def test_a_renamed_notebook_keeps_its_question_and_what_is_allowed_in_it(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.button("Always allow").click()
    asking.card.get_by_role("button", name="In this notebook").click()
    asking.expect_answer()
    rename(asking)
    asking.play()
    asking.lab.run_cell(ASK)
    asking.expect_answer()
    assert asking.ran == ["/tmp/old", "/tmp/old"]


def test_a_question_comes_back_after_a_rename_and_a_restart_but_not_in_a_copy(asking: Asking) -> None:
    asking.open()
    asking.ask(call_reply("delete_files", '{"path": "/tmp/copy"}'), text_reply("All tidy."))
    asked = question_in(asking)
    rename(asking)
    # The cell that hears of the new name need not ask a model.
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
