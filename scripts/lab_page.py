"""Drives a notebook in JupyterLab as a person does, and reads what a person sees."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator, Page

from scripts.lab_server import LabServer

__all__ = ["RESULTS", "LabPage"]

RESULTS = Path(__file__).resolve().parents[1] / "test-results"

_LONGEST_RUN_MS = 240_000
_CELLS = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell"
_PANEL = "window.jupyterapp.shell.currentWidget"
_IS_IDLE = f"() => {_PANEL}?.sessionContext?.session?.kernel?.status === 'idle'"
_START_KERNEL = f"() => {_PANEL}.sessionContext.changeKernel({{ name: 'python3' }}).then(() => null)"
_IS_OPEN = f"() => window.jupyterapp && {_PANEL}?.context?.isReady && {_PANEL}.content.widgets.length > 0"

_CLOSE_ALL = """() => {
  const shell = window.jupyterapp?.shell;
  [...(shell?.widgets('main') ?? [])].forEach(widget => widget.dispose());
  return !!shell;
}"""

# Records each length that the text of an output has while its cell shows that it is running.
_WATCH_GROWTH = """() => {
  const states = (window.__growth = []);
  const look = () => document.querySelectorAll('.jp-CodeCell').forEach((cell, index) => {
    const busy = cell.querySelector('.jp-InputPrompt')?.textContent === '[*]:';
    const length = cell.querySelector('.llm-transcript, .jp-RenderedMarkdown')?.textContent.length ?? 0;
    const seen = (states[index] ??= []);
    if (busy && length && seen[seen.length - 1] !== length) seen.push(length);
  });
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""

_WATCH_RESTARTS = f"""() => {{
  window.__restarts = 0;
  {_PANEL}.sessionContext.statusChanged.connect((_, status) => {{
    if (['restarting', 'autorestarting'].includes(status)) window.__restarts += 1;
  }});
}}"""


@dataclass(slots=True)
class LabPage:
    """A browser page on a JupyterLab server.

    Attributes:
        page: the browser's page.
        lab: the server.
        name: the file name of the open notebook.
        stays_loaded: whether `write()` opens a notebook on a page as it is, if JupyterLab is loaded there. It loads the page if not.
    """

    page: Page
    lab: LabServer
    name: str = ""
    stays_loaded: bool = False

    @property
    def file(self) -> Path:
        """The path of the open notebook."""
        return self.lab.root / self.name

    def write(self, name: str, sources: Sequence[str], *, kernel: str = "python3") -> None:
        """Write a notebook with these code cells and open it, alone on the page, with the kernel of that name."""
        self._write(name, sources, kernel)
        if self.stays_loaded and self.close_all():
            self._open_beside(name)
        else:
            self.open(name)

    def close_all(self) -> bool:
        """Close what is open, without a question whether to save it. Return False if the page does not show this JupyterLab."""
        is_loaded = self.page.url.startswith(self.lab.url)
        return is_loaded and bool(self.page.evaluate(_CLOSE_ALL))

    def write_beside(self, name: str, sources: Sequence[str]) -> None:
        """Write a notebook with these code cells and open it beside those that are open."""
        self._write(name, sources, "python3")
        self._open_beside(name)

    def _open_beside(self, name: str) -> None:
        self.name = name
        self.command("docmanager:open", {"path": name})
        self.page.wait_for_function(f"name => {_PANEL}?.context?.path === name", arg=name)
        self.page.wait_for_function(_IS_OPEN)
        self.page.wait_for_function(_IS_IDLE)

    def _write(self, name: str, sources: Sequence[str], kernel: str) -> None:
        spec = {"name": kernel, "display_name": kernel, "language": "python"}
        cells = [new_code_cell(source) for source in sources]
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), self.lab.root / name)

    def open(self, name: str, *, idle: bool = True) -> None:
        """Open a notebook of the server's folder. Wait until its kernel is idle, unless `idle` is False."""
        self.name = name
        self.page.goto(self.lab.address(name))
        self.page.wait_for_function(_IS_OPEN)
        if idle:
            self.page.wait_for_function(_IS_IDLE)

    def reopen_without_kernel(self, *, save: bool = True) -> None:
        """Save, shut every kernel down, and reload the page without letting it start another kernel.

        Requests for the lists of kernels and sessions still pass, because JupyterLab opens nothing before it has them.
        """
        if save:
            self.save()
        self.lab.shut_down_kernels()
        self.page.route(
            re.compile(r"/api/(kernels|sessions)\b"),
            lambda route: route.abort() if route.request.method == "POST" else route.continue_(),
        )
        self.page.goto(self.lab.address(self.name))
        self.page.wait_for_function(_IS_OPEN)
        # JupyterLab reports the failure, and then asks for a kernel.
        for button in ("Ok", "No Kernel"):
            self.page.locator(".jp-Dialog").get_by_role("button", name=button).click()

    def start_kernel(self) -> None:
        """Start a kernel for the notebook that was reopened without one, and wait until it is idle."""
        self.page.unroute_all()
        self.page.evaluate(_START_KERNEL)
        self.page.wait_for_function(_IS_IDLE)

    def restart_kernel(self) -> None:
        """Restart the kernel, and wait until it is idle."""
        self.page.evaluate(f"() => {_PANEL}.sessionContext.session.kernel.restart()")
        self.page.wait_for_function(_IS_IDLE)

    def watch_restarts(self) -> None:
        """Begin to count how often the server restarts the kernel."""
        self.page.evaluate(_WATCH_RESTARTS)

    def wait_until_restarted(self) -> None:
        """Wait until a kernel that died after `watch_restarts()` is idle again."""
        self.page.wait_for_function("() => window.__restarts > 0")
        # JupyterLab reports that the kernel has died, in a dialog that must be closed.
        self.page.locator(".jp-Dialog").get_by_role("button", name="Ok").click()
        self.page.wait_for_function(_IS_IDLE)

    def wait_until_idle(self) -> None:
        """Wait until the kernel is idle, and the page has everything that it sent before."""
        self.page.wait_for_function(_IS_IDLE)

    def save(self) -> None:
        """Save the notebook."""
        self.command("docmanager:save")

    def command(self, name: str, arguments: object = None) -> Any:
        """Execute one of JupyterLab's commands."""
        script = "([name, given]) => window.jupyterapp.commands.execute(name, given ?? {}).then(() => null)"
        return self.page.evaluate(script, [name, arguments])

    def run_all(self) -> None:
        """Choose Run > Run All Cells in the menu. Do not wait for the cells."""
        self.page.locator(".lm-MenuBar").get_by_text("Run", exact=True).click()
        self.page.locator(".lm-Menu").get_by_text("Run All Cells", exact=True).click()

    def run_cell(self, index: int) -> None:
        """Click a cell and press Shift+Enter. Do not wait for it."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def run_source(self, index: int, source: str) -> None:
        """Replace the text of a cell and run it. Do not wait for it."""
        self.page.evaluate(
            f"([index, source]) => {_PANEL}.content.widgets[index].model.sharedModel.setSource(source)", [index, source]
        )
        self.run_cell(index)

    def wait_until_ran(self, index: int) -> None:
        """Wait until a cell shows an execution count and the kernel is idle."""
        self.page.wait_for_function(
            f"index => /\\d/.test(document.querySelectorAll('{_CELLS} .jp-InputPrompt')[index]?.textContent)",
            arg=index,
            timeout=_LONGEST_RUN_MS,
        )
        self.page.wait_for_function(_IS_IDLE)

    def wait_until_kept(self, index: int, ending: str) -> None:
        """Wait until the notebook, which may be behind what its page shows, holds an output whose plain text ends in this."""
        self.page.wait_for_function(
            f"""([index, ending]) => {{
              const {{ outputs }} = {_PANEL}.content.widgets[index].model;
              const texts = Array.from({{ length: outputs.length }}, (_, at) => outputs.get(at).data['text/plain']);
              return texts.some(text => typeof text === 'string' && text.endsWith(ending));
            }}""",
            arg=[index, ending],
        )

    def cell(self, index: int) -> Locator:
        """Return a code cell of the notebook in front, counted from 0, or backwards from -1."""
        return self.page.locator(_CELLS).nth(index)

    def output(self, index: int) -> Locator:
        """Return the output area of a code cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def answer(self, index: int) -> Locator:
        """Return the model's answer in a code cell."""
        return self.output(index).locator(".llm-answer")

    def watch_growth(self) -> None:
        """Begin to record how the outputs of running cells grow."""
        self.page.evaluate(_WATCH_GROWTH)

    def growth(self, index: int) -> list[int]:
        """Return the successive lengths of a cell's output text, in characters, while it was running."""
        states: list[list[int] | None] = self.page.evaluate("() => window.__growth")
        return (states[index] if index < len(states) else None) or []

    def theme(self, name: str) -> None:
        """Switch to JupyterLab's "Light" or "Dark" theme."""
        self.command("apputils:change-theme", {"theme": f"JupyterLab {name}"})
        light = "true" if name == "Light" else "false"
        self.page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=light)
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")

    def themes(self) -> Iterator[str]:
        """Show the page in both themes, beginning with the one that it has, since switching takes time. Yield their names."""
        is_light = self.page.evaluate("() => document.body.dataset.jpThemeLight === 'true'")
        now, other = ("Light", "Dark") if is_light else ("Dark", "Light")
        yield now
        self.theme(other)
        yield other

    def screenshot(self, name: str) -> None:
        """Save a picture of the page under test-results/."""
        RESULTS.mkdir(exist_ok=True)
        self.page.screenshot(path=RESULTS / f"{name}.png")
