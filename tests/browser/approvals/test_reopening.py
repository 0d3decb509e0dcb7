"""A notebook with an open question is closed and opened again: nothing is lost, and any kernel can decide."""

from __future__ import annotations

import nbformat
from playwright.sync_api import expect

from tests.browser.asking import BELOW, DEFINE, Asking

_TRUSTED = "() => window.jupyterapp.shell.currentWidget.content.widgets.every(cell => cell.model.trusted)"


def _expect_still_open(asking: Asking) -> None:
    """Expect that the question is shown and cannot be answered."""
    expect(asking.output).to_contain_text("I will tidy up.")
    expect(asking.output).to_contain_text("As saved; start the kernel to decide.")
    expect(asking.card).to_have_count(0)
    asking.output.get_by_text("As saved;").click()
    expect(asking.output).to_contain_text("/tmp/old")


def _start_kernel(asking: Asking) -> None:
    asking.lab.start_kernel()
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)


def test_without_a_kernel_nothing_is_lost_and_a_new_one_decides(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.lab.reopen_without_kernel()
    assert asking.page.evaluate(_TRUSTED) is True
    _expect_still_open(asking)
    asking.lab.screenshot("reopened-without-kernel")

    _start_kernel(asking)
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert asking.results() == ["deleted /tmp/old"]
    _expect_finished_record(asking)


def test_untrusted_it_is_the_same(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.lab.save()
    notebook = nbformat.read(asking.lab.file, as_version=4)
    notebook.metadata["origin"] = "somebody else"
    nbformat.write(notebook, asking.lab.file)
    asking.lab.reopen_without_kernel(save=False)
    assert asking.page.evaluate(_TRUSTED) is False
    _expect_still_open(asking)

    _start_kernel(asking)
    asking.wait_for_card()
    asking.button("Deny…").click()
    asking.card.get_by_role("textbox").first.fill("not mine")
    asking.button("Deny").click()
    asking.expect_answer()
    assert asking.ran == []
    assert asking.results() == ["Denied by the user: not mine"]


def test_reloaded_while_the_kernel_lives_the_finished_record_reaches_the_file(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.lab.save()
    asking.load_page()
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    _expect_finished_record(asking)


def test_the_page_is_reloaded_while_the_tool_runs(asking: Asking) -> None:
    go = asking.lab.lab.root / "reloaded"
    asking.open(
        body="import time, pathlib\nprint('be' + 'fore', flush=True)\nwhile not pathlib.Path('reloaded').exists(): time.sleep(0.05)\nprint('af' + 'ter')"
    )
    asking.ask()
    asking.button("Approve").click()
    expect(asking.output).to_contain_text("before")
    asking.lab.save()
    asking.load_busy_page()
    expect(asking.output).to_contain_text("approved by you, running")
    asking.lab.screenshot("reloaded-while-running")
    go.touch()
    asking.expect_answer()
    go.unlink()
    asking.lab.screenshot("reloaded-then-done")
    expect(asking.output).to_contain_text("before")
    _expect_finished_record(asking)
    assert asking.ran == ["/tmp/old"]
    assert len(asking.server.requests) == 2


# The documentation that the Python API follows contains this tool.
_EXAMPLE = """\
%load_ext llm_notebook
import llm_notebook as llm

def approval_already_recorded(path): return llm.approved()
def record_approval_request(path): print("asking about", path)
def do_delete(path):
    with open("{ran}", "a") as file: print(path, file=file)

def delete_files(path: str) -> str:
    if not approval_already_recorded(path):
        record_approval_request(path)
        raise llm.PauseChain("waiting for approval to delete " + path)
    do_delete(path)
    return "deleted"
"""
_KILL = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


def test_a_tool_that_pauses_by_itself_survives_a_killed_kernel(asking: Asking) -> None:
    define = _EXAMPLE.format(ran=f"{asking.name}.ran")
    asking.lab.write(f"{asking.name}.ipynb", [define, "%%llm -m scripted -T delete_files\nTidy up.", _KILL])
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.ask()
    expect(asking.card).to_contain_text("waiting for approval to delete /tmp/old")
    expect(asking.card).to_contain_text("It has begun, and stopped to ask.")
    printed = asking.card.get_by_label("Printed by delete_files")
    expect(printed).to_have_text("asking about /tmp/old\n")
    asking.lab.screenshot("card-of-a-tool-that-asks")
    asking.lab.watch_restarts()
    asking.lab.run_cell(BELOW)
    asking.lab.wait_until_restarted()
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.wait_for_card()
    expect(printed).to_have_text("asking about /tmp/old\n")
    assert asking.ran == []
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert asking.results() == ["deleted"]
    _expect_finished_record(asking)


def _expect_finished_record(asking: Asking) -> None:
    """Expect that the file holds the whole answer, and nothing that only a kernel can show."""
    [output] = [output for output in asking.saved() if output["output_type"] != "stream"]
    assert sorted(output["data"]) == ["application/vnd.llm-notebook.transcript+json", "text/markdown", "text/plain"]
    assert output["data"]["application/vnd.llm-notebook.transcript+json"]["state"] == "done"
    assert "All tidy." in "".join(output["data"]["text/markdown"])
    assert "%llm approve" not in "".join(output["data"]["text/plain"])
