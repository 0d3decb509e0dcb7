"""The side panel while kernels start, are busy, end and belong to closed notebooks, while rows are asked, and while a model is installed."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from scripts.lab_page import LabPage
from scripts.lab_server import LabServer
from tests.browser.asking import ASK, BELOW, Asking
from tests.browser.conftest import running_lab
from tests.browser.lab.test_commands import AXE, SERIOUS
from tests.fakes.file_server import FileServer, Served
from tests.fakes.gguf_files import gguf_bytes
from tests.fakes.openai_server import OpenAIServer, Reply, Request, UntilSet, text_reply
from tests.notebook.ipykernels import REPOSITORY, write_kernelspec
from tests.rows.conftest import answer_of

_LOAD = "%load_ext llm_notebook\nmany = [{'n': n} for n in range(40)]"
_ROWS = "%%llm -m scripted --each many --concurrency 4\nSay {{ n }}"
_CLOSE = "path => [...window.jupyterapp.shell.widgets('main')].find(one => one.context?.path === path).close()"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, weights: Path) -> Iterator[LabServer]:
    """A JupyterLab with a journal in which nothing waits and no rows were asked, whatever other tests left in theirs."""
    with running_lab(tmp_path_factory.mktemp("panel")) as server:
        yield server


@pytest.fixture
def errors(page: Page) -> list[str]:
    """What the console reports as errors, and what nothing catches."""
    found: list[str] = []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)))
    return found


def _open_panel(lab: LabPage, section: str = "") -> Locator:
    lab.page.set_viewport_size({"width": 1440, "height": 1000})
    lab.page.add_script_tag(path=AXE)
    lab.command("llm-notebook:panel", {"section": section})
    return lab.page.get_by_role("region", name="Language models", exact=True)


def _look(lab: LabPage, name: str) -> None:
    """Take pictures of the panel in both themes, and have axe look at it."""
    for theme in lab.themes():
        lab.screenshot(f"panel-{name}-{theme.lower()}")
        assert lab.page.evaluate(SERIOUS, [".llm-side"]) == []


def _section(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("region", name=name, exact=True)


def test_the_panel_says_what_would_make_a_kernel_tell_it_something(lab_page: LabPage, errors: list[str]) -> None:
    lab_page.write("states.ipynb", ["import os; os._exit(1)"])
    page, panel = lab_page.page, _open_panel(lab_page)
    waiting = _section(panel, "Waiting for you")

    def load() -> None:
        expect(panel.get_by_role("heading", name="Not loaded in states.ipynb")).to_be_visible()
        expect(waiting).to_be_hidden()
        panel.get_by_role("button", name="Load it").click()
        expect(waiting).to_contain_text("When a tool asks before it runs, it waits here too.")
        expect(_section(panel, "Runs over rows")).to_contain_text("Start one with %%llm --each df.")

    expect(panel).to_contain_text("%load_ext llm_notebook")
    _look(lab_page, "not-loaded")
    lab_page.command("kernelmenu:shutdown")
    expect(panel.get_by_role("heading", name="No kernel is running")).to_be_visible()
    expect(panel.get_by_role("button", name="New prompt notebook")).to_be_visible()
    _look(lab_page, "no-kernel")
    panel.get_by_role("button", name="Start the kernel of states.ipynb").click()
    load()
    lab_page.restart_kernel()
    load()
    lab_page.watch_restarts()
    lab_page.run_cell(0)
    lab_page.wait_until_restarted()
    load()
    expect(panel.get_by_text("is busy")).to_have_count(0)

    # Its kernel runs on when a notebook is closed.
    lab_page.save()
    page.evaluate(_CLOSE, "states.ipynb")
    expect(panel.get_by_role("heading", name="No open notebook has a kernel")).to_be_visible()
    _look(lab_page, "closed")
    panel.get_by_role("button", name="Open states.ipynb").click()
    expect(waiting).to_contain_text("When a tool asks before it runs, it waits here too.")
    assert errors == []


# A kernel of this folder's Python ends at once while there is a file beside it.
_FRAGILE = "import os, pathlib\nif pathlib.Path(__file__).with_name('ends').exists():\n    os._exit(1)\n"


def test_a_kernel_that_is_given_up_or_does_not_start_says_so_and_can_be_started_again(
    asking: Asking, tmp_path: Path
) -> None:
    ends = tmp_path / "ends"
    (tmp_path / "sitecustomize.py").write_text(_FRAGILE, encoding="utf-8")
    data = Path(asking.lab.lab.environment["JUPYTER_DATA_DIR"])
    write_kernelspec(data, "fragile", tmp_path, REPOSITORY)
    asking.open(kernel="fragile", below="import os; os._exit(1)")
    asking.ask()
    lab, page = asking.lab, asking.page
    panel = _open_panel(lab, "waiting")
    # JupyterLab says in dialogs that a kernel has died, and why one did not start.
    ok = page.locator(".jp-Dialog").get_by_role("button", name="Ok")
    page.add_locator_handler(ok, lambda shown: shown.first.click())
    ends.touch()
    lab.run_cell(BELOW)
    expect(panel.get_by_role("heading", name=f"The kernel of {lab.name} has ended")).to_be_visible(timeout=60_000)
    expect(asking.output).to_contain_text("the kernel has ended. Start it again to decide.")
    expect(asking.output.get_by_role("button", name="Ask the kernel")).to_have_count(0)
    expect(page.get_by_role("group", name="Language models")).to_be_hidden()
    _look(lab, "ended")
    # It stays told when JupyterLab has forgotten the session.
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget.sessionContext.session === null")
    expect(panel.get_by_role("heading", name=f"The kernel of {lab.name} has ended")).to_be_visible()

    spec = data / "kernels" / "fragile" / "kernel.json"
    works = spec.read_text(encoding="utf-8")
    spec.write_text(works.replace(sys.executable, "/nonexistent/python"), encoding="utf-8")
    start = panel.get_by_role("button", name=f"Start the kernel of {lab.name}")
    start.click()
    expect(panel).to_contain_text(
        re.compile(f"The kernel of {re.escape(lab.name)} did not start: .*/nonexistent/python")
    )
    # A long name is wrapped, and nothing is wider than the panel.
    assert page.locator(".llm-side").evaluate("side => side.scrollWidth <= side.clientWidth")
    _look(lab, "did-not-start")

    spec.write_text(works, encoding="utf-8")
    ends.unlink()
    start.click()
    expect(panel.get_by_role("heading", name=f"Not loaded in {lab.name}")).to_be_visible()
    lab.run_cell(0)
    asking.wait_for_card()
    asking.button("Approve").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]


def test_a_run_over_rows_is_followed_and_stopped_while_its_kernel_is_busy(
    lab_page: LabPage, scripted: OpenAIServer, errors: list[str]
) -> None:
    go_on = threading.Event()

    def answer(_: Request) -> Reply:
        given = answer_of("yes")
        is_free = len(scripted.requests) <= 10
        return given if is_free else Reply([UntilSet(go_on), *given.pieces], content_type=given.content_type)

    scripted.answer = answer
    lab_page.write("other.ipynb", ["%load_ext llm_notebook"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    lab_page.write_beside("rows.ipynb", [_LOAD, _ROWS, "import time\nwhile True: time.sleep(0.1)"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    panel = _open_panel(lab_page)
    runs, waiting = _section(panel, "Runs over rows"), _section(panel, "Waiting for you")
    expect(runs).to_contain_text("Start one with")
    lab_page.run_cell(1)
    row = runs.get_by_role("listitem")
    # It comes, moves and leaves by itself.
    expect(row).to_contain_text("Say {{ n }}")
    expect(row).to_contain_text("10 of 40")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
    expect(runs.get_by_role("heading")).to_contain_text("1 running")
    expect(panel.get_by_text(re.compile(r"^rows\.ipynb is busy"))).to_have_count(1)
    _look(lab_page, "run")
    lab_page.command("docmanager:open", {"path": "other.ipynb"})
    row.get_by_role("button", name="Go to cell").click()
    expect(lab_page.output(1).get_by_role("progressbar")).to_be_in_viewport()
    row.get_by_role("button", name="Stop").click()
    expect(lab_page.output(1)).to_contain_text("Stopped by you at 10 of 40 rows.")
    expect(row).to_contain_text("10 of 40 rows")
    expect(row).to_contain_text("stopped")
    expect(row.get_by_role("button", name="Stop")).to_have_count(0)
    expect(panel.get_by_text("is busy")).to_have_count(0)
    _look(lab_page, "stopped-run")
    go_on.set()

    # One kernel that is busy keeps nobody from the others, and is free again when ■ is pressed.
    lab_page.run_cell(2)
    panel.get_by_role("combobox", name="Which notebooks").select_option("rows.ipynb")
    expect(panel.get_by_text(re.compile(r"^rows\.ipynb is busy; its part is as of"))).to_be_visible()
    panel.get_by_role("combobox", name="Which notebooks").select_option("other.ipynb")
    models = _section(panel, "Models")
    models.get_by_role("heading").get_by_role("button").click()
    models.get_by_role("searchbox").fill("scripted")
    expect(models.get_by_role("listitem").filter(has_text="scripted").first).to_be_visible()
    lab_page.command("notebook:interrupt-kernel")
    expect(lab_page.output(2)).to_contain_text("KeyboardInterrupt")
    panel.get_by_role("combobox", name="Which notebooks").select_option("")
    expect(waiting).to_contain_text("it waits here too")
    expect(panel.get_by_text("is busy")).to_have_count(0)
    assert errors == []


def test_a_question_of_a_closed_notebook_is_opened_and_decided_and_its_card_says_so_everywhere(
    asking: Asking, errors: list[str]
) -> None:
    asking.open()
    asking.ask()
    lab, page, name = asking.lab, asking.page, asking.lab.name
    lab.save()
    lab.write_beside("beside.ipynb", ["%load_ext llm_notebook"])
    lab.run_cell(0)
    lab.wait_until_ran(0)
    panel = _open_panel(lab)
    waiting = _section(panel, "Waiting for you")
    mine = waiting.get_by_role("button", name=re.compile("delete_files")).filter(has_text=name)
    expect(mine).to_be_visible()
    page.evaluate(_CLOSE, name)
    expect(panel.get_by_role("combobox", name="Which notebooks").get_by_role("option")).to_have_count(2)

    # Another kernel tells of it, and shows its whole card.
    mine.click()
    card = waiting.locator(".llm-ask")
    expect(card.get_by_role("heading", name="delete_files")).to_be_visible()
    waiting.get_by_role("button", name=re.compile(re.escape(name) + r".*\[\d+\]")).click()
    lab.name = name
    expect(asking.card.get_by_role("heading", name="delete_files")).to_be_focused()
    # Its own kernel tells of it now, and a card that has just changed takes no click for a moment, here and in the panel.
    asking.wait_for_card()
    approve = card.get_by_role("button", name="Approve", exact=True)
    expect(approve).not_to_have_attribute("aria-disabled", "true")
    approve.click()
    asking.expect_answer()
    expect(card).to_have_count(0)
    assert asking.ran == ["/tmp/old"]
    lab.wait_until_idle()
    expect(mine).to_have_count(0)

    # The other way round: the card of the panel is open while the cell decides.
    waiting.get_by_role("button", name=re.compile("^All")).click()
    asking.play(text_reply("Kept."))
    lab.run_cell(ASK)
    asking.wait_for_card()
    mine.click()
    expect(card.get_by_role("button", name="Approve", exact=True)).not_to_have_attribute("aria-disabled", "true")
    asking.button("Deny…").click()
    asking.card.get_by_role("button", name="Deny", exact=True).click()
    asking.expect_answer("Kept.")
    expect(card).to_have_count(0)
    expect(waiting).to_contain_text("Nothing waits here any more.")
    _look(lab, "decided-in-the-cell")
    assert asking.ran == ["/tmp/old"]
    assert errors == []


@pytest.fixture
def nothing_left(shared_data_dir: Path) -> Iterator[None]:
    """The weights that all tests share are beside what this one installs."""
    yield
    for file in shared_data_dir.rglob("medlar*"):
        file.unlink()


@pytest.mark.usefixtures("nothing_left")
def test_a_model_that_arrives_slowly_is_cancelled_goes_on_and_is_there(
    lab_page: LabPage, file_server: FileServer, errors: list[str]
) -> None:
    goes_on = threading.Event()
    content = gguf_bytes(padding=8_000_000)
    place = len(content) * 53 // 100
    file_server.files["/medlar.gguf"] = Served(content, waits_at=(place, goes_on))
    url = file_server.url("/medlar.gguf")
    lab_page.write("local.ipynb", ["%load_ext llm_notebook", "print('free')"])
    lab_page.run_cell(0)
    lab_page.wait_until_ran(0)
    panel = _open_panel(lab_page, "local")
    local = _section(panel, "Local models")
    local.get_by_label("Another GGUF file").fill(url)
    local.get_by_role("button", name="Install").last.click()
    row = local.get_by_role("listitem").filter(has_text="medlar")
    expect(row).to_contain_text("50 %")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    lab_page.run_cell(1)
    expect(lab_page.output(1)).to_contain_text("free")
    _look(lab_page, "installing")

    # The server sends nothing, and still the row says at once that it is over.
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("4 MB of 8 MB")
    expect(row).to_contain_text("not complete")
    _look(lab_page, "cancelled")
    file_server.files["/medlar.gguf"] = Served(content)
    row.get_by_role("button", name="Go on").click()
    goes_on.set()
    expect(row).to_contain_text("installed")
    # The rest is done with the keyboard alone.
    remove, keyboard = row.get_by_role("button", name="Remove…"), lab_page.page.keyboard
    remove.focus()
    keyboard.press("Enter")
    expect(row.get_by_role("button", name="Keep")).to_be_focused()
    keyboard.press("Escape")
    expect(remove).to_be_focused()
    keyboard.press("Enter")
    keyboard.press("Shift+Tab")
    expect(row.get_by_role("button", name=re.compile("^Remove "))).to_be_focused()
    keyboard.press("Enter")
    expect(row).to_have_count(0)

    local.get_by_label("Another GGUF file").fill(file_server.url("/nosuch.gguf"))
    keyboard.press("Enter")
    failed = local.get_by_role("listitem").filter(has_text="nosuch")
    expect(failed).to_contain_text("the server answered with HTTP 404")
    _look(lab_page, "failed-install")
    failed.get_by_role("button", name="Take off the list").click()
    expect(failed).to_have_count(0)
    assert errors == []
