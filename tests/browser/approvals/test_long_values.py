"""Long values on a card: the reader sees the beginning, opens all of it with the mouse or a key, and only then can approve."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.browser.asking import ASK, DEFINE, Asking
from tests.fakes.openai_server import call_reply, text_reply

_DEPLOY = """\
%load_ext llm_notebook
import llm_notebook as llm

@llm.require_approval
def deploy(plan: dict) -> str:
    'Deploy a plan.'
    return f"{len(plan['servers'])} servers"
"""
_TEN_MEGABYTES = "9,998,400 of 10,000,000 characters hidden Show all"
_VALUES = {
    "one line of ten megabytes": ("x" * 10_000_000, _TEN_MEGABYTES),
    "a line of words": ("word " * 2_000_000, _TEN_MEGABYTES),
    "many lines": ("".join(f"line {n}\n" for n in range(60)), "40 of 60 lines hidden Show all 60 lines"),
    "a million lines": (
        "".join(f"{n}\n" for n in range(1_000_000)),
        "999,980 of 1,000,000 lines hidden Show all 1,000,000 lines",
    ),
}


@pytest.mark.parametrize(("value", "said"), list(_VALUES.values()), ids=list(_VALUES))
def test_a_long_text_is_opened_before_it_is_approved(asking: Asking, value: str, said: str) -> None:
    asking.open()
    asking.play(path=value)
    asking.lab.run_cell(ASK)
    expect(asking.card).to_be_visible()
    asking.card.scroll_into_view_if_needed()
    expect(asking.button("Approve")).to_have_attribute("aria-disabled", "true")
    expect(asking.card).to_contain_text("Approve waits until you have opened all of path.")
    asking.lab.screenshot(f"long-{len(value)}-cut")
    cut = asking.card.locator("button.llm-cut")
    expect(cut).to_have_accessible_name(said)
    cut.focus()
    asking.page.keyboard.press("Enter")
    expect(cut).to_have_count(0)
    well = asking.card.locator(".llm-long[aria-label=path]")
    expect(well).to_be_focused()
    asking.page.keyboard.press("End")
    asking.wait_for_card()
    asking.lab.screenshot(f"long-{len(value)}-open")
    asking.button("Approve").click()
    asking.expect_answer()
    assert "\n".join(asking.ran).rstrip() == value.rstrip()
    assert len(json.dumps(asking.saved())) < 200_000


_NESTED = {"servers": [{"name": f"server {n}", "rules": [{"port": n, "open": True}]} for n in range(40)]}
_SHOWN = json.dumps(_NESTED, indent=2, sort_keys=True)


def test_long_nested_json_is_opened_before_it_is_approved(asking: Asking) -> None:
    cells = [_DEPLOY, "%%llm -m scripted -T deploy\nDeploy.", "pass"]
    asking.lab.write(f"{asking.name}.ipynb", cells)
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    asking.server.play(call_reply("deploy", json.dumps({"plan": _NESTED})), text_reply("Deployed."))
    asking.lab.run_cell(ASK)
    expect(asking.card).to_be_visible()
    cut = asking.card.locator("button.llm-cut")
    lines = _SHOWN.count("\n") + 1
    expect(cut).to_have_accessible_name(f"{lines - 20} of {lines} lines hidden Show all {lines} lines")
    cut.focus()
    asking.page.keyboard.press("Space")
    well = asking.card.locator(".llm-long[aria-label=plan]")
    expect(well).to_have_text(_SHOWN)
    asking.wait_for_card()
    asking.lab.screenshot("long-json-open")
    asking.button("Approve").click()
    asking.expect_answer("Deployed.")
    assert asking.results() == ["40 servers"]
