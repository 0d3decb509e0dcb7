"""Takes the pictures of the README: the quickstart in a real JupyterLab, in its light and its dark theme."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from llm_notebook.errors import ModelError
from scripts.chromium import ARGUMENTS, provide_chromium
from scripts.front_end import provide_front_end
from scripts.jupyter_home import jupyter_environment
from scripts.lab_page import LabPage
from scripts.lab_server import LabServer
from scripts.weights import provide_weights

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
NOTEBOOK = "quickstart.ipynb"
SHOWN_CELLS = 4
WIDTH, HEIGHT = 1000, 800


def main() -> int:
    """Run the first cells and take the pictures. Returns the exit code."""
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
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "notebooks")
        root.mkdir()
        shutil.copyfile(ROOT / "notebooks" / NOTEBOOK, root / NOTEBOOK)
        with LabServer(root, jupyter_environment(Path(folder, "home"))) as lab:
            _take(lab, program)
    return 0


def _take(lab: LabServer, program: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=2)
        page.set_default_timeout(60_000)
        notebook = LabPage(page, lab)
        notebook.open(NOTEBOOK)
        for index in range(SHOWN_CELLS):
            notebook.run_cell(index)
            notebook.wait_until_ran(index)
        if page.locator(
            ".jp-OutputArea-output [data-mime-type$='error'], .jp-OutputArea-output [data-mime-type$='stderr']"
        ).count():
            raise SystemExit("A cell of the quickstart failed, so no pictures were taken. `make notebooks` shows why.")
        notebook.cell(0).locator(".jp-InputPrompt").click()
        page.evaluate("() => document.querySelector('.jp-WindowedPanel-outer').scrollTo(0, 0)")
        page.mouse.move(WIDTH / 2, HEIGHT - 5)
        for theme in ("Light", "Dark"):
            notebook.theme(theme)
            picture = PICTURES / f"quickstart-{theme.lower()}.png"
            page.screenshot(path=picture)
            print(picture.relative_to(ROOT))
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
