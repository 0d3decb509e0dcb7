"""How long an answer took is the model's time, not that of the person who decides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.asking import Asking
from tests.browser.conftest import running_chromium
from tests.fakes.openai_server import call_reply, text_reply


@pytest.fixture
def page(playwright: Playwright, tmp_path: Path) -> Iterator[Page]:
    """A page in a browser of its own, because a clock that a test sets holds for all pages of a browser."""
    with running_chromium(playwright, tmp_path / "profile") as context:
        yield context.new_page()


def test_time_that_a_person_takes_is_not_counted(asking: Asking) -> None:
    asking.open(options="-u")
    asking.page.clock.install()
    asking.ask(call_reply("delete_files", '{"path": "/tmp/two"}', "call_2"), text_reply("All ", "tidy."))
    asking.page.clock.fast_forward("02:00:00")
    asking.wait_for_card()
    asking.button("Approve").click()
    expect(asking.card).to_contain_text("/tmp/two")
    asking.page.clock.fast_forward("02:00:00")
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    foot = asking.output.locator(".llm-foot")
    expect(foot).to_contain_text(" s")
    expect(foot).not_to_contain_text("min")
