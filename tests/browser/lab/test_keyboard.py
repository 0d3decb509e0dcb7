"""What opens and closes is used with the keyboard alone and gives the focus back, and a key that is typed stays nowhere on the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from scripts.lab_page import LabPage
from scripts.lab_server import LabServer
from tests.browser.conftest import running_lab
from tests.browser.lab.test_commands import AXE, SERIOUS

_KEY = "sk-typed-with-the-keyboard-4567"
# What a browser keeps of a page.
_KEPT = """async () => {
  const kept = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  for (const { name } of await indexedDB.databases()) {
    const open = indexedDB.open(name);
    const base = await new Promise((resolve, reject) => {
      open.onsuccess = () => resolve(open.result);
      open.onerror = reject;
    });
    for (const store of base.objectStoreNames) {
      const all = base.transaction(store).objectStore(store).getAll();
      await new Promise(resolve => { all.onsuccess = resolve; });
      kept.push(JSON.stringify(all.result));
    }
    base.close();
  }
  return kept.join();
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Iterator[LabServer]:
    """A JupyterLab whose files are of this module alone, so that all of them can be searched."""
    with running_lab(tmp_path_factory.mktemp("keyboard")) as server:
        yield server


def _files_with_key(lab: LabServer) -> list[str]:
    """The names of the files of this JupyterLab, its kernels and its person that hold the key."""
    files = [path for path in lab.root.parent.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path.name for path in files if _KEY.encode() in path.read_bytes()]


def _is_menu_open(page: Page, is_open: bool) -> None:
    expect(page.locator(".lm-Menu")).to_have_count(int(is_open))


def _open_and_leave(page: Page, opener: Locator) -> None:
    """Open a menu with Enter, move in it and leave it with Escape. The focus returns to what opened it."""
    opener.focus()
    page.keyboard.press("Enter")
    _is_menu_open(page, True)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".lm-Menu-item.lm-mod-active")).to_be_visible()
    assert page.evaluate(SERIOUS, [".lm-Menu"]) == []
    page.keyboard.press("Escape")
    _is_menu_open(page, False)
    expect(opener).to_be_focused()


def test_menus_give_the_focus_back(lab_page: LabPage) -> None:
    lab_page.write("menus.ipynb", ["%load_ext llm_notebook", "%%llm\nHello"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    page, prompt = lab_page.page, lab_page.cell(1)
    page.add_script_tag(path=AXE)
    model = page.get_by_role("group", name="Language models").get_by_role("button", name=re.compile("^Model: "))
    for _ in lab_page.themes():
        _open_and_leave(page, model)
        _open_and_leave(page, prompt.get_by_role("button", name=re.compile("^Model: ")))

    # The command returns to the cell, or to its text, from which it was given.
    prompt.locator(".jp-InputPrompt").click()
    for place in (prompt, prompt.locator(".cm-content")):
        lab_page.command("llm-notebook:choose-model")
        _is_menu_open(page, True)
        page.keyboard.press("Escape")
        expect(place).to_be_focused()
        page.keyboard.press("Enter")

    # What was chosen is shown on the button that opened the menu, which still has the focus.
    model.focus()
    page.keyboard.press("Enter")
    _is_menu_open(page, True)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(model).to_have_text("smollm2")
    expect(model).to_be_focused()


def test_a_key_is_entered_and_removed_with_the_keyboard_and_is_nowhere_afterwards(lab_page: LabPage) -> None:
    page, sent, received = lab_page.page, list[bytes](), list[bytes]()
    _listen(page, sent, received)
    lab_page.write("keys.ipynb", ["%load_ext llm_notebook"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    page.add_script_tag(path=AXE)
    lab_page.command("llm-notebook:panel", {"section": "models"})
    panel = page.get_by_role("region", name="Language models", exact=True)
    enter = panel.get_by_role("button", name="Enter a key for OpenAI")
    enter.focus()
    page.keyboard.press("Enter")
    keys = panel.get_by_role("region", name="Keys", exact=True)
    field = keys.get_by_label("Key", exact=True)
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(enter).to_be_focused()

    add = keys.get_by_role("button", name="Add a key…")
    add.focus()
    page.keyboard.press("Enter")
    expect(keys.get_by_label("Provider")).to_be_focused()
    keys.get_by_label("Provider").select_option("openrouter")
    page.keyboard.press("Tab")
    page.keyboard.type(_KEY)
    page.keyboard.press("Enter")
    row = keys.get_by_role("listitem").filter(has_text="OpenRouter").filter(has_text="stored")
    expect(row).to_be_visible()
    expect(add).to_be_focused()
    _expect_key_only_in_its_file(lab_page)
    # Once to the kernel, and never back.
    assert sum(frame.count(_KEY.encode()) for frame in sent) == 1
    assert not any(_KEY.encode() in frame for frame in received)
    assert any(b"openrouter" in frame.lower() for frame in received)
    _remove(lab_page, keys, row)
    assert _files_with_key(lab_page.lab) == []
    page.keyboard.press("Escape")
    expect(lab_page.cell(1)).to_be_focused()


def _expect_key_only_in_its_file(lab_page: LabPage) -> None:
    # This makes a checkpoint, too.
    lab_page.command("docmanager:save")
    assert _files_with_key(lab_page.lab) == ["keys.json"]
    assert _KEY not in lab_page.page.content()
    assert _KEY not in lab_page.page.evaluate(_KEPT)


def _remove(lab_page: LabPage, keys: Locator, row: Locator) -> None:
    """Remove the only key, after a change of mind."""
    page = lab_page.page
    row.focus()
    remove = row.get_by_role("button", name="Remove…")
    remove.focus()
    page.keyboard.press("Enter")
    expect(row.get_by_role("button", name="Keep")).to_be_focused()
    for _ in lab_page.themes():
        assert page.evaluate(SERIOUS, [".llm-side"]) == []
    lab_page.screenshot("keyboard-remove-key")
    page.keyboard.press("Escape")
    expect(remove).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Shift+Tab")
    expect(row.get_by_role("button", name="Remove the key")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row).to_have_count(0)
    expect(keys.get_by_role("heading").get_by_role("button")).to_be_focused()


def _listen(page: Page, sent: list[bytes], received: list[bytes]) -> None:
    """Keep what goes to the kernels and comes from them."""

    def keep(frames: list[bytes], payload: Any) -> None:
        frames.append(payload.encode() if isinstance(payload, str) else bytes(payload))

    def follow(socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: keep(sent, payload))
        socket.on("framereceived", lambda payload: keep(received, payload))

    page.on("websocket", follow)
