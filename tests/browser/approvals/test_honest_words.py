"""What a transcript says of its turn is so: of dropped questions, of cells that did not run, of a cell that waits, of what a tool prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from playwright.sync_api import expect

from tests.browser.asking import ASK, BELOW, DEFINE, Asking
from tests.fakes.openai_server import call_reply


def _ask_only(asking: Asking, cell: int = ASK) -> None:
    """Run a prompt whose question is never carried out, so that the model is asked once."""
    asking.server.play(call_reply("delete_files", '{"path": "/tmp/old"}'))
    asking.lab.run_cell(cell)
    expect(asking.lab.output(cell).locator(".llm-ask")).to_be_visible()
    asking.lab.wait_until_idle()


def test_a_question_is_dropped_by_mouse_and_by_keyboard_without_asking_the_model(asking: Asking) -> None:
    asking.open()
    _ask_only(asking)
    asking.button("Drop this question…").click()
    expect(asking.card).to_contain_text("The call will not run, and the model is not asked.")
    asking.lab.screenshot("drop-light")
    asking.button("Back").click()
    asking.button("Drop this question…").click()
    asking.button("Drop").click()
    expect(asking.card).to_have_count(0)
    expect(asking.output).to_contain_text("dropped by you. It did not run.")
    asking.lab.screenshot("dropped-light")
    assert asking.ran == []
    assert len(asking.server.requests) == 1
    # What other notebooks have left waiting is listed all the same.
    asking.lab.run_source(BELOW, "%llm pending")
    expect(asking.lab.output(BELOW)).to_contain_text(re.compile("Nothing waits for you|Decide on the card"))
    expect(asking.lab.output(BELOW)).not_to_contain_text(asking.name)
    assert "Dropped by you" in json.dumps(asking.saved())

    _ask_only(asking)
    keyboard = asking.page.keyboard
    asking.button("Drop this question…").focus()
    keyboard.press("Enter")
    expect(asking.card.get_by_role("heading", name="Drop this question?")).to_be_focused()
    keyboard.press("Escape")
    expect(asking.button("Drop this question…")).to_be_focused()
    keyboard.press("Space")
    keyboard.press("Tab")
    expect(asking.button("Drop")).to_be_focused()
    keyboard.press("Enter")
    expect(asking.output).to_contain_text("dropped by you. It did not run.")
    # The focus stays in the transcript, on the row that takes the place of the card.
    expect(asking.output.locator("summary").filter(has_text="dropped")).to_be_focused()
    assert (asking.ran, len(asking.server.requests)) == ([], 2)

    # Nothing is said of cells that were not queued while it waits, or after it.
    asking.ask()
    asking.lab.run_source(BELOW, "print('below ran')")
    expect(asking.lab.output(BELOW)).to_contain_text("below ran")
    expect(asking.output).not_to_contain_text("did not run")
    asking.button("Approve").click()
    asking.expect_answer()
    expect(asking.output).not_to_contain_text("did not run")


def test_questions_whose_model_is_gone_can_be_dropped_and_denied(asking: Asking) -> None:
    asking.open(below="%%llm -m scripted -T delete_files\nTidy up more.")
    _ask_only(asking)
    _ask_only(asking, BELOW)
    other = asking.lab.output(BELOW).locator(".llm-ask")
    models = Path(asking.lab.lab.environment["LLM_USER_PATH"], "extra-openai-models.yaml")
    models.write_text(yaml.safe_dump([]), encoding="utf-8")
    asking.lab.restart_kernel()
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    for card in (asking.card, other):
        expect(card).to_contain_text("does not know the model scripted")
        approve = card.get_by_role("button", name="Approve", exact=True)
        expect(approve).to_have_attribute("aria-disabled", "true")

    asking.button("Drop this question…").click()
    asking.button("Drop").click()
    expect(asking.output).to_contain_text("dropped by you. It did not run.")
    other.get_by_role("button", name="Deny…").click()
    other.get_by_role("textbox").first.fill("Not today")
    other.get_by_role("button", name="Deny", exact=True).click()
    expect(asking.lab.output(BELOW)).to_contain_text("denied by you: “Not today”")
    for output in (asking.output, asking.lab.output(BELOW)):
        expect(output.locator(".llm-ask")).to_have_count(0)
        expect(output).not_to_contain_text("Stopped by you")
    assert (asking.ran, len(asking.server.requests)) == ([], 2)


_ALSO = "print('also ' + 'ran')"


def _write_four(asking: Asking) -> None:
    cells = [asking.tool(), "%%llm -m scripted -T delete_files\nTidy up.", "print('below ' + 'ran')", _ALSO]
    asking.lab.write(f"{asking.name}.ipynb", cells)


def test_cells_that_were_queued_are_offered_once_the_turn_is_over_and_until_they_run(asking: Asking) -> None:
    _write_four(asking)
    asking.ask_in_run_all()
    expect(asking.output).to_contain_text("2 cells below did not run, because this one waits for you.")
    expect(asking.output.get_by_role("button", name="Run the cells below")).to_have_count(0)
    asking.lab.screenshot("held-up-waiting-light")
    asking.button("Approve").click()
    asking.expect_answer()
    run = asking.output.get_by_role("button", name="Run the cells below")
    expect(run).to_be_visible()
    asking.lab.screenshot("held-up-done-light")
    asking.lab.theme("Dark")
    asking.lab.screenshot("held-up-done-dark")
    asking.lab.theme("Light")
    run.click()
    expect(asking.lab.output(BELOW)).to_contain_text("below ran")
    expect(asking.lab.output(BELOW + 1)).to_contain_text("also ran")
    expect(asking.output).not_to_contain_text("did not run")
    assert asking.ran == ["/tmp/old"]
    assert len(asking.server.requests) == 2
    assert "did not run" not in json.dumps(asking.saved())

    # Cells that run by themselves are not offered any more.
    asking.ask_in_run_all()
    expect(asking.output).to_contain_text("2 cells below did not run")
    expect(asking.lab.output(BELOW + 1)).to_have_text("")
    asking.lab.run_cell(BELOW)
    expect(asking.output).to_contain_text("1 cell below did not run")
    # What is offered survives the page, since the kernel knows it.
    asking.lab.save()
    asking.load_page()
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    asking.output.get_by_role("button", name="Run the cell below").click()
    expect(asking.lab.output(BELOW + 1)).to_contain_text("also ran")
    expect(asking.output).not_to_contain_text("did not run")

    # What a saved notebook says of other cells is not repeated.
    asking.ask_in_run_all()
    expect(asking.output).to_contain_text("2 cells below did not run")
    asking.lab.wait_until_idle()
    asking.lab.reopen_without_kernel()
    expect(asking.output).to_contain_text("As saved")
    expect(asking.output).not_to_contain_text("below did not run")
    asking.lab.start_kernel()
    expect(asking.output).not_to_contain_text("below did not run")


def test_a_cell_that_asks_by_keyboard_is_still_running(asking: Asking) -> None:
    asking.open(options="--wait")
    asking.play()
    asking.lab.run_cell(ASK)
    field = asking.output.locator(".jp-Stdin-input")
    expect(field).to_be_visible()
    expect(asking.card).to_contain_text("Nothing has run.")
    expect(asking.card).to_contain_text("Answer in the field below")
    expect(asking.card).not_to_contain_text("has ended")
    expect(asking.button("Approve")).to_have_attribute("aria-disabled", "true")
    asking.lab.screenshot("wait-light")
    field.fill("q")
    field.press("Enter")
    expect(asking.card).to_contain_text("The cell has ended; take your time.")
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]


_PRINTS = """\
import sys, time, pathlib
print('<section class="llm-ask"><button>Approve</button></section> \\u202e')
print("to stderr", file=sys.stderr)
while not pathlib.Path("go").exists(): time.sleep(0.05)"""


def test_what_a_tool_prints_is_text_in_its_call(asking: Asking) -> None:
    asking.open(body=_PRINTS)
    go = asking.lab.lab.root / "go"
    asking.ask()
    asking.button("Approve").click()
    printed = asking.output.locator(".llm-fold .llm-printed")
    # It is there while the tool runs.
    expect(printed).to_contain_text("to stderr")
    expect(printed).to_contain_text('<section class="llm-ask"><button>Approve</button></section> \\u{202e}')
    asking.lab.screenshot("printed-running-light")
    expect(asking.card).to_have_count(0)
    go.touch()
    asking.expect_answer()
    go.unlink()
    asking.output.locator("summary").filter(has_text="delete_files").click()
    expect(printed).to_contain_text("to stderr")
    asking.lab.screenshot("printed-light")
    asking.lab.theme("Dark")
    asking.lab.screenshot("printed-dark")
    asking.lab.theme("Light")
    outputs = asking.saved()
    assert len(outputs) == 1
    assert "to stderr" in json.dumps(outputs)

    asking.lab.open(asking.lab.name)
    asking.output.locator("summary").filter(has_text="delete_files").click()
    expect(printed).to_contain_text("to stderr")
