"""Takes the pictures in docs/pictures: notebooks in a real JupyterLab, each in the light and in the dark theme."""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from playwright.sync_api import FloatRect, Locator, Page, sync_playwright

from llm_notebook.errors import ModelError
from scripts import picture_scenes as scenes
from scripts import rows_scene
from scripts.chromium import ARGUMENTS, provide_chromium
from scripts.front_end import provide_front_end
from scripts.jupyter_home import jupyter_environment
from scripts.lab_page import LabPage
from scripts.lab_server import LabServer
from scripts.weights import provide_weights
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
NOTEBOOK = "quickstart.ipynb"
SHOWN_CELLS = 4
WIDTH, HEIGHT = 1000, 800
# Wide enough for a notebook beside the panel.
PANEL_WIDTH = 1280
# Tall enough for a whole transcript without scrolling.
TALL = 1800


def main() -> int:
    """Play the scenes and take the pictures. Return the exit code."""
    program = provide_chromium()
    if program is None:
        print("The pictures need Chromium or Chrome: install one, or name it in the variable CHROMIUM.")
        return 1
    try:
        provide_weights()
    except ModelError as error:
        print(error, file=sys.stderr)
        return 1
    if not provide_front_end():
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    server = OpenAIServer()
    try:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder, "notebooks")
            root.mkdir()
            environment = jupyter_environment(Path(folder, "home"))
            model = {
                "model_id": scenes.MODEL,
                "api_base": server.base_url,
                "supports_tools": True,
                "supports_schema": True,
            }
            models = Path(environment["LLM_USER_PATH"], "extra-openai-models.yaml")
            models.write_text(yaml.safe_dump([model]), encoding="utf-8")
            with LabServer(root, environment) as lab:
                _take(lab, program, server)
    finally:
        server.stop()
    return 0


def _take(lab: LabServer, program: str, server: OpenAIServer) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2)
        page.set_default_timeout(60_000)
        _quickstart(LabPage(page, lab))
        page.set_viewport_size({"width": WIDTH, "height": TALL})
        studio = _Studio(page, LabPage(page, lab), server)
        for scene in (
            _streaming,
            _reasoning,
            _tools,
            _record,
            _approval,
            _panel,
            _editor,
            _denied,
            _frame_in,
            _table_out,
            _error,
            _rows,
        ):
            scene(studio)
        browser.close()


def _quickstart(notebook: LabPage) -> None:
    """Take the first cells of the quickstart, answered by the local model."""
    shutil.copyfile(ROOT / "notebooks" / NOTEBOOK, notebook.lab.root / NOTEBOOK)
    notebook.open(NOTEBOOK)
    for index in range(SHOWN_CELLS):
        notebook.run_cell(index)
        notebook.wait_until_ran(index)
    page = notebook.page
    if page.locator(
        ".jp-OutputArea-output [data-mime-type$='error'], .jp-OutputArea-output [data-mime-type$='stderr']"
    ).count():
        raise SystemExit("A cell of the quickstart failed, so no pictures were taken. `make notebooks` shows why.")
    notebook.cell(0).locator(".jp-InputPrompt").click()
    page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)")
    page.mouse.move(WIDTH / 2, HEIGHT - 5)
    for theme in ("Light", "Dark"):
        notebook.theme(theme)
        _save(page, f"quickstart-{theme.lower()}")
    notebook.theme("Light")


def _save(page: Page, name: str, clip: FloatRect | None = None) -> None:
    picture = PICTURES / f"{name}.png"
    page.screenshot(path=picture, clip=clip)
    print(picture.relative_to(ROOT))


@dataclass(slots=True)
class _Studio:
    """Makes a notebook for each scene: a cell that defines the tools, and the cell with the prompt, which is pictured.

    Attributes:
        page: the browser's page.
        lab: the same page, as a person uses it.
        server: plays the model.
        asking: where the cell with the prompt is.
    """

    page: Page
    lab: LabPage
    server: OpenAIServer
    asking: int = 1

    def ask(self, name: str, source: str, *replies: Reply, before: Sequence[str] = (scenes.TOOLS,)) -> None:
        """Open the notebook of a scene and run its prompt, after the cells before it."""
        self.server.play(*replies)
        self.lab.write(f"{name}.ipynb", [*before, source])
        self.asking = len(before)
        for index in range(self.asking):
            self.lab.run_cell(index)
            self.lab.wait_until_ran(index)
        self.lab.run_cell(self.asking)

    @property
    def output(self) -> Locator:
        return self.lab.output(self.asking)

    def button(self, name: str) -> Locator:
        return self.output.get_by_role("button", name=name, exact=True)

    def wait_for_card(self) -> None:
        self.output.locator(".llm-ask button:text-is('Approve'):not([aria-disabled])").wait_for()

    def take(self, name: str) -> None:
        """Take the cell as it is at the moment, in both themes, without marks of selection."""
        self.page.evaluate("() => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0; }")
        self.page.mouse.move(WIDTH / 2, TALL - 5)
        for theme in ("Light", "Dark"):
            self.lab.theme(theme)
            _save(self.page, f"{name}-{theme.lower()}", self.lab.cell(self.asking).bounding_box())
        self.lab.theme("Light")


def _frame_in(studio: _Studio) -> None:
    """Picture an answer about a frame and the cells above, with what was sent unfolded."""
    studio.ask("frame-in", scenes.FRAME_IN, scenes.says(scenes.ABOUT_FRAME), before=[scenes.FRAME])
    studio.lab.wait_until_ran(1)
    for summary in studio.output.locator("summary").all():
        summary.click()
    studio.take("frame-in")


def _table_out(studio: _Studio) -> None:
    """Picture rows that have become a DataFrame."""
    studio.ask("table-out", scenes.TABLE_OUT, scenes.says(scenes.PEOPLE), before=["%load_ext llm_notebook"])
    studio.lab.wait_until_ran(1)
    studio.take("table-out")


def _error(studio: _Studio) -> None:
    """Picture an error that is explained, with the cell that is proposed."""
    reply = scenes.says(scenes.EXPLANATION)
    studio.ask("error", f"%llm error fix -m {scenes.MODEL}", reply, before=[scenes.FRAME, scenes.FAILS])
    studio.lab.wait_until_ran(2)
    studio.take("error")


def _streaming(studio: _Studio) -> None:
    """Picture an answer while it is written, its reasoning folded."""
    seen = threading.Event()
    studio.ask("streaming", scenes.REASONED, scenes.half(scenes.ANSWER, UntilSet(seen)))
    studio.output.get_by_text("quantile (t").wait_for()
    studio.take("streaming")
    seen.set()
    studio.lab.wait_until_ran(1)


def _reasoning(studio: _Studio) -> None:
    """Picture a finished answer whose reasoning is unfolded."""
    studio.ask("reasoning", scenes.REASONED, scenes.says(scenes.ANSWER, thought=scenes.THOUGHT))
    studio.lab.wait_until_ran(1)
    studio.output.locator("summary").first.click()
    studio.take("reasoning")


def _tools(studio: _Studio) -> None:
    """Picture tool calls that ran without a question, one of them unfolded."""
    found = "Most of it are checkpoints: 18 of them, **141 GB**, have not been touched for 90 days."
    studio.ask("tools", scenes.ASK, *scenes.looks_around("Let me see what takes the space."), scenes.says(found))
    studio.lab.wait_until_ran(1)
    for summary in (studio.output.locator("summary").first, studio.output.locator("summary", has_text="disk_usage")):
        summary.click()
    studio.take("tools")


def _record(studio: _Studio) -> None:
    """Picture a finished answer after reasoning, calls that ran by themselves, and one that was approved."""
    asks = scenes.calls("delete_files", scenes.CLEAN_UP)
    done = "**141 GB are free again**: 18 checkpoints that nobody had touched for 90 days are gone."
    studio.ask("record", scenes.ASK_FOR_USAGE, *scenes.looks_around(thought=scenes.LOOK_FIRST), asks, scenes.says(done))
    studio.wait_for_card()
    studio.button("Approve").click()
    studio.output.get_by_text("are gone").wait_for()
    studio.output.get_by_text("Copy answer").wait_for()
    studio.take("record")


def _play_question(studio: _Studio, name: str, *replies: Reply) -> None:
    """Play a scene up to its question."""
    asks = scenes.calls("delete_files", scenes.CLEAN_UP, text="18 checkpoints of finished runs can go.")
    studio.ask(name, scenes.ASK, asks, *replies)
    studio.wait_for_card()


def _approval(studio: _Studio) -> None:
    """Picture a question."""
    _play_question(studio, "approval")
    studio.take("approval")


def _panel(studio: _Studio) -> None:
    """Picture JupyterLab with the side panel, beside a question that waits."""
    page = studio.page
    _play_question(studio, "panel")
    page.set_viewport_size({"width": PANEL_WIDTH, "height": HEIGHT})
    status = page.get_by_role("group", name="Language models")
    status.get_by_role("button", name="waiting for your decision").click()
    page.get_by_role("region", name="Waiting for you", exact=True).get_by_text("delete_files").first.wait_for()
    studio.output.locator(".llm-ask").scroll_into_view_if_needed()
    for theme in ("Light", "Dark"):
        studio.lab.theme(theme)
        _save(page, f"panel-{theme.lower()}")
    studio.lab.theme("Light")
    page.get_by_role("tab", name="Language models").click()
    page.set_viewport_size({"width": WIDTH, "height": TALL})


def _editor(studio: _Studio) -> None:
    """Picture a question whose arguments are being edited."""
    _play_question(studio, "editor")
    studio.button("Edit…").click()
    studio.output.locator(".llm-ask").get_by_label("older_than_days").fill("180")
    studio.take("editor")


def _denied(studio: _Studio) -> None:
    """Picture a denial with its reason, and the model's answer to it."""
    then = "Then I leave the checkpoints alone. `datasets` holds 96 GB; shall I look there?"
    _play_question(studio, "denied", scenes.says(then))
    studio.button("Deny…").click()
    studio.output.locator(".llm-ask textarea").fill(scenes.DENIED)
    studio.button("Deny").click()
    studio.output.get_by_text("shall I look there").wait_for()
    studio.take("denied")


def _rows(studio: _Studio) -> None:
    """Picture a run over rows while it goes on, and its result."""
    labels = rows_scene.Labels()
    studio.server.answer = labels.answer
    studio.lab.write("rows.ipynb", [rows_scene.SETUP, rows_scene.LABEL])
    studio.asking = 1
    studio.lab.run_cell(0)
    studio.lab.wait_until_ran(0)
    studio.lab.run_cell(1)
    studio.output.get_by_text(f"{labels.free:,}", exact=True).wait_for()
    studio.take("rows-running")
    labels.go_on.set()
    studio.lab.wait_until_ran(1)
    studio.take("rows")


if __name__ == "__main__":
    sys.exit(main())
