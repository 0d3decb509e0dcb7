"""Whose question it is: a waiting call belongs to a notebook, a cell, a place in its execution and a request, and so do grants."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notebook.kernels import Cell, Kernel, running_kernel
from tests.notebook.versions import MIME_TYPE, click_of

LOAD = "%load_ext llm_notebook\n%load_ext tests.notebook.scripted"
DEFINE = '''
def erase(path: str) -> str:
    """Erase a file."""
    with open("ran.txt", "a") as file:
        print(path, file=file)
    return "erased " + path
'''
ASK = "%llm -m asker --ta -T erase Erase {{ path }}"
NOTEBOOK = "work/2024.ipynb"


class Notebook:
    """A notebook in a kernel: runs cells as JupyterLab does, with the path that the notebook has at that moment."""

    def __init__(self, kernel: Kernel, folder: Path, path: str | None = NOTEBOOK) -> None:
        self.kernel = kernel
        self.folder = folder
        self.path: str | dict[str, Any] | None = path

    def run(self, code: str, cell_id: str = "cell-1") -> Cell:
        return self.kernel.run(code, cell_id, notebook=self.path)

    def define(self, path: str = "/a") -> None:
        ran = self.run(f"{DEFINE}\npath = {path!r}", "cell-0")
        assert ran.status == "ok", ran.traceback

    def restart(self) -> None:
        self.kernel.restart()
        assert self.kernel.run(LOAD).status == "ok"

    def act(self, cell: Cell, at: str = "cell-1", **more: Any) -> Cell:
        """Click in the cell with this id."""
        return self.run(f"%llm act {json.dumps({**click_of(cell), **more})}", at)

    @property
    def asked(self) -> int:
        """How often a model was asked."""
        return int(self.kernel.value("len(sent)"))

    @property
    def ran(self) -> list[str]:
        file = self.folder / "ran.txt"
        return file.read_text().split() if file.exists() else []

    @property
    def pending(self) -> str:
        return str(self.run("%llm pending", "pending").outputs[0]["text/plain"])


def transcript(cell: Cell) -> str:
    assert cell.traceback == ""
    return str(cell.outputs[-1][MIME_TYPE]["id"])


def transcripts(cell: Cell) -> list[str]:
    """Return the ids of all transcripts that a cell shows, in order."""
    return list(dict.fromkeys(output[MIME_TYPE]["id"] for output in cell.outputs))


def text(cell: Cell) -> str:
    assert cell.traceback == ""
    return str(cell.outputs[-1]["text/plain"])


def question(cell: Cell) -> str:
    """Return the part of the call's id that the cell says to type."""
    found = re.search(r"%llm approve (\w+)", text(cell))
    assert found is not None, text(cell)
    return found[1]


def scopes(cell: Cell) -> list[str]:
    [block] = [block for block in cell.outputs[-1][MIME_TYPE]["blocks"] if block["kind"] == "call"]
    return list(block["request"]["grants"])


@pytest.fixture
def notebook(tmp_path: Path) -> Iterator[Notebook]:
    with running_kernel(tmp_path) as kernel:
        opened = Notebook(kernel, tmp_path)
        opened.define()
        yield opened


def test_a_changed_variable_is_another_question_and_the_older_one_is_left(notebook: Notebook) -> None:
    older = notebook.run(ASK)
    notebook.define("/b")
    newer = notebook.run(ASK)
    assert '"path": "/b"' in text(newer)
    assert notebook.asked == 2
    said = f"about erase that this cell asked before was left in `%llm pending` (`%llm resume {question(older)}`)"
    assert said in text(newer)
    assert {name in notebook.pending for name in (question(older), question(newer))} == {True}
    notebook.define("/a")
    assert transcript(notebook.run(ASK)) == transcript(older)
    notebook.restart()
    notebook.define("/b")
    again = notebook.run(ASK)
    assert question(again) == question(newer)
    assert "asked before" not in text(again)
    assert notebook.asked == 0


@pytest.mark.parametrize(
    "other",
    [
        ASK.replace("-T erase", "-T erase -s Quickly."),
        ASK.replace("-T erase", "-T erase -R"),
        ASK.replace("--ta", "--approve erase"),
        ASK.replace("Erase", "Erase now"),
    ],
)
def test_another_request_in_the_same_cell_is_another_question(notebook: Notebook, other: str) -> None:
    older = notebook.run(ASK)
    newer = notebook.run(other)
    assert question(newer) != question(older)
    assert question(older) in text(newer)
    assert transcript(notebook.run(ASK.replace("{{ path }}", "/a"))) == transcript(older)


def test_each_round_of_a_loop_has_its_own_question(notebook: Notebook) -> None:
    assert notebook.run('%config LLMMagics.on_pause = "continue"').status == "ok"
    loop = f"for path in ['/a', '/b', '/a']:\n    {ASK}"
    first = transcripts(notebook.run(loop))
    assert len(first) == notebook.asked == 3
    assert transcripts(notebook.run(loop)) == first
    assert notebook.asked == 3
    changed = transcripts(notebook.run(loop.replace("'/b'", "'/c'")))
    assert changed[::2] == first[::2]
    assert changed[1] not in first
    assert notebook.asked == 4


def test_a_copied_notebook_and_a_copied_cell_ask_for_themselves(notebook: Notebook) -> None:
    older = notebook.run(ASK)
    assert transcript(notebook.run(ASK, "cell-2")) != transcript(older)
    notebook.path = "work/2025.ipynb"
    copy = notebook.run(ASK)
    assert transcript(copy) != transcript(older)
    assert f"that the same cell of `{NOTEBOOK}` asked before was left" in text(copy)
    assert question(older) in text(copy)
    # Folders of two servers may both have a notebook of this name.
    notebook.path = {"path": NOTEBOOK, "root": "/srv/other"}
    assert notebook.run(ASK).outputs[-1][MIME_TYPE]["id"] not in (transcript(older), transcript(copy))


def test_a_copy_in_a_kernel_of_its_own_asks_for_itself(notebook: Notebook) -> None:
    older = notebook.run(ASK)
    with running_kernel(notebook.folder) as other:
        copy = Notebook(other, notebook.folder, "work/2025.ipynb")
        copy.define("/2025")
        asked = copy.run(ASK)
        assert '"path": "/2025"' in text(asked)
        assert copy.run(f"%llm approve {question(asked)}").traceback == ""
        assert copy.ran == ["/2025"]
        assert question(older) in copy.pending


def test_a_renamed_notebook_keeps_its_questions_and_what_is_allowed_in_it(notebook: Notebook) -> None:
    notebook.run("%llm one", "cell-2")
    allowed = notebook.run(ASK)
    assert notebook.act(allowed, grant="notebook").traceback == ""
    notebook.run(ASK, "cell-4")
    assert notebook.ran == ["/a", "/a"]
    waiting = notebook.run(f"def erase(path: str) -> str: return path\n{ASK}", "cell-5")
    notebook.path = {"path": "work/new.ipynb", "was": NOTEBOOK}
    assert notebook.run("1 + 1", "cell-6").status == "ok"
    notebook.path = "work/new.ipynb"
    assert transcript(notebook.run(f"def erase(path: str) -> str: return path\n{ASK}", "cell-5")) == transcript(waiting)
    notebook.define()
    notebook.run(ASK, "cell-4")
    assert notebook.ran == ["/a", "/a", "/a"]
    notebook.restart()
    again = notebook.run(f"def erase(path: str) -> str: return path\npath = '/a'\n{ASK}", "cell-5")
    assert question(again) == question(waiting)
    notebook.path = NOTEBOOK
    notebook.define()
    assert question(notebook.run(ASK, "cell-4"))


def test_where_no_path_is_sent_what_is_allowed_ends_with_the_kernel(tmp_path: Path) -> None:
    with running_kernel(tmp_path, {"JPY_SESSION_NAME": "/home/me/2024.ipynb"}) as kernel:
        notebook = Notebook(kernel, tmp_path, None)
        notebook.define()
        asked = notebook.run(ASK)
        assert scopes(asked) == ["cell", "session"]
        [block] = [block for block in asked.outputs[-1][MIME_TYPE]["blocks"] if block["kind"] == "call"]
        assert block["request"]["grantsEndWithKernel"]
        notebook.act(asked, grant="cell")
        notebook.run(ASK)
        assert notebook.ran == ["/a", "/a"]
        assert question(notebook.run(ASK + " /b"))
        assert question(notebook.run(ASK, "cell-2"))
        notebook.restart()
        notebook.define()
        waiting = notebook.run(ASK)
        # The path that the kernel was started with, and the cell's id, are enough for the question.
        notebook.restart()
        notebook.define()
        assert question(notebook.run(ASK)) == question(waiting)
    with running_kernel(tmp_path, {"JPY_SESSION_NAME": "/home/me/2025.ipynb"}) as kernel:
        copy = Notebook(kernel, tmp_path, None)
        copy.define()
        assert question(copy.run(ASK)) != question(waiting)
        assert copy.ran == ["/a", "/a"]


@pytest.mark.parametrize(
    ("cell_id", "comes_back"), [("cell-1", False), ("vscode-notebook-cell:/home/me/a.ipynb#W0", True)]
)
def test_where_no_path_is_known_only_the_address_of_a_cell_brings_a_question_back_later(
    tmp_path: Path, cell_id: str, comes_back: bool
) -> None:
    with running_kernel(tmp_path, {"JPY_SESSION_NAME": ""}) as kernel:
        notebook = Notebook(kernel, tmp_path, None)
        notebook.define()
        waiting = notebook.run(ASK, cell_id)
        # Within one kernel the id is enough.
        assert question(notebook.run(ASK, cell_id)) == question(waiting)
        notebook.restart()
        notebook.define()
        # A copy of the notebook would have the same ids.
        assert (question(notebook.run(ASK, cell_id)) == question(waiting)) is comes_back
        assert notebook.pending.count("Asked by asker") == (1 if comes_back else 2)


def test_a_grant_for_a_cell_is_for_its_text_in_this_notebook(notebook: Notebook) -> None:
    cell = f"folder = '/tmp'\n{ASK}"
    notebook.act(notebook.run(cell), grant="cell")
    notebook.run(cell)
    notebook.restart()
    notebook.define()
    notebook.run(cell)
    assert notebook.ran == ["/a", "/a", "/a"]
    # The prompt is the same, but not the cell.
    assert question(notebook.run(cell.replace("/tmp", "/")))
    assert question(notebook.run(cell, "cell-2"))
    notebook.path = "work/2025.ipynb"
    assert question(notebook.run(cell))
    assert notebook.ran == ["/a", "/a", "/a"]


FILES = '''
import llm_notebook as llm

class Files(llm.Toolbox):
    def __init__(self, root: str = "/r") -> None:
        self.root = root

    def erase(self, path: str) -> str:
        """Erase a file."""
        with open("ran.txt", "a") as file:
            print(self.root + path, file=file)
        return "erased"
'''
FUNCTION = """--functions 'def erase(path: str): return open("ran.txt", "a").write("/r" + path)'"""


@pytest.mark.parametrize("option", [FUNCTION, "-T 'Files(\"/r\")'", "-T Files"])
@pytest.mark.parametrize("added", ["", " carefully"])
def test_running_a_cell_again_gives_its_waiting_question_the_tools(notebook: Notebook, option: str, added: str) -> None:
    assert notebook.run(FILES, "files").status == "ok"
    waiting = notebook.run(f"%llm -m asker --ta {option} Erase /a")
    notebook.restart()
    assert notebook.run(FILES, "files").status == "ok"
    assert "Run the cell that" in notebook.run(f"%llm approve {question(waiting)}", "cell-2").traceback
    again = notebook.run(f"%llm -m asker --ta {option} Erase /a{added}")
    assert (question(again) == question(waiting)) is not added
    approved = notebook.run(f"%llm approve {question(waiting)}", "cell-2")
    assert approved.traceback == ""
    assert notebook.ran == ["/r/a"]


@pytest.mark.parametrize(
    ("on_pause", "cells"),
    [
        ("stop", ["%llm -m asker --ta -T box Erase /a", "box.root = '/PROD'"]),
        ("continue", ["%llm -m asker --ta -T box Erase /a\nbox.root = '/PROD'"]),
    ],
)
def test_a_question_whose_tool_changes_is_asked_anew_as_soon_as_the_cell_is_over(
    notebook: Notebook, on_pause: str, cells: list[str]
) -> None:
    assert notebook.run(f"%config LLMMagics.on_pause = {on_pause!r}").status == "ok"
    assert notebook.run(f"{FILES}\nbox = Files()", "files").status == "ok"
    for number, cell in enumerate(cells):
        notebook.run(cell, f"cell-{number}")
    turns = "get_ipython().magics_manager.registry['LLMMagics'].turns.turns.values()"
    changed = notebook.kernel.value(f"[call.request.changed for turn in {turns} for call in turn.view.open_calls]")
    assert changed == ['This was asked before. Since then what it runs with changed: root: "/r" → "/PROD".']


def test_a_cell_that_is_refused_makes_its_tools_available_all_the_same(notebook: Notebook) -> None:
    waiting = notebook.run(f"%llm -m asker --ta {FUNCTION} Erase {{{{ path }}}}")
    notebook.restart()
    assert "path" in notebook.run(f"%llm -m asker --ta {FUNCTION} Erase {{{{ path }}}}").traceback
    assert notebook.run(f"%llm approve {question(waiting)}", "cell-2").traceback == ""
    assert notebook.ran == ["/r/a"]


def test_what_a_cell_was_given_holds_for_the_question_that_it_shows_again(notebook: Notebook) -> None:
    ask = ASK.replace("--ta", "--ta --out said")
    notebook.run(ask)
    notebook.restart()
    notebook.define()
    assert notebook.act(notebook.run(ask)).traceback == ""
    assert notebook.kernel.value("said") == "All done: erased /a."


@pytest.mark.parametrize(
    "said", [{"path": 5}, {"path": ""}, {"path": None, "root": [], "was": {}}, {}, {"root": "/srv", "was": "a"}]
)
def test_what_no_notebook_can_be_called_counts_as_not_said(notebook: Notebook, said: dict[str, Any]) -> None:
    notebook.path = said
    assert scopes(notebook.run(ASK)) == ["cell", "session"]


def _users(kernel: Kernel) -> list[str]:
    lines = kernel.value("texts(sent[-1])")
    return [line.removeprefix("user: ") for line in lines if line.startswith("user: ")]


def test_c_continues_the_conversation_of_its_own_notebook(notebook: Notebook) -> None:
    kernel = notebook.kernel
    notebook.run("%llm one", "cell-1")
    other = Notebook(kernel, notebook.folder, "work/2025.ipynb")
    other.run("%llm two", "cell-1")
    notebook.run("%llm -c three", "cell-2")
    assert _users(kernel) == ["one", "three"]
    other.run("%llm -c four", "cell-2")
    assert _users(kernel) == ["two", "four"]
    notebook.restart()
    notebook.run("%llm -c five", "cell-3")
    assert _users(kernel) == ["one", "three", "five"]
    other.run("%llm -c four", "cell-2")
    assert _users(kernel) == ["two", "four"]
    third = Notebook(kernel, notebook.folder, "work/2026.ipynb")
    third.run("%llm -c six", "cell-2")
    assert _users(kernel) == ["six"]
    other.path = {"path": "work/new.ipynb", "was": "work/2025.ipynb"}
    other.run("%llm -c seven", "cell-3")
    assert _users(kernel) == ["two", "four", "seven"]


def test_where_no_path_is_sent_a_cell_continues_only_what_it_continued_before(tmp_path: Path) -> None:
    with running_kernel(tmp_path, {"JPY_SESSION_NAME": "/home/me/2024.ipynb"}) as kernel:
        notebook = Notebook(kernel, tmp_path, None)
        notebook.run("%llm one", "cell-1")
        notebook.run("%llm -c two", "cell-2")
        notebook.restart()
        notebook.run("%llm -c three", "cell-3")
        assert _users(kernel) == ["three"]
        notebook.restart()
        notebook.run("%llm -c two", "cell-2")
        assert _users(kernel) == ["one", "two"]
        # A kernel that was started for one notebook is used by another, or without any.
        notebook.restart()
        kernel.run("%llm -c four")
        assert _users(kernel) == ["four"]


@pytest.mark.parametrize("options", ["--cid 0wr0ng0", "-c --cid 0wr0ng0", "-c --cid WRONG", '--cid ""'])
def test_a_conversation_that_is_not_there_is_refused(notebook: Notebook, options: str) -> None:
    notebook.run("%llm one")
    assert "Nothing was sent." in notebook.run(f"%llm {options} two", "cell-2").traceback
    assert notebook.asked == 1


@pytest.mark.parametrize("above", ["%%capture", "%%capture said\n%%time"])
def test_a_question_whose_output_is_captured_is_shown_and_stops_the_queue(notebook: Notebook, above: str) -> None:
    with notebook.kernel.queueing():
        requests = [
            notebook.kernel.send(code, name, notebook=notebook.path)
            for code, name in ((f"{above}\nprint('hidden')\n{ASK}", "cell-1"), ("print('below ran')", "cell-2"))
        ]
    asked, below = notebook.kernel.collect(*requests)
    assert question(asked)
    assert asked.stdout == below.stdout == ""
    assert (asked.status, below.status) == ("error", "aborted")
    assert notebook.act(asked).traceback == ""
    assert notebook.ran == ["/a"]
    assert notebook.run(f"{above}\nprint('hidden')", "cell-3").outputs == []
