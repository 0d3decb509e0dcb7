"""A question of a chain inside a tool: its card is in the cell of the outer turn, here and in a later kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE, click_of
from tests.notebook.waits.test_later_kernels import DEFINE, act, again, name, runs, state, told_click

TIDY = (
    DEFINE
    + '''
def tidy(path: str) -> str:
    """Let a helper tidy up."""
    with open("ran.txt", "a") as file:
        print("entered", file=file)
    return llm.get_model("asker").chain("Erase " + path, tools=[erase]).text()
'''
)
ASK = "%llm -m asker -T tidy Tidy /a"


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Kernel]:
    with running_kernel(tmp_path) as kernel:
        assert kernel.run(TIDY).status == "ok"
        yield kernel


def ask(kernel: Kernel) -> Cell:
    cell = kernel.run(ASK, "cell-1")
    assert cell.traceback == ""
    assert state(cell) == "paused"
    return cell


def test_the_card_names_the_inner_call_and_a_click_continues_the_whole_turn(fresh: Kernel, tmp_path: Path) -> None:
    document = ask(fresh).outputs[-1][MIME_TYPE]
    outer, inner = [block for block in document["blocks"] if block["kind"] == "call"]
    assert (outer["name"], outer["status"], outer["request"]) == ("tidy", "suspended", None)
    assert (inner["name"], inner["status"]) == ("erase", "waiting")
    assert inner["request"]["params"][0]["text"] == "/a"
    assert inner["request"]["origin"][-1] == "asked inside tidy, which asker called"
    listed = fresh.run("%llm pending").outputs[0]["text/plain"]
    assert listed.count("  erase\n") == 1
    assert "tidy" not in listed.replace("asked inside tidy", "")


@pytest.mark.parametrize("is_later", [False, True], ids=["this kernel", "a later kernel"])
def test_a_click_runs_the_inner_call_once(fresh: Kernel, tmp_path: Path, is_later: bool) -> None:
    asked = ask(fresh)
    if is_later:
        again(fresh, TIDY)
        acted = act(fresh, told_click(fresh, asked))
    else:
        acted = act(fresh, click_of(asked))
    assert acted.traceback == ""
    told = fresh.comm_messages("llm_notebook")[-1]["content"]["data"] if is_later else None
    bundle = acted.outputs[-1] if told is None else told["bundle"]
    assert bundle[MIME_TYPE]["state"] == "done"
    assert "All done: All done: erased /a.." in bundle["text/plain"]
    assert runs(tmp_path) == ["entered", "entered", "/a"]
    assert "Nothing waits" in fresh.run("%llm pending").stdout + str(fresh.run("%llm pending").outputs)


def test_without_the_outer_tool_the_card_says_what_to_run(fresh: Kernel, tmp_path: Path) -> None:
    asked = ask(fresh)
    again(fresh)
    act(fresh, told_click(fresh, asked))
    document = fresh.comm_messages("llm_notebook")[-1]["content"]["data"]["document"]
    [request] = [block["request"] for block in document["blocks"] if block["kind"] == "call" and block["request"]]
    assert "tidy" in request["blocked"]
    assert fresh.run(TIDY).status == "ok"
    assert act(fresh, told_click(fresh, asked)).traceback == ""
    assert runs(tmp_path) == ["entered", "entered", "/a"]


def test_running_the_cell_again_shows_the_inner_question_and_asks_nobody(fresh: Kernel, tmp_path: Path) -> None:
    ask(fresh)
    again(fresh, TIDY)
    shown = ask(fresh)
    assert fresh.value("len(sent)") == 0
    approved = fresh.run(f"%llm approve {name(shown)}", "cell-2")
    assert approved.traceback == ""
    assert runs(tmp_path) == ["entered", "entered", "/a"]


@pytest.mark.parametrize("is_later", [False, True], ids=["this kernel", "a later kernel"])
def test_a_forgotten_inner_question_ends_the_turn_without_a_model(
    fresh: Kernel, tmp_path: Path, is_later: bool
) -> None:
    asked = ask(fresh)
    if is_later:
        again(fresh, TIDY)
    before = fresh.value("len(sent)")
    assert fresh.run(f"%llm forget {name(asked)}").traceback == ""
    assert fresh.value("len(sent)") == before
    assert "Nothing waits" in str(fresh.run("%llm pending").outputs) + fresh.run("%llm pending").stdout
    assert runs(tmp_path) == ["entered"]


def test_what_is_not_kept_is_asked_about_and_run_in_this_kernel(fresh: Kernel, tmp_path: Path) -> None:
    cell = fresh.run(ASK.replace("%llm", "%llm -n"), "cell-1")
    assert state(cell) == "paused"
    assert fresh.value("len(__import__('llm_notebook').history())") == 0
    acted = act(fresh, click_of(cell))
    assert acted.traceback == ""
    assert state(acted) == "done"
    assert runs(tmp_path) == ["entered", "entered", "/a"]
    assert fresh.value("len(__import__('llm_notebook').history())") == 0


def test_always_allow_in_this_cell_covers_the_inner_tool(fresh: Kernel, tmp_path: Path) -> None:
    cell = fresh.run(ASK + " /b", "cell-1")
    click = click_of(cell)
    acted = act(fresh, {**click, "grant": "session"})
    assert acted.traceback == ""
    assert state(acted) == "done"
    assert runs(tmp_path) == ["entered", "entered", "/a", "entered", "/b"]
