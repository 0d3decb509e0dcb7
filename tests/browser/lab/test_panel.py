"""The side panel in JupyterLab: what waits and is decided on its card, conversations, models, keys, local models and usage."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, expect

from tests.browser.asking import Asking
from tests.browser.lab.test_commands import AXE, SERIOUS
from tests.fakes.gguf_files import gguf_bytes
from tests.fakes.openai_server import text_reply

_KEY = "sk-typed-into-the-panel-0123"
# The buttons of the panel's card whose words come nearer to their edges than 6 px.
_TIGHT = """() => [...document.querySelectorAll('.llm-side .llm-actions .llm-button')].filter(button => {
  const words = document.createRange();
  words.selectNodeContents(button);
  const [inner, outer] = [words.getBoundingClientRect(), button.getBoundingClientRect()];
  return inner.left - outer.left < 6 || outer.right - inner.right < 6;
}).map(button => button.textContent)"""


def _section(panel: Locator, name: str) -> Locator:
    """Open a section of the panel, and return it."""
    section = panel.get_by_role("region", name=name, exact=True)
    title = section.get_by_role("heading").get_by_role("button")
    if title.get_attribute("aria-expanded") == "false":
        title.click()
    return section


def _look(asking: Asking, name: str, theme: str = "") -> None:
    """Take a picture of the panel and have axe look at it, in another theme if one is named."""
    if theme:
        asking.lab.theme(theme)
    asking.lab.screenshot(f"panel-{name}")
    assert asking.page.evaluate(SERIOUS, [".llm-side"]) == []


def test_the_panel_shows_and_does_what_the_kernels_know(asking: Asking, tmp_path: Path) -> None:
    page = asking.page
    page.set_viewport_size({"width": 1440, "height": 1000})
    asking.open(below="print('below ran')")
    page.add_script_tag(path=AXE)
    asking.ask()
    status = page.get_by_role("group", name="Language models")
    status.get_by_role("button", name="waiting for your decision").click()
    panel = page.get_by_role("region", name="Language models", exact=True)
    waiting = _section(panel, "Waiting for you")
    mine = waiting.get_by_role("button", name=re.compile("delete_files")).filter(has_text=asking.name)
    expect(mine).to_be_visible()
    _look(asking, "waiting")

    # A row decides nothing. It opens the card of the cell, which is armed as it is there.
    mine.click()
    card = waiting.locator(".llm-ask")
    expect(card.get_by_role("heading", name="delete_files")).to_be_visible()
    assert asking.ran == []
    _look(asking, "card")
    _look(asking, "card-dark", "Dark")
    asking.page.set_viewport_size({"width": 720, "height": 1000})
    _look(asking, "card-narrow")
    assert card.locator(".llm-actions .llm-button").count() == 5
    assert page.evaluate(_TIGHT) == []
    asking.page.set_viewport_size({"width": 1440, "height": 1000})
    waiting.get_by_role("button", name=re.compile(r"\[\d+\]")).click()
    expect(asking.card.get_by_role("heading", name="delete_files")).to_be_focused()
    asking.wait_for_card()
    approve = card.get_by_role("button", name="Approve", exact=True)
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    approve.click()
    asking.expect_answer()
    asking.lab.wait_until_idle()
    assert asking.ran == ["/tmp/old"]
    expect(card).to_have_count(0)
    waiting.get_by_role("button", name=re.compile("^All")).click()

    _talks(asking, panel)
    _prompt_first(asking)
    _set_up(asking, panel, tmp_path)


def _talks(asking: Asking, panel: Locator) -> None:
    page = asking.page
    talks = _section(panel, "Conversations")
    row = talks.get_by_role("listitem").filter(has_text="Tidy up.").first
    expect(row).to_be_visible()
    talks.get_by_role("searchbox").fill("quark")
    expect(talks).to_contain_text("Nothing said “quark”.")
    talks.get_by_role("searchbox").fill("tidy")
    expect(row.locator("mark").first).to_have_text(re.compile("tidy", re.IGNORECASE))
    row.focus()
    _look(asking, "conversations")
    row.get_by_role("button", name="Open").click()
    tab = page.get_by_role("region", name=re.compile("^Conversation: "))
    expect(tab.locator(".llm-answer").last).to_contain_text("All tidy.")
    expect(tab.locator(".llm-talk-asked").first).to_contain_text("Tidy up.")
    asking.lab.screenshot("panel-conversation")
    assert page.evaluate(SERIOUS, [".llm-talk"]) == []
    row.hover()
    row.get_by_role("button", name="Export…").click()
    dialog = page.locator(".jp-Dialog")
    name = f"{asking.name}.md"
    dialog.get_by_role("textbox").fill(name)
    dialog.get_by_role("button", name="Export").click()
    expect(page.get_by_text(f"Exported to {name}")).to_be_visible()
    written = (asking.lab.lab.root / name).read_text(encoding="utf-8")
    assert written.startswith("# Tidy up.\n")
    assert "All tidy." in written

    page.evaluate(
        "name => window.jupyterapp.shell.activateById([...window.jupyterapp.shell.widgets('main')]"
        ".find(one => one.context?.path === name).id)",
        asking.lab.name,
    )
    row.hover()
    row.get_by_role("button", name="Continue here").click()
    goes_on = page.locator(".jp-CodeCell.jp-mod-active")
    expect(goes_on.locator(".cm-content")).to_be_focused()
    asking.server.play(text_reply("Nothing else."))
    page.keyboard.type("What else?")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".llm-answer", has_text="Nothing else.")).to_be_visible()
    asking.lab.wait_until_idle()
    assert "What else?" in json.dumps(asking.server.requests[-1].json()["messages"])
    expect(row).to_contain_text("2 turns")


def _prompt_first(asking: Asking) -> None:
    """New cells of a notebook that is set so are prompts, each with its model below it."""
    lab, page = asking.lab, asking.page
    cells = page.locator(".jp-CodeCell")
    lab.command("notebook:enter-command-mode")
    before = cells.count()
    lab.command("notebook:insert-cell-below")
    expect(cells).to_have_count(before + 1)
    expect(page.locator(".jp-mod-active .llm-prompt-magic")).to_have_count(0)
    toggle = page.get_by_role("button", name="Prompt first")
    toggle.click()
    lab.command("notebook:insert-cell-below")
    expect(cells).to_have_count(before + 2)
    added = page.locator(".jp-CodeCell.jp-mod-active")
    expect(added.locator(".llm-prompt-magic")).to_have_text("%%llm")
    badge = added.get_by_role("button", name=re.compile(r"^Model: .+\. Change$"))
    badge.click()
    page.locator(".lm-Menu").get_by_text("scripted", exact=True).click()
    expect(added.locator(".cm-line").first).to_have_text("%%llm -m scripted")
    expect(added.get_by_role("button", name="Model: scripted. Change")).to_be_visible()
    assert page.evaluate(SERIOUS, [".llm-badge"]) == []
    lab.screenshot("panel-badge")
    # The file holds ordinary cells, and what was chosen.
    lab.save()
    saved = json.loads(lab.file.read_text(encoding="utf-8"))
    assert saved["metadata"]["llm_notebook"]["promptFirst"] is True
    assert [cell["source"] for cell in saved["cells"] if "-m scripted\n" in "".join(cell["source"])]
    toggle.click()
    lab.command("notebook:enter-command-mode")
    for _ in range(2):
        lab.command("notebook:delete-cell")
    expect(cells).to_have_count(before)


def _set_up(asking: Asking, panel: Locator, tmp_path: Path) -> None:
    page = asking.page
    talks = _section(panel, "Conversations")
    talks.get_by_role("heading").get_by_role("button").click()

    models = _section(panel, "Models")
    models.get_by_role("searchbox").fill("scripted")
    row = models.get_by_role("listitem").filter(has_text="scripted").first
    expect(row).to_contain_text("tools")
    expect(row).to_contain_text("no price")
    models.get_by_role("searchbox").fill("")
    expect(models).to_contain_text("no key")
    _look(asking, "models")
    models.get_by_role("button", name="Enter a key for OpenAI").click()

    keys = _section(panel, "Keys")
    expect(keys.get_by_label("Key", exact=True)).to_be_focused()
    keys.get_by_label("Provider").select_option("openrouter")
    keys.get_by_label("Key", exact=True).fill(_KEY)
    _look(asking, "keys")
    keys.get_by_role("button", name="Save and test").click()
    stored = keys.get_by_role("listitem").filter(has_text="openrouter").filter(has_text="stored")
    expect(stored).to_be_visible()
    expect(keys.get_by_label("Key", exact=True)).to_have_count(0)
    # The focus goes back to the list of models, which the kernel then tells anew. The panel stays at what was just done.
    expect(stored).to_be_in_viewport()
    stored.hover()
    stored.get_by_role("button", name="Remove…").click()
    stored.get_by_role("button", name="Remove the key").click()
    expect(stored).to_have_count(0)
    assert _KEY not in page.content()

    local = _section(panel, "Local models")
    path = tmp_path / "quince.gguf"
    path.write_bytes(gguf_bytes())
    local.get_by_label("Another GGUF file").fill(str(path))
    local.get_by_role("button", name="Install").last.click()
    quince = local.get_by_role("listitem").filter(has_text="quince")
    expect(quince).to_contain_text("installed")
    usage = _section(panel, "Usage")
    expect(usage.get_by_role("img", name=re.compile("tokens"))).to_be_visible()
    expect(usage.get_by_role("row").filter(has_text="scripted").first).to_be_visible()
    usage.scroll_into_view_if_needed()
    _look(asking, "local-usage")
    _look(asking, "local-usage-light", "Light")
    quince.get_by_role("button", name="Remove…").click()
    quince.get_by_role("button", name=re.compile("^Remove ")).click()
    expect(quince).to_have_count(0)
