"""A tool that stops to ask a human itself: its card shows what it has printed until then, here and in a later kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE, click_of, is_idle, shown_of
from tests.notebook.waits.test_later_kernels import act, again, told_click

TOOL = '''
import llm_notebook as llm
entered = 0

def tidy(path: str) -> str:
    """Look, then ask."""
    global entered
    entered += 1
    print("12 files below", path)
    if not llm.approved():
        raise llm.PauseChain("12 files would go.")
    print("deleted", path)
    return "tidied " + path

async def tidy_soon(path: str) -> str:
    """Look, then ask."""
    return tidy(path)
'''
LOOKED, DONE = "12 files below /a\n", "12 files below /a\n12 files below /a\ndeleted /a\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path) as kernel:
        assert kernel.run(TOOL).status == "ok"
        yield kernel


def call(cell: Cell) -> dict[str, Any]:
    [call] = [block for block in cell.outputs[-1][MIME_TYPE]["blocks"] if block["kind"] == "call"]
    return call  # type: ignore[no-any-return]


@pytest.mark.parametrize("tool", ["tidy", "tidy_soon"])
def test_its_card_shows_what_it_has_printed_and_that_it_has_begun(fresh: Kernel, tool: str) -> None:
    asked = fresh.run(f"%llm -m asker -T {tool} Tidy /a", "cell-1")
    assert (call(asked)["status"], call(asked)["printed"]) == ("waiting", {"text": LOOKED})
    assert call(asked)["startedAt"]
    plain = asked.outputs[-1]["text/plain"]
    assert "begun, and waiting for your approval" in plain
    assert "nothing has run" not in plain
    assert "▎     12 files below /a" in plain
    click = click_of(asked)
    document = asked.outputs[-1][MIME_TYPE]
    for forged in ({"text": "1 file\n"}, None):
        block = call(asked) | {"printed": forged}
        seen = shown_of(document | {"blocks": [block]})
        act(fresh, {**click, "shown": seen})
        assert fresh.value("entered") == 1
    done = act(fresh, click)
    assert call(done)["printed"] == {"text": DONE}
    assert fresh.value("entered") == 2


def test_a_later_kernel_shows_it_too(fresh: Kernel) -> None:
    cell = "%llm -m asker -T tidy Tidy /a"
    asked = fresh.run(cell, "cell-1", notebook="work/one.ipynb")
    again(fresh, TOOL)
    click = told_click(fresh, asked)
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    assert told["blocks"][-1]["printed"] == {"text": LOOKED}
    assert told["blocks"][-1]["startedAt"] == call(asked)["startedAt"]
    shown = fresh.run(cell, "cell-1", notebook="work/one.ipynb")
    assert call(shown)["printed"] == {"text": LOOKED}
    done = act(fresh, click)
    assert done.traceback == ""
    assert call(done)["printed"] == {"text": DONE}
    again(fresh, TOOL)
    asked = fresh.tell("llm_notebook", {"type": "resync", "id": told["id"]})
    fresh.hear(lambda message: is_idle(message, asked))
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    assert told["blocks"][0]["printed"] == {"text": DONE}
