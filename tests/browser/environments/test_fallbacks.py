"""A kernel with the whole package, and a JupyterLab in another environment that lacks some of it."""

from __future__ import annotations

import re
import shutil
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from scripts.lab_server import LabServer
from tests.browser.asking import ASK, BELOW, DEFINE, Asking
from tests.browser.conftest import running_lab
from tests.fakes.openai_server import Reply, UntilSet, sse, text_chunk, text_reply
from tests.notebook.ipykernels import REPOSITORY, write_kernelspec

# The prebuilt extensions of each kind of server.
_EXTENSIONS = {
    "without anywidget": ["@jupyter-widgets"],
    "never built": [],
    "with anywidget": ["@jupyter-widgets", "anywidget"],
}


@pytest.fixture(scope="module")
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """A JupyterLab that has the extensions of one kind of server; `never built` is the kernel of a checkout without bundles."""
    folder = tmp_path_factory.mktemp("lab")
    extensions = folder / "labextensions"
    extensions.mkdir()
    for name in _EXTENSIONS[request.param]:
        (extensions / name).symlink_to(Path(sys.prefix, "share", "jupyter", "labextensions", name))
    checkout = folder / "checkout"
    shutil.copytree(
        REPOSITORY / "llm_notebook",
        checkout / "llm_notebook",
        ignore=shutil.ignore_patterns("static", "labextension", "__pycache__"),
    )
    with running_lab(folder, extensions) as server:
        write_kernelspec(Path(server.environment["JUPYTER_DATA_DIR"]), "never-built", checkout)
        yield server


def _command(asking: Asking, verb: str) -> str:
    """Return the line that the record says to type."""
    found = re.search(rf"%llm {verb} \w+", asking.output.inner_text())
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("lab", "kernel", "says"),
    [
        ("without anywidget", "python3", "pip install jupyter-llm-notebook in the environment that JupyterLab runs in"),
        ("never built", "never-built", "python -m scripts.front_end in the checkout"),
    ],
    indirect=["lab"],
    ids=["without anywidget", "never built"],
)
def test_a_question_is_text_that_says_what_to_install_and_what_to_type(asking: Asking, kernel: str, says: str) -> None:
    seen = threading.Event()
    first, last = sse(text_chunk("Now I am done"), done=False), sse(text_chunk(", as you wished."))
    asking.open(kernel=kernel)
    asking.play(Reply([first, UntilSet(seen), last]))
    asking.lab.run_cell(ASK)
    expect(asking.output).to_contain_text("delete_files · waiting for your approval, nothing has run")
    expect(asking.output).to_contain_text("/tmp/old")
    expect(asking.output).to_contain_text(says)
    expect(asking.output.get_by_role("button")).to_have_count(0)
    expect(asking.output).not_to_contain_text("widget")
    assert asking.ran == []
    asking.lab.screenshot(f"fallback-{kernel}")

    approve = _command(asking, "approve")
    asking.lab.run_source(BELOW, approve)
    expect(asking.lab.output(BELOW)).to_contain_text("Now I am done")
    expect(asking.output).to_contain_text("Now I am done")
    seen.set()
    for output in (asking.output, asking.lab.output(BELOW)):
        expect(output).to_contain_text("Now I am done, as you wished.")
        expect(output).not_to_contain_text("For buttons here")
    assert asking.ran == ["/tmp/old"]
    [output] = asking.saved()
    assert sorted(output["data"]) == ["application/vnd.llm-notebook.transcript+json", "text/markdown", "text/plain"]

    asking.play(text_reply("Then not."))
    asking.lab.run_cell(ASK)
    expect(asking.output).to_contain_text("waiting for your approval")
    asking.lab.run_source(BELOW, _command(asking, "deny") + " I need them")
    expect(asking.output).to_contain_text("Then not.")
    assert asking.results() == ["Denied by the user: I need them"]

    asking.play()
    asking.lab.run_source(ASK, "%%llm -m scripted -T delete_files --wait\nTidy up.")
    question = asking.output.locator(".jp-Stdin-input")
    question.fill("y")
    question.press("Enter")
    expect(asking.output).to_contain_text("All tidy.")
    assert asking.ran == ["/tmp/old"] * 2


_TALKATIVE = """\
print("a printed " + "line")
from IPython.display import display, HTML
display(HTML("<b>a drawing</b>"))
print("said", input("Really? "))"""


def _answer_subshells_late(page: Page) -> None:
    """Hold the kernel's answers to `create_subshell_request` until it opens a widget with a transcript.

    JupyterLab sends what widgets say through a subshell that they share. It deletes the subshell after the last of them, even
    if another one has come to use it meanwhile.
    """

    def connect(front: WebSocketRoute) -> None:
        kernel = front.connect_to_server()
        held: list[str | bytes] = []
        seen: list[bool] = []

        def pass_on(message: str | bytes) -> None:
            data = message.encode() if isinstance(message, str) else message
            if b"create_subshell_reply" in data and not seen:
                held.append(message)
                return
            front.send(message)
            if b"comm_open" in data and b"llm-answer" in data:
                seen.append(True)
                for late in held:
                    front.send(late)

        kernel.on_message(pass_on)

    page.route_web_socket(re.compile("/channels"), connect)


@pytest.mark.parametrize("lab", ["with anywidget"], indirect=True)
def test_the_widget_has_buttons_that_go_on_in_its_cell(asking: Asking) -> None:
    _answer_subshells_late(asking.page)
    reported: list[str] = []
    asking.page.on("console", lambda message: reported.append(message.text))
    asking.open(body=_TALKATIVE)
    asking.ask()
    asking.lab.run_cell(BELOW)
    asking.lab.wait_until_ran(BELOW)
    asking.button("Approve").click()
    question = asking.output.locator(".jp-Stdin-input")
    question.fill("yes")
    question.press("Enter")
    expect(asking.output).to_contain_text("All tidy.")
    for shown in ("a printed line", "a drawing", "said yes"):
        expect(asking.output).to_contain_text(shown)
    expect(asking.lab.output(BELOW)).to_have_text("below ran")
    assert asking.ran == ["/tmp/old"]
    # Where there is no renderer of ours, the page draws the record as Markdown, in the place of the widget.
    expect(asking.output.locator(".jp-RenderedMarkdown")).to_contain_text("All tidy.")
    bundles = [output["data"] for output in asking.saved() if "text/markdown" in output.get("data", {})]
    assert ["application/vnd.jupyter.widget-view+json" in bundle for bundle in bundles] == [False]
    # Nor does any of our widgets report a failure.
    assert [text for text in reported if "[anywidget]" in text] == []


@pytest.mark.parametrize("lab", ["with anywidget"], indirect=True)
def test_the_revived_widget_continues_after_a_reload(asking: Asking) -> None:
    asking.open()
    asking.ask()
    asking.lab.save()
    asking.load_page()
    asking.wait_for_card()
    asking.button("Deny…").click()
    asking.card.get_by_role("textbox").first.fill("not now")
    asking.button("Deny").click()
    asking.expect_answer()
    assert asking.ran == []
    assert asking.results() == ["Denied by the user: not now"]
    asking.lab.run_cell(DEFINE)
    asking.lab.wait_until_ran(DEFINE)
