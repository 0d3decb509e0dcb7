"""The same clicks with an older ipykernel than the installed one, which handles comm messages at other moments.

Versions 7.0 to 7.3 are tested without a browser (`tests/notebook/waits/test_resuming.py`): in JupyterLab 4.6, a kernel of 7.3.0 sometimes
never reports its status when a notebook is opened, even without this package.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.asking import BELOW, Asking
from tests.notebook.ipykernels import REPOSITORY, ipykernel_folder, write_kernelspec

_TALKATIVE = """\
import ipykernel
print("ipykernel", ipykernel.__version__)
from IPython.display import display, HTML
display(HTML("<b>a drawing</b>"))
print("said", input("Really? "))"""


@pytest.fixture(scope="module", params=["6.29.5"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def kernel(version: str, asking: Asking) -> str:
    """The name of the kernel with that ipykernel."""
    name = f"ipykernel-{version}"
    data = Path(asking.lab.lab.environment["JUPYTER_DATA_DIR"])
    write_kernelspec(data, name, ipykernel_folder(version), REPOSITORY)
    return name


def test_a_click_while_another_cell_runs_shows_all_in_its_own_cell(asking: Asking, kernel: str, version: str) -> None:
    go = asking.lab.lab.root / "go"
    asking.open(
        body=_TALKATIVE,
        below="import time, pathlib\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)\nprint('below ran')",
        kernel=kernel,
    )
    asking.ask()
    asking.lab.run_cell(BELOW)
    expect(asking.lab.cell(BELOW).locator(".jp-InputPrompt")).to_have_text("[*]:")
    asking.button("Approve").click()
    expect(asking.card).to_contain_text("as soon as the kernel is free")
    assert asking.ran == []
    go.touch()
    question = asking.output.locator(".jp-Stdin-input")
    question.fill("yes")
    question.press("Enter")
    asking.expect_answer()
    go.unlink()
    expect(asking.output).to_contain_text(f"ipykernel {version}")
    expect(asking.output).to_contain_text("a drawing")
    expect(asking.output).to_contain_text("said yes")
    expect(asking.lab.output(BELOW)).to_have_text("below ran")
    assert asking.ran == ["/tmp/old"]


def test_stop_ends_the_resumed_chain(asking: Asking, kernel: str) -> None:
    asking.open(body="import time\nprint('work' + 'ing', flush=True)\ntime.sleep(60)", kernel=kernel)
    asking.ask()
    asking.button("Approve").click()
    expect(asking.output).to_contain_text("working")
    asking.stop()
    expect(asking.card).to_contain_text("unknown")
    asking.lab.run_cell(BELOW)
    expect(asking.lab.output(BELOW)).to_contain_text("below ran")
    asking.button("It ran…").click()
    asking.card.get_by_role("textbox").first.fill("half of it")
    asking.button("Answer").click()
    asking.expect_answer()
    assert asking.ran == ["/tmp/old"]
    assert "half of it" in asking.results()[0]
