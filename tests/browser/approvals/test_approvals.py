"""The approval card in JupyterLab: what a person decides is what runs, exactly once, in the cell that asked."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import yaml
from playwright.sync_api import expect

from scripts.lab_page import LabPage
from tests.browser.asking import ASK, BELOW, DEFINE, Asking
from tests.fakes.openai_server import call_reply, text_reply
from tests.peers.llama_server import LlamaServer


def test_what_a_person_decides_is_what_happens(asking: Asking) -> None:
    asking.open()
    asking.ask()
    expect(asking.card).to_contain_text("delete_files")
    expect(asking.card).to_contain_text("/tmp/old")
    assert asking.ran == []
    asking.page.screenshot(path="test-results/approval-card.png")
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert asking.results() == ["deleted /tmp/old"]
    expect(asking.output).to_contain_text("I will tidy up.")
    outputs = asking.saved()
    assert [sorted(output["data"]) for output in outputs] == [
        ["application/vnd.llm-notebook.transcript+json", "text/markdown", "text/plain"]
    ]

    # An edited call runs as edited, and the model is told.
    asking.ask(text_reply("Older ones are gone."))
    asking.button("Edit…").click()
    asking.card.get_by_role("textbox").first.fill("/tmp/older")
    asking.button("Approve edited").click()
    asking.expect_answer("Older ones are gone.")
    assert asking.ran == ["/tmp/old", "/tmp/older"]
    assert "changed the arguments" in asking.results()[0]

    # A denial carries its reason to the model.
    asking.ask(text_reply("Then I leave it."))
    asking.button("Deny…").click()
    asking.card.get_by_role("textbox").first.fill("It is Monday")
    asking.button("Deny").click()
    asking.expect_answer("Then I leave it.")
    assert asking.results() == ["Denied by the user: It is Monday"]
    expect(asking.output).to_contain_text("It is Monday")

    # A human can answer in the tool's place.
    asking.ask(text_reply("So be it."))
    asking.button("Answer myself…").click()
    asking.card.get_by_role("textbox").first.fill("Nothing was there")
    asking.button("Send answer").or_(asking.button("Answer")).click()
    asking.expect_answer("So be it.")
    assert asking.results() == ["Nothing was there"]
    assert asking.ran == ["/tmp/old", "/tmp/older"]


def test_always_allow_asks_no_more_until_it_is_revoked(asking: Asking) -> None:
    asking.open()
    again = call_reply("delete_files", '{"path": "/tmp/two"}', "call_2")
    asking.ask(again, text_reply("Both are gone."))
    asking.button("Always allow").click()
    asking.card.get_by_role("button", name="In this notebook").click()
    asking.expect_answer("Both are gone.")
    assert asking.ran == ["/tmp/old", "/tmp/two"]

    asking.output.get_by_text("allowed in this notebook").click()
    asking.output.get_by_role("button", name="Revoke").click()
    expect(asking.output).to_contain_text("evoked")
    asking.ask(path="/tmp/three")
    assert asking.ran == ["/tmp/old", "/tmp/two"]


_UNTIL_GO = "import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)"


def test_double_clicks_and_two_tabs_give_one_run_when_the_kernel_is_free(asking: Asking) -> None:
    asking.open(below=_UNTIL_GO)
    go = asking.lab.lab.root / "go"
    asking.ask()
    asking.lab.save()
    other_tab = asking.page.context.new_page()
    other = Asking(LabPage(other_tab, asking.lab.lab), asking.server, asking.name)
    other.lab.open(asking.lab.name)
    other.wait_for_card()

    # While the kernel is busy, both clicks are made before either of them takes effect.
    asking.lab.run_cell(BELOW)
    expect(asking.lab.cell(BELOW).locator(".jp-InputPrompt")).to_have_text("[*]:")
    asking.button("Approve").dblclick()
    other.button("Approve").click()
    assert asking.ran == []
    go.touch()
    asking.expect_answer()
    expect(other.card).to_have_count(0)
    go.unlink()
    assert asking.ran == ["/tmp/old"]
    assert len(asking.server.requests) == 2


def test_stop_ends_the_resumed_chain_and_the_kernel_stays_usable(asking: Asking) -> None:
    asking.open(body="import time\nprint('work' + 'ing', flush=True)\ntime.sleep(60)")
    asking.ask()
    asking.button("Approve").click()
    expect(asking.output).to_contain_text("working")
    asking.lab.command("notebook:interrupt-kernel")
    expect(asking.card).to_contain_text("unknown")
    asking.lab.run_cell(BELOW)
    expect(asking.lab.output(BELOW)).to_contain_text("below ran")
    assert asking.ran == ["/tmp/old"]


def test_run_all_stops_at_the_question_which_a_restarted_kernel_can_decide(asking: Asking) -> None:
    asking.open()
    asking.ask_in_run_all()
    expect(asking.output).to_contain_text("1 cell below did not run")
    expect(asking.lab.output(BELOW)).to_have_text("")
    expect(asking.output.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.error']")).to_have_count(0)
    asking.button("Approve").click()
    asking.expect_answer()
    expect(asking.output).to_contain_text("Run the cell below")
    assert asking.ran == ["/tmp/old"]

    asking.ask(text_reply("Two are gone."), path="/tmp/two")
    asking.lab.restart_kernel()
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer("Two are gone.")
    assert asking.ran == ["/tmp/old", "/tmp/two"]


def test_a_kernel_killed_while_the_tool_runs_leaves_a_question(asking: Asking) -> None:
    asking.open(body="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    asking.ask()
    asking.lab.watch_restarts()
    asking.button("Approve").click()
    asking.lab.wait_until_restarted()
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.lab.run_cell(ASK)
    expect(asking.card).to_contain_text("unknown")
    assert asking.ran == ["/tmp/old"]
    asking.button("It ran…").click()
    asking.card.get_by_role("textbox").first.fill("they are gone")
    asking.card.get_by_role("button", name="Send").or_(asking.button("Answer")).first.click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert "they are gone" in asking.results()[0]
    assert len(asking.server.requests) == 2


_TALKATIVE = """\
print("a printed line")
from IPython.display import display, HTML
display(HTML("<b>a drawing</b>"))
print("said", input("Really? "))"""


def test_what_the_tool_shows_lands_in_its_own_cell(asking: Asking) -> None:
    asking.open(body=_TALKATIVE)
    for number, is_reloaded in enumerate((False, True), 1):
        asking.ask()
        if is_reloaded:
            asking.lab.wait_until_idle()
            asking.lab.save()
            asking.load_page()
            asking.wait_for_card()
        asking.lab.run_cell(BELOW)
        asking.lab.wait_until_ran(BELOW)
        asking.button("Approve").click()
        question = asking.output.locator(".jp-Stdin-input")
        question.fill("yes")
        question.press("Enter")
        asking.expect_answer()
        expect(asking.output).to_contain_text("a printed line")
        expect(asking.output).to_contain_text("a drawing")
        expect(asking.output).to_contain_text("said yes")
        expect(asking.lab.output(BELOW)).to_have_text("below ran")
        assert asking.ran == ["/tmp/old"] * number


_REAL = """\
%%llm -m real -T get_weather --ta -o tool_choice required -o logit_bias '{"107": 9, "39428": 9}' -o temperature 0 -o max_tokens 80 --cl 2
What is the weather in Paris?"""
_WEATHER = '''\
%load_ext llm_notebook
from typing import Literal

def get_weather(city: Literal["Paris", "Rome", "Oslo"]) -> str:
    """The weather in a city."""
    return f"18 degrees and sunny in {city}"
'''


def test_a_call_that_a_real_model_makes_is_approved(asking: Asking, tool_server: LlamaServer) -> None:
    models = Path(asking.lab.lab.environment["LLM_USER_PATH"], "extra-openai-models.yaml")
    models.write_text(
        yaml.safe_dump(
            [{"model_id": "real", "model_name": "smollm2", "api_base": tool_server.base_url, "supports_tools": True}]
        ),
        encoding="utf-8",
    )
    asking.lab.write(f"{asking.name}.ipynb", [_WEATHER, _REAL])
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.lab.run_cell(ASK)
    asking.wait_for_card()
    expect(asking.card).to_contain_text("get_weather")
    asking.button("Approve").click()
    # The model is forced to call the tool in every round, until the chain's limit.
    expect(asking.output).to_contain_text("Paused after 2 answers in a row")
    asking.output.locator("summary").filter(has_text="get_weather").first.click()
    expect(asking.output).to_contain_text("18 degrees and sunny in")


_AS_ON_THE_PAGE = """\
%load_ext llm_notebook
import os
import llm_notebook as llm

def approval_already_recorded(path):
    return llm.approved()

def record_approval_request(path):
    print("asked about", path)

def do_delete(path):
    with open("{ran}", "a") as file:
        print(path, file=file)

def delete_files(path: str) -> str:
    if not approval_already_recorded(path):
        record_approval_request(path)
        raise llm.PauseChain("waiting for approval to delete " + path)
    do_delete(path)
    return "deleted"

with open("{ran}.pid", "w") as file:
    file.write(str(os.getpid()))"""


def test_the_page_s_own_delete_files_survives_kill_9(asking: Asking) -> None:
    ran = f"{asking.name}.ran"
    cells = [_AS_ON_THE_PAGE.replace("{ran}", ran), "%%llm -m scripted -T delete_files\nTidy up.", "print('below ran')"]
    asking.lab.write(f"{asking.name}.ipynb", cells)
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.ask()
    expect(asking.card).to_contain_text("waiting for approval to delete /tmp/old")
    assert asking.ran == []

    asking.lab.watch_restarts()
    os.kill(int((asking.lab.lab.root / f"{ran}.pid").read_text()), signal.SIGKILL)
    asking.lab.wait_until_restarted()
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert asking.results() == ["deleted"]
    assert len(asking.server.requests) == 2
