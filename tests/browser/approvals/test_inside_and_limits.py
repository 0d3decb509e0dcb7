"""A question of a chain inside a tool, and the limit of a chain, in JupyterLab."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from tests.browser.asking import ASK, BELOW, Asking
from tests.fakes.openai_server import call_reply, text_reply

TIDY = '''\
def tidy(path: str) -> str:
    """Let a helper tidy up."""
    return llm.get_model("scripted").chain("Delete " + path, tools=[delete_files]).text()
'''


def test_the_card_names_the_inner_call_and_one_click_continues_everything(asking: Asking) -> None:
    asking.open(options="-T tidy", below=TIDY)
    asking.lab.run_cell(BELOW)
    asking.lab.wait_until_ran(BELOW)
    outer, inner = (
        call_reply(name, json.dumps({"path": "/tmp/old"}), f"call_{name}") for name in ("tidy", "delete_files")
    )
    asking.server.play(outer, inner, text_reply("Deleted it."), text_reply("All ", "tidy."))
    asking.lab.run_cell(ASK)
    asking.wait_for_card()
    expect(asking.card).to_contain_text("delete_files")
    expect(asking.card).to_contain_text("asked inside tidy, which scripted called")
    expect(asking.output).to_contain_text("waits for its question")
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert asking.results() == ["Deleted it."]
    assert len(asking.server.requests) == 4


def test_continue_at_the_limit_goes_on_in_the_same_cell(asking: Asking) -> None:
    asking.open(options="--cl 1")
    asking.play()
    asking.lab.run_cell(ASK)
    expect(asking.output).to_contain_text("Paused after 1 answer in a row")
    expect(asking.output).to_contain_text("The model asked for another call, which has not run.")
    asking.output.get_by_role("button", name="Continue for 1 more").dblclick()
    asking.wait_for_card()
    expect(asking.output).not_to_contain_text("Paused after")
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert len(asking.server.requests) == 2
