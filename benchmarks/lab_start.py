"""Measures how long JupyterLab's page takes to start, with the extension and without it, as a ratio in the same run."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measuring import Row, median_of, print_table
from scripts.chromium import ARGUMENTS, find_chromium
from scripts.front_end import NAME, is_built
from scripts.jupyter_home import jupyter_environment
from scripts.lab_server import LabServer

__all__ = ["run"]

_STARTS = 10
_WITH, _WITHOUT = "with the extension", "without it"

# JupyterLab has started when its plugins are active and its layout is restored: it then takes its splash screen away.
_HAS_STARTED = """async () => {
  await window.jupyterapp.restored;
  return [performance.now(), performance.getEntriesByType('resource')
    .filter(({ name }) => name.includes('/lab/extensions/jupyter-llm-notebook/'))
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)];
}"""


def run(starts: int = _STARTS) -> None:
    """Start the page so many times with the extension and without it, in turns, and print the medians."""
    missing = _missing()
    if missing:
        print(f"\nThe start of JupyterLab was not measured: {missing}")
        return
    from playwright.sync_api import sync_playwright  # a development package, not needed elsewhere

    times: dict[str, list[float]] = {_WITHOUT: [], _WITH: []}
    loaded = 0.0
    with (
        tempfile.TemporaryDirectory() as folder,
        _lab(Path(folder, "with"), disabled=False) as own,
        _lab(Path(folder, "without"), disabled=True) as bare,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        with contextlib.closing(browser):
            labs = {_WITHOUT: bare, _WITH: own}
            # The first page of each server is not counted: it fills the caches of the server and of the system.
            for lab in labs.values():
                _start(browser, lab)
            for _ in range(starts):
                for name, lab in labs.items():
                    seconds, size = _start(browser, lab)
                    times[name].append(seconds)
                    loaded = max(loaded, size)
    for name, took in times.items():
        print(f"{name}: {', '.join(f'{seconds * 1000:.0f}' for seconds in took)} ms")
    print(f"the start loads {loaded / 1000:.0f} kB of the extension")
    base, own_time = (median_of(times[name]) for name in (_WITHOUT, _WITH))
    title = f"Start of JupyterLab's page (median of {starts}, in turns)"
    print_table(title, [Row(_WITH, own_time, _WITHOUT, base, "no measurable cost")], "ms", 1e3)


def _missing() -> str:
    if find_chromium() is None:
        return "there is no Chromium or Chrome."
    for package in ("playwright", "jupyterlab"):
        if importlib.util.find_spec(package) is None:
            return f"the Python package {package} is not installed."
    if not is_built():
        return "the front end is not built; `python -m scripts.front_end` builds it."
    return ""


@contextmanager
def _lab(folder: Path, *, disabled: bool) -> Iterator[LabServer]:
    """Run a JupyterLab with folders of its own, in which the extension is disabled or not."""
    root = folder / "notebooks"
    root.mkdir(parents=True)
    environment = jupyter_environment(folder / "home")
    if disabled:
        config = Path(environment["JUPYTER_CONFIG_DIR"], "labconfig")
        config.mkdir(parents=True, exist_ok=True)
        (config / "page_config.json").write_text(f'{{"disabledExtensions": {{"{NAME}": true}}}}', encoding="utf-8")
    with LabServer(root, environment) as server:
        yield server


def _start(browser: Any, lab: LabServer) -> tuple[float, float]:
    """Open the page in a browser profile of its own. Return the seconds that it took, and how many bytes of the extension it loaded."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    with contextlib.closing(context):
        page = context.new_page()
        page.goto(f"{lab.url}lab/workspaces/auto-start?token={lab.token}&reset", timeout=120_000)
        page.wait_for_function("() => window.jupyterapp", timeout=120_000)
        milliseconds, size = page.evaluate(_HAS_STARTED)
    return milliseconds / 1000, size


if __name__ == "__main__":
    run(int(sys.argv[1]) if len(sys.argv) > 1 else _STARTS)
