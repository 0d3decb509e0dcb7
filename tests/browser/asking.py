"""A notebook with a tool that needs approval, and what a person does with its card."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from scripts.lab_page import LabPage
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, call_reply, text_reply

__all__ = ["ASK", "BELOW", "DEFINE", "Asking"]

DEFINE, ASK, BELOW = 0, 1, 2

_ASK_DEBUGGER = """() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel
    .requestDebug({ seq: 1, type: 'request', command: 'debugInfo', arguments: {} }).done.then(() => null)"""

# Each run of the tool leaves a line in a file.
_TOOL = '''\
%load_ext llm_notebook
import llm_notebook as llm

@llm.require_approval{arguments}
def delete_files(path: str) -> str:
    """Delete the files below a path."""
    with open("{ran}", "a") as file:
        print(path, file=file)
{body}
    return "deleted " + path
'''


@dataclass(slots=True)
class Asking:
    """A notebook of three cells: the tool, a prompt that leads to its call, and a cell below.

    Attributes:
        lab: the page.
        server: who plays the model.
        name: of the notebook, without its ending; the tool's file is named after it.
    """

    lab: LabPage
    server: OpenAIServer
    name: str

    @property
    def page(self) -> Page:
        """The browser's page."""
        return self.lab.page

    @property
    def ran(self) -> list[str]:
        """The arguments of the tool's runs, one for each run."""
        file = self._file
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    @property
    def _file(self) -> Path:
        return self.lab.lab.root / f"{self.name}.ran"

    def tool(self, body: str = "", arguments: str = "") -> str:
        """Return a cell that defines the tool, with further lines in its body and with arguments of `require_approval`."""
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        return _TOOL.format(ran=self._file.name, body=lines, arguments=arguments)

    def open(
        self,
        *,
        body: str = "",
        arguments: str = "",
        options: str = "",
        kernel: str = "python3",
        below: str = "print('below ran')",
    ) -> None:
        """Write the notebook, open it and run the cell that defines the tool."""
        cells = [self.tool(body, arguments), f"%%llm -m scripted -T delete_files {options}\nTidy up.", below]
        self.lab.write(f"{self.name}.ipynb", cells, kernel=kernel)
        self.lab.run_cell(DEFINE)
        self.lab.wait_until_ran(DEFINE)

    def play(self, *replies: Reply, path: str = "/tmp/old", when: threading.Event | None = None) -> None:
        """Script the model: it asks to delete `path`, not before `when` is set, and then gives these replies or says that it is done."""
        first = call_reply("delete_files", json.dumps({"path": path}), text="I will tidy up.")
        if when is not None:
            first.pieces = [UntilSet(when), *first.pieces]
        self.server.play(first, *(replies or (text_reply("All ", "tidy."),)))

    def ask(self, *replies: Reply, path: str = "/tmp/old") -> None:
        """Run the prompt and wait for the card."""
        self.play(*replies, path=path)
        self.lab.run_cell(ASK)
        self.wait_for_card()

    def ask_in_run_all(self) -> None:
        """Run all cells and wait for the card. The model answers when the page has sent all of them, so that the later ones are queued."""
        are_sent = threading.Event()
        self.play(when=are_sent)
        self.lab.run_all()
        expect(self.lab.cell(-1).locator(".jp-InputPrompt")).to_have_text("[*]:")
        # What the page sends goes to the kernel in order, and a kernel that is busy answers this all the same.
        self.page.evaluate(_ASK_DEBUGGER)
        are_sent.set()
        self.wait_for_card()

    def load_page(self) -> None:
        """Load the page again, as the reload button of the browser does."""
        self.lab.open(self.lab.name)

    def load_busy_page(self) -> None:
        """Load the page again while the kernel is busy."""
        self.lab.open(self.lab.name, idle=False)

    def stop(self) -> None:
        """Press ■."""
        self.lab.command("notebook:interrupt-kernel")

    def wait_for_card(self) -> None:
        """Wait until the question is shown and can be answered."""
        expect(self.card).to_be_visible()
        # A card that is not in view cannot be answered.
        self.card.scroll_into_view_if_needed()
        expect(self.button("Approve").or_(self.button("It ran…"))).not_to_have_attribute("aria-disabled", "true")

    def ask_kernel(self) -> None:
        """Press the one button of a saved answer whose kernel has not loaded the package."""
        self.output.get_by_role("button", name="Ask the kernel").click()

    @property
    def output(self) -> Locator:
        """The output of the prompt's cell."""
        return self.lab.output(ASK)

    @property
    def card(self) -> Locator:
        """The question."""
        return self.output.locator(".llm-ask")

    def button(self, name: str) -> Locator:
        """Return a button of the card."""
        return self.card.get_by_role("button", name=name, exact=True)

    def results(self) -> list[Any]:
        """Return the tool results in the last request that the model was sent."""
        messages = self.server.requests[-1].json()["messages"]
        return [message["content"] for message in messages if message["role"] == "tool"]

    def expect_answer(self, text: str = "All tidy.") -> None:
        """Expect that the chain has reached its end, in the cell that asked."""
        expect(self.output.locator(".llm-answer").last).to_contain_text(text)
        expect(self.card).to_have_count(0)

    def saved(self) -> Sequence[Any]:
        """Return the outputs of the prompt's cell, in the file that is saved when the kernel has done what was asked of it."""
        self.lab.wait_until_idle()
        self.lab.save()
        cells = json.loads(self.lab.file.read_text(encoding="utf-8"))["cells"]
        outputs: Sequence[Any] = cells[ASK]["outputs"]
        return outputs
