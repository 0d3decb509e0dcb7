"""After a restart a card says by itself which cell its tool needs, and takes everything but consent until that cell has run."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.asking import DEFINE, Asking


def test_a_card_names_the_cell_at_once_and_forgets_it_when_that_has_run(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.lab.restart_kernel()
    asking.ask_kernel()
    hint = asking.card.get_by_text("Run the cell that defines delete_files ([1] when this was asked), then decide.")
    expect(hint).to_be_visible()
    expect(asking.button("Approve")).to_have_attribute("aria-disabled", "true")
    for theme in asking.lab.themes():
        asking.card.scroll_into_view_if_needed()
        asking.lab.screenshot(f"card-that-names-its-cell-{theme.lower()}")

    asking.button("Deny…").click()
    asking.card.get_by_role("textbox").first.fill("Not yet.")
    expect(asking.button("Deny")).not_to_have_attribute("aria-disabled", "true")
    expect(hint).to_be_visible()
    asking.lab.run_cell(DEFINE)
    expect(hint).to_have_count(0)
    expect(asking.card.get_by_role("textbox").first).to_have_value("Not yet.")
    asking.button("Back").click()
    asking.wait_for_card()
    assert asking.ran == []
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
