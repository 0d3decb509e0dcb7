"""A model that writes a page of payloads: no script, no request, no command, live, finished, reopened and untrusted."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import nbformat
import pytest
from playwright.sync_api import Dialog, Page, expect

from llm_notebook.transcript.markdown.safe import safe_markdown
from scripts.lab_page import LabPage
from tests.browser.answers.hostile_markdown import CANARY, CLICKABLE, ELSEWHERE, PAYLOADS, PICTURES, SOURCES
from tests.fakes.openai_server import OpenAIServer, Reply, UntilSet, delta_chunk, sse, text_chunk
from tests.transcript.test_markdown import PAYLOADS as KNOWN_PAYLOADS

_BEGINNING = "Here is the page you asked for."
_HALF_TIME = "That was the first half."
_END = "That was all."

_WATCH_COMMANDS = """canary => {
  const { commands } = window.jupyterapp;
  window.__commands = [];
  if (!commands.hasCommand(canary)) commands.addCommand(canary, { execute: () => null });
  commands.commandExecuted.connect((_, ran) => window.__commands.push(ran.id));
}"""


@dataclass(slots=True)
class Watch:
    """Records what payloads try to achieve: requests, pages that open, scripts and commands that run."""

    page: Page
    server: str
    requests: list[str] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)

    def begin(self) -> None:
        """Begin to listen, on this page and on those that replace it."""
        self.page.context.on("request", lambda request: self._note_request(request.url))
        self.page.context.on("page", lambda page: self.opened.append(f"page {page.url}"))
        self.page.on("dialog", lambda dialog: self._dismiss(dialog))  # noqa: PLW0108  playwright marks what it is given

    def begin_in_page(self) -> None:
        """Begin to listen for commands on the page that is shown."""
        self.page.evaluate(_WATCH_COMMANDS, CANARY)

    def seen(self) -> list[str]:
        """Return what the payloads have achieved so far."""
        scripts: int = self.page.evaluate("() => window.__pwned ?? 0")
        commands: list[str] = self.page.evaluate("() => window.__commands.filter(id => id.startsWith('canary'))")
        return [*self.requests, *self.opened, *commands, *(["script"] * scripts)]

    def _note_request(self, url: str) -> None:
        ours = url.startswith((self.server, "data:", "blob:")) and "canary" not in url and "api/shutdown" not in url
        if not ours:
            self.requests.append(url)

    def _dismiss(self, dialog: Dialog) -> None:
        self.opened.append("dialog")
        dialog.dismiss()


@pytest.fixture
def watch(lab_page: LabPage) -> Watch:
    watch = Watch(lab_page.page, lab_page.lab.url)
    watch.begin()
    return watch


def click_everything(lab_page: LabPage, index: int, texts: list[str]) -> int:
    """Click on every text of the payloads that is visible in the output. Return how many there were."""
    clicked = 0
    for text in texts:
        for place in lab_page.output(index).get_by_text(text, exact=False).all():
            if place.is_visible():
                place.click(force=True)
                clicked += 1
    return clicked


def test_nothing_happens(lab_page: LabPage, scripted: OpenAIServer, watch: Watch) -> None:
    looked_live = threading.Event()
    half = len(PAYLOADS) // 2
    first = "\n\n".join([_BEGINNING, *PAYLOADS[half:], _HALF_TIME])
    second = "\n\n".join(["", *PAYLOADS[:half], _END])
    middle = [sse(text_chunk(piece), done=False) for piece in (first[:700], first[700:])]
    named = delta_chunk({"images": PICTURES}) | {"search_results": SOURCES}
    scripted.play(Reply([*middle, UntilSet(looked_live), sse(text_chunk(second), named, delta_chunk({}, "stop"))]))
    lab_page.write("hostile.ipynb", ["%load_ext llm_notebook", "%%llm -m scripted\nWrite a page"])
    watch.begin_in_page()

    lab_page.run_all()
    expect(lab_page.output(1)).to_contain_text(_HALF_TIME)
    assert click_everything(lab_page, 1, CLICKABLE) >= len(CLICKABLE) // 2
    assert watch.seen() == []

    looked_live.set()
    lab_page.wait_until_ran(1)
    expect(lab_page.output(1)).to_contain_text(_END)
    expect(lab_page.output(1).locator(".llm-sources li")).to_have_count(len(SOURCES))
    expect(lab_page.output(1).locator("figure.llm-picture")).to_have_count(len(PICTURES))
    assert click_everything(lab_page, 1, CLICKABLE) >= len(CLICKABLE) // 2
    lab_page.screenshot("hostile")
    assert watch.seen() == []

    _look_again(lab_page, watch, lab_page.reopen_without_kernel)
    _look_again(lab_page, watch, lambda: _reopen_untrusted(lab_page))


def test_every_known_payload_is_only_shown(lab_page: LabPage, watch: Watch) -> None:
    """The real renderer shows the payloads of the tests of safe Markdown. It shows at most 50 outputs in a cell."""
    safe = [safe_markdown(payload) for payload in KNOWN_PAYLOADS]
    batches = [safe[start : start + 40] for start in range(0, len(safe), 40)]
    show = "from IPython.display import Markdown, display\nfor text in {texts!r}:\n    display(Markdown(text))"
    lab_page.write(
        "known.ipynb", [show.format(texts=[*batch, f"Batch {number}"]) for number, batch in enumerate(batches)]
    )
    watch.begin_in_page()
    lab_page.run_all()
    for number in range(len(batches)):
        expect(lab_page.output(number)).to_contain_text(f"Batch {number}")
    lab_page.page.wait_for_load_state("networkidle")
    assert watch.seen() == []
    active = "() => [...document.querySelectorAll('.jp-RenderedMarkdown')].flatMap(shown => [...shown.querySelectorAll("
    active += "'script, iframe, img, svg:not(mjx-container svg), form, button, object, embed, style, [onerror], [onclick], [data-commandlinker-command]')])"
    assert lab_page.page.evaluate(f"{active}.map(element => element.outerHTML)") == []


def test_the_same_page_shown_by_jupyterlab_itself_is_seen_by_the_watch(lab_page: LabPage, watch: Watch) -> None:
    """The other tests would also pass with a watch that notices nothing. Here there is something to notice."""
    source = f"from IPython.display import Markdown, display\ndisplay(Markdown({chr(10).join(PAYLOADS)!r}))"
    lab_page.write("shown.ipynb", [source])
    watch.begin_in_page()
    lab_page.run_all()
    lab_page.wait_until_ran(0)
    lab_page.output(0).locator("[data-commandlinker-command]").first.click()
    seen = watch.seen()
    assert "script" in seen
    assert CANARY in seen
    assert any(url.startswith(ELSEWHERE) for url in seen)


def _look_again(lab_page: LabPage, watch: Watch, reopen: Callable[[], None]) -> None:
    reopen()
    watch.begin_in_page()
    expect(lab_page.output(1)).to_contain_text(_END)
    assert click_everything(lab_page, 1, CLICKABLE) >= len(CLICKABLE) // 2
    assert watch.seen() == []


def _reopen_untrusted(lab_page: LabPage) -> None:
    """Change the file so that its signature is wrong, and open it."""
    notebook = nbformat.read(lab_page.file, as_version=4)
    notebook.metadata["origin"] = "somebody else"
    nbformat.write(notebook, lab_page.file)
    lab_page.reopen_without_kernel(save=False)
    trusted = "() => window.jupyterapp.shell.currentWidget.content.widgets.every(cell => cell.model.trusted)"
    assert lab_page.page.evaluate(trusted) is False
