"""`-c` while a call waits: the next cell's model is told so, and the cell after the decision begins with the result."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernels import Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE
from tests.notebook.waits.test_later_kernels import DEFINE, act, again, ask, name, runs, told_click

HOW = "%llm -m echo -c How are you?"
LATER = "%llm -m echo -c And now?"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path) as kernel:
        assert kernel.run(DEFINE).status == "ok"
        yield kernel


def results(kernel: Kernel) -> list[str]:
    """What the model was told last in the place of results."""
    code = "[part.output for message in sent[-1].messages for part in message.parts if hasattr(part, 'output')]"
    return kernel.value(code)  # type: ignore[no-any-return]


@pytest.mark.parametrize("option", ["", "-n "], ids=["kept", "not kept"])
def test_the_next_cell_is_told_that_the_call_waits_and_a_later_one_what_it_returned(
    fresh: Kernel, tmp_path: Path, option: str
) -> None:
    waiting = ask(fresh, f"%llm {option}-m asker -T erase Erase /a")
    assert fresh.run(f"%llm {option}-m echo -c How are you?", "cell-2").traceback == ""
    assert [told.partition(":")[0] for told in results(fresh)] == ["Waiting"]
    before = fresh.value("len(sent)")
    approved = fresh.run(f"%llm approve {name(waiting)}", "cell-3")
    assert approved.traceback == ""
    assert runs(tmp_path) == ["/a"]
    assert fresh.value("len(sent)") == before
    assert "The conversation has gone on since" in approved.outputs[-1]["text/plain"]
    later = fresh.run(f"%llm {option}-m echo -c And now?", "cell-4")
    assert later.traceback == ""
    assert [told.partition(":")[0] for told in results(fresh)] == ["Waiting"]
    last = fresh.value("texts(sent[-1])[-1]")
    assert "Name: erase" in last
    assert last.index("erased /a") < last.index("And now?")
    assert fresh.value(
        "[m.to_dict() for m in sent[-1].messages][:-1] == [m.to_dict() for m in sent[-2].messages] + [sent[-1].messages[-2].to_dict()]"
    )


def test_after_a_restart_the_result_is_told_too(fresh: Kernel, tmp_path: Path) -> None:
    waiting = ask(fresh)
    assert fresh.run(HOW, "cell-2").traceback == ""
    again(fresh, DEFINE)
    assert act(fresh, told_click(fresh, waiting)).traceback == ""
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]
    assert "The conversation has gone on since" in told["bundle"]["text/plain"]
    assert told["bundle"][MIME_TYPE]["state"] == "done"
    assert runs(tmp_path) == ["/a"]
    assert fresh.value("len(sent)") == 0
    # The cell is named, because a path is not sent here.
    turn = fresh.value("__import__('llm_notebook').history(limit=1)[0].begun.turn_id")
    assert fresh.run(f"%llm -m echo --cid {turn} And now?", "cell-4").traceback == ""
    assert "erased /a" in fresh.value("texts(sent[-1])[-1]")
