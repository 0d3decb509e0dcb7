"""Several questions of one answer in JupyterLab: each on its card, or all of them at once, and each runs once."""

from __future__ import annotations

import json

from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from tests.browser.asking import ASK, BELOW, DEFINE, Asking
from tests.fakes.openai_server import calls_reply, text_reply

_UNTIL_GO = "import time, pathlib\nwhile not pathlib.Path('go-several').exists(): time.sleep(0.05)"


def ask(asking: Asking, *paths: str) -> None:
    calls = [("delete_files", json.dumps({"path": path}), f"call{path}") for path in paths]
    asking.server.play(calls_reply(calls, text="I will tidy up."), text_reply("All ", "tidy."))
    asking.lab.run_cell(ASK)
    expect(asking.card).to_have_count(len(paths))


def card(asking: Asking, place: str) -> Locator:
    return asking.card.filter(has=asking.page.locator(".llm-ask-band", has_text=place))


def press(asking: Asking, place: str, name: str) -> None:
    """Press a button of one card, as soon as the card takes a click."""
    button = card(asking, place).get_by_role("button", name=name, exact=True)
    # A card whose question is decided becomes a line, which moves the others. In the middle of the window they stay in view.
    button.evaluate("node => node.scrollIntoView({ block: 'center' })")
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.click()


def approve_all(asking: Asking, number: int) -> Locator:
    """Look at every card, open the list of what runs, and return the button that approves it."""
    for at in range(number):
        asking.card.nth(at).scroll_into_view_if_needed()
        expect(asking.card.nth(at).get_by_role("button", name="Approve", exact=True)).not_to_have_attribute(
            "aria-disabled", "true"
        )
    foot = asking.output.locator(".llm-series-foot")
    foot.get_by_role("button", name=f"Approve all {number}…").click()
    expect(foot.locator(".llm-covered > li")).to_have_count(number)
    button = foot.get_by_role("button", name=f"Approve {number} calls")
    expect(button).not_to_have_attribute("aria-disabled", "true")
    return button


def test_each_is_decided_on_its_card_or_all_at_once_and_the_answer_goes_on_after_the_last(asking: Asking) -> None:
    asking.open()
    ask(asking, "/a", "/b", "/c", "/d")
    expect(asking.output.locator(".llm-head")).to_contain_text("4 calls are waiting for you.")
    asking.lab.screenshot("cards-of-several-questions")
    press(asking, "2 of 4", "Deny…")
    card(asking, "2 of 4").get_by_role("textbox").fill("Keep it")
    card(asking, "2 of 4").get_by_role("button", name="Deny", exact=True).click()
    expect(asking.output).to_contain_text("denied by you: “Keep it”")
    press(asking, "4 of 4", "Drop this question…")
    press(asking, "4 of 4", "Drop")
    expect(asking.output.locator(".llm-head")).to_contain_text("1 of 3 decided")
    asking.lab.wait_until_idle()
    press(asking, "3 of 3", "Approve")
    expect(asking.output).to_contain_text("runs when all 3 are decided")
    expect(asking.output.locator(".llm-head")).to_contain_text("2 of 3 decided")
    assert asking.ran == []
    press(asking, "1 of 3", "Approve")
    asking.expect_answer()
    assert asking.ran == ["/a", "/c"]
    assert asking.results()[:3] == ["deleted /a", "Denied by the user: Keep it", "deleted /c"]
    assert "dropped" in asking.results()[3]
    _approve_together(asking)
    _decide_across_a_restart(asking)


def _approve_together(asking: Asking) -> None:
    """Approve all at once, and see that the page says what runs."""
    ask(asking, "/d", "/e", "/f")
    button = approve_all(asking, 3)
    expect(asking.output.locator(".llm-covered")).to_contain_text('delete_files path="/e"')
    assert asking.ran == ["/a", "/c"]
    button.dblclick()
    asking.expect_answer()
    assert asking.ran == ["/a", "/c", "/d", "/e", "/f"]


def _decide_across_a_restart(asking: Asking) -> None:
    """Decide before and after a restart, and see that all of it counts."""
    ask(asking, "/g", "/h", "/i")
    press(asking, "1 of 3", "Approve")
    expect(asking.output).to_contain_text("runs when all 3 are decided")
    asking.lab.restart_kernel()
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
    expect(asking.card).to_have_count(2)
    press(asking, "3 of 3", "Approve")
    press(asking, "2 of 3", "Approve")
    asking.expect_answer()
    assert asking.ran[5:] == ["/g", "/h", "/i"]
    assert len(asking.server.requests) == 6


def test_destructive_calls_are_not_approved_together_but_denied(asking: Asking) -> None:
    asking.open(arguments="(destructive=True)")
    ask(asking, "/a", "/b")
    foot = asking.output.locator(".llm-series-foot")
    expect(foot).to_contain_text("Approve all is not offered: 1 of 2 is destructive.")
    expect(foot.get_by_role("button", name="Approve all")).to_have_count(0)
    foot.get_by_role("button", name="Deny all…").click()
    foot.get_by_role("textbox").fill("Not today")
    foot.get_by_role("button", name="Deny 2 calls").click()
    asking.expect_answer()
    assert asking.results() == ["Denied by the user: Not today"] * 2
    assert asking.ran == []


def test_two_tabs_that_decide_at_the_same_time_run_each_call_once(asking: Asking) -> None:
    asking.open(below=_UNTIL_GO)
    go = asking.lab.lab.root / "go-several"
    ask(asking, "/a", "/b")
    asking.lab.save()
    other_tab = asking.page.context.new_page()
    other = Asking(LabPage(other_tab, asking.lab.lab), asking.server, asking.name)
    other.lab.open(asking.lab.name)
    expect(other.card).to_have_count(2)
    all_of_them = approve_all(other, 2)

    asking.lab.run_cell(BELOW)
    expect(asking.lab.cell(BELOW).locator(".jp-InputPrompt")).to_have_text("[*]:")
    press(asking, "1 of 2", "Approve")
    all_of_them.click()
    go.touch()
    asking.lab.wait_until_ran(BELOW)
    for tab in (asking, other):
        # A tab's next cell runs after its click; between two tabs there is no order.
        tab.lab.run_cell(BELOW)
        tab.lab.wait_until_ran(BELOW)
    go.unlink()
    if asking.ran == []:
        # The first decision counts. That about all has come too late for one of them, so it counts for none.
        for tab in (asking, other):
            expect(tab.output).to_contain_text("runs when all 2 are decided")
        expect(other.card).to_contain_text("Nothing was decided: what waits is not what this page showed.")
        press(other, "2 of 2", "Approve")
    for tab in (asking, other):
        tab.expect_answer()
    assert asking.ran == ["/a", "/b"]
    assert len(asking.server.requests) == 2
