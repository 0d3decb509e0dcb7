"""A question that several pages and panels show at once is decided in one of them, and all others say so and offer nothing."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from scripts.lab_page import LabPage
from tests.browser.asking import Asking


def _open_card(lab: LabPage, name: str) -> Locator:
    """Open the card of the notebook's question in the side panel. Return the section around it."""
    lab.page.set_viewport_size({"width": 1440, "height": 1000})
    lab.command("llm-notebook:panel", {"section": "waiting"})
    waiting = lab.page.get_by_role("region", name="Waiting for you", exact=True)
    waiting.get_by_role("button", name=re.compile("delete_files")).filter(has_text=name).click()
    _expect_ready(waiting.locator(".llm-ask"))
    return waiting


def _expect_ready(card: Locator) -> None:
    expect(card.get_by_role("button", name="Approve", exact=True)).not_to_have_attribute("aria-disabled", "true")


def _expect_over(*panels: Locator) -> None:
    for panel in panels:
        expect(panel.locator(".llm-ask")).to_have_count(0)
        expect(panel).to_contain_text("Nothing waits here any more.")


def test_two_pages_and_their_panels_show_what_one_of_them_decides(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.lab.save()
    here = _open_card(asking.lab, asking.name)
    tab = LabPage(asking.page.context.new_page(), asking.lab.lab)
    tab.open(asking.lab.name)
    other = Asking(tab, asking.server, asking.name)
    there = _open_card(tab, asking.name)
    other.wait_for_card()

    # Decided in the panel of the other page.
    there.get_by_role("button", name="Deny…").click()
    there.locator(".llm-ask").get_by_role("button", name="Deny", exact=True).click()
    for one in (asking, other):
        one.expect_answer()
        expect(one.output).to_contain_text("denied elsewhere")
    _expect_over(here, there)
    assert asking.ran == []
