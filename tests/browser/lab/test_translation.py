"""With a translator that marks what it translates, as JupyterLab's own can, every sentence of the extension is marked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from scripts.lab_server import LabServer
from tests.browser.asking import ASK, Asking

_COMMANDS = """() => {
  const { commands } = window.jupyterapp;
  return commands.listCommands().filter(id => id.startsWith('llm-notebook:'))
    .flatMap(id => [commands.label(id), commands.caption(id)]).filter(Boolean);
}"""


@pytest.fixture
def marking(lab: LabServer) -> Iterator[None]:
    """JupyterLab set to write two exclamation marks before everything that is translated."""
    folder = Path(lab.environment["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", "translation-extension")
    settings = folder / "plugin.jupyterlab-settings"
    folder.mkdir(parents=True, exist_ok=True)
    settings.write_text(json.dumps({"stringsPrefix": "!!", "displayStringsPrefix": True}), encoding="utf-8")
    yield
    settings.unlink()


def _unmarked(texts: list[str]) -> list[str]:
    return [text for text in texts if text.strip() and not text.strip().startswith("!!")]


def _names(nodes: Locator) -> list[str]:
    return [str(node.get_attribute("aria-label")) for node in nodes.all()]


@pytest.mark.usefixtures("marking")
def test_commands_cards_the_status_bar_and_the_panel_are_translated(asking: Asking) -> None:
    page = asking.page
    asking.open(below="1 / 0")
    asking.lab.run_cell(2)
    asking.lab.wait_until_ran(2)
    asking.play()
    asking.lab.run_cell(ASK)
    expect(asking.button("!!Approve")).not_to_have_attribute("aria-disabled", "true")
    said = page.evaluate(_COMMANDS)
    assert len(said) > 13
    assert _unmarked(said) == []

    card = asking.card
    assert _unmarked(card.locator("button").all_inner_texts()) == []
    assert _unmarked(card.locator(".llm-ask-band > span:not(.llm-ask-glyph)").all_inner_texts()) == []
    assert _unmarked(card.locator("caption b, .llm-fineprint > span").all_inner_texts()) == []
    line = asking.lab.output(2).locator(".llm-failed")
    assert _unmarked(line.locator("button, span").all_inner_texts()) == []
    assert _unmarked(_names(line)) == []
    status = page.locator(".llm-status")
    assert _unmarked(_names(status.or_(status.locator("button")))) == []
    assert _unmarked(_names(page.locator(".llm-badge button"))) == []

    asking.lab.command("llm-notebook:panel")
    panel = page.locator(".llm-side")
    expect(panel).to_be_visible()
    assert _unmarked(panel.get_by_role("heading").all_inner_texts()) == []
    asking.lab.screenshot("translated")
    asking.button("!!Deny…").click()
    card.get_by_role("button", name="!!Deny", exact=True).click()
    expect(asking.output.locator(".llm-fold").last).to_contain_text("!!denied !!by you")
