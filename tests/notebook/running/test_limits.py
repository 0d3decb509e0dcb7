"""A turn that had as many answers in a row as its cell allows stops with a way to continue, here and in a later kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE
from tests.notebook.waits.test_later_kernels import act, again

DEFINE = '''
def look(path: str) -> str:
    """Look at a file."""
    with open("ran.txt", "a") as file:
        print(path, file=file)
    return "saw " + path
'''
ASK = "%llm -m asker -T look --cl 2 Look at /a /b /c /d"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path) as kernel:
        assert kernel.run(DEFINE).status == "ok"
        yield kernel


def runs(folder: Path) -> list[str]:
    return (folder / "ran.txt").read_text().split()


def document(cell: Cell) -> dict[str, Any]:
    return cell.outputs[-1][MIME_TYPE]  # type: ignore[no-any-return]


def resume_command(cell: Cell) -> str:
    found = re.search(r"%llm resume \w+", cell.outputs[-1]["text/plain"])
    assert found is not None
    return found[0]


def test_the_limit_is_a_card_that_continues(fresh: Kernel, tmp_path: Path) -> None:
    with fresh.queueing():
        requests = fresh.send(ASK, "cell-1"), fresh.send("below = True")
    stopped, below = fresh.collect(*requests)
    assert stopped.traceback == ""
    assert below.status == "aborted"
    shown = document(stopped)
    assert (shown["state"], shown["limit"]) == ("interrupted", {"answers": 2, "calls": 1})
    assert runs(tmp_path) == ["/a"]
    # As many answers again: /b and /c run, and /d is beyond the limit.
    more = act(fresh, {"type": "continue", "transcript": shown["id"]})
    assert more.traceback == ""
    assert document(more)["limit"] == {"answers": 2, "calls": 1}
    assert runs(tmp_path) == ["/a", "/b", "/c"]
    done = act(fresh, {"type": "continue", "transcript": shown["id"]})
    assert (document(done)["state"], document(done)["limit"]) == ("done", None)
    assert runs(tmp_path) == ["/a", "/b", "/c", "/d"]
    assert fresh.value("len(sent)") == 5


def test_the_text_names_the_limit_and_the_command_that_continues(fresh: Kernel, tmp_path: Path) -> None:
    stopped = fresh.run(ASK, "cell-1")
    for form in ("text/plain", "text/markdown"):
        assert "Paused after 2 answers in a row, the limit of this cell (`--cl 2`)" in stopped.outputs[-1][form]
    more = fresh.run(resume_command(stopped), "cell-2")
    assert more.traceback == ""
    assert runs(tmp_path) == ["/a", "/b", "/c"]


def test_what_was_not_kept_continues_in_this_kernel(fresh: Kernel, tmp_path: Path) -> None:
    stopped = fresh.run(ASK.replace("%llm", "%llm -n"), "cell-1")
    assert fresh.run(resume_command(stopped), "cell-2").traceback == ""
    assert runs(tmp_path) == ["/a", "/b", "/c"]


def test_a_later_kernel_continues_for_as_many_answers(fresh: Kernel, tmp_path: Path) -> None:
    stopped = fresh.run(ASK, "cell-1")
    again(fresh, DEFINE)
    more = fresh.run(resume_command(stopped), "cell-2")
    assert more.traceback == ""
    assert document(more)["limit"] == {"answers": 2, "calls": 1}
    again(fresh, DEFINE)
    done = fresh.run(resume_command(more), "cell-2")
    assert document(done)["state"] == "done"
    assert runs(tmp_path) == ["/a", "/b", "/c", "/d"]


def test_running_the_cell_again_asks_anew(fresh: Kernel, tmp_path: Path) -> None:
    fresh.run(ASK, "cell-1")
    done = fresh.run(ASK.replace("--cl 2", "--cl 0"), "cell-1")
    assert document(done)["state"] == "done"
    assert runs(tmp_path) == ["/a", "/a", "/b", "/c", "/d"]


def test_with_on_pause_continue_the_cells_below_run(fresh: Kernel) -> None:
    fresh.run("%config LLMMagics.on_pause = 'continue'")
    with fresh.queueing():
        requests = fresh.send(ASK, "cell-1"), fresh.send("below = True")
    stopped, below = fresh.collect(*requests)
    assert (stopped.status, below.status) == ("ok", "ok")
    assert document(stopped)["limit"]


def test_python_code_gets_a_value_error(fresh: Kernel) -> None:
    code = (
        "import llm_notebook as llm\nllm.get_model('asker').chain('Look at /a /b', tools=[look], chain_limit=1).text()"
    )
    ran = fresh.run(code)
    assert "The chain reached its limit of 1 responses" in ran.traceback
    assert fresh.value("issubclass(__import__('llm_notebook.errors').errors.ChainLimitReached, ValueError)")


def test_conversations_continue_from_where_the_limit_stopped_them(fresh: Kernel) -> None:
    fresh.run(ASK, "cell-1")
    assert fresh.run("%llm -m echo -c And now?", "cell-2").traceback == ""
    assert "saw /a" in fresh.value("[getattr(p, 'output', '') for m in sent[-1].messages for p in m.parts]")
